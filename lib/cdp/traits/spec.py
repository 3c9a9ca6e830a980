"""What a trait file says: a measure of people, whose it is and what it is for, with a worked example."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from cdp.rules.measures import Measure


class TraitExample(BaseModel):
    """A worked example, run by the tests: rows of one person in (columns left out are ordinary), value out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: list[dict[str, Any]]
    as_of: date
    value: Any


class TraitSpec(Measure):
    """One file of conf/traits; the file's name is the trait's name and its column in gold.traits.

    With ``is_feature`` it is a feature too: a column of gold.snapshots, which models learn from and score by.
    """

    is_feature: bool = False
    unit: str | None = None
    purpose: str
    owner: str
    description: str
    example: TraitExample


def features_of(specs: Mapping[str, TraitSpec]) -> dict[str, TraitSpec]:
    """The traits that are features."""
    return {name: spec for name, spec in sorted(specs.items()) if spec.is_feature}
