"""What a trait file says: one number, date or word per person, computed from one silver table."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cdp.contracts.model import TableContract
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES

SOURCE_TABLES: dict[str, tuple[TableContract, str]] = {
    EVENTS.full_name: (EVENTS, "event_at"),
    ORDER_LINES.full_name: (ORDER_LINES, "ordered_at"),
    FEEDBACK.full_name: (FEEDBACK, "given_at"),
}
"""The tables that traits may read, each with the column that says when a row happened."""


class TraitExample(BaseModel):
    """A worked example, run by the tests: rows of one person in (columns left out are ordinary), value out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: list[dict[str, Any]]
    as_of: date
    value: Any


class TraitSpec(BaseModel):
    """One file of conf/traits; the file's name is the trait's name and its column in gold.traits.

    ``filter`` and ``aggregate`` are SQL over the table's columns; ``:as_of`` in the aggregate is the as-of
    date. ``window_days`` N counts rows of the N days before the as-of date, null all history; the as-of day
    itself never counts. ``default`` is the value of a person without a single row that counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Literal["silver.events", "silver.order_lines", "silver.feedback"]
    filter: str = "true"
    aggregate: str
    window_days: int | None = Field(default=None, gt=0)
    default: bool | int | float | str | None = None
    type: str
    unit: str | None = None
    purpose: str
    owner: str
    description: str
    example: TraitExample
