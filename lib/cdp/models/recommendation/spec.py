"""What a file of conf/recommendations says: of which items the lists are, how long, and what they are for."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MODELS = "recommendations."  # what the names of the lists' models begin with


class ListSpec(BaseModel):
    """One file of conf/recommendations: up to ``k`` items bought before and ``k`` new ones for each customer.

    ``item`` is the column of silver.order_lines that names an item.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    item: Literal["product_id", "category"]
    k: int = Field(ge=1, le=100)
    purpose: str
    owner: str


def model_of(name: str) -> str:
    """The name of the model that ranks the list `name`; no model of conf/models can have it, for its dot."""
    return f"{MODELS}{name}"
