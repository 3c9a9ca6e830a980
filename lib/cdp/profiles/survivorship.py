"""The definition file of survivorship: which value wins, per attribute, when sources disagree."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cdp.contracts.columns import ATTRIBUTES

Rule = Literal["most_recent", "most_frequent", "most_complete", "source_priority", "verified_first"]

PROFILE_COLUMNS = tuple(column.name for column in ATTRIBUTES)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttributeGroup(_Frozen):
    """Columns that are taken together from one record, so that a street never meets another record's city.

    requires: a record without a value in each of these columns has nothing to offer; by default one value in any
    column will do. rule: most_recent takes the newest record; most_frequent what most records say; most_complete the
    record with the most columns of the group; source_priority the best source; verified_first a record whose
    attribute `verified_by` is true, yes or 1, if there is one. Ties: newer, then better source, then greater
    record_id.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    requires: tuple[str, ...] = ()
    rule: Rule = "most_recent"
    verified_by: str | None = Field(default=None, pattern=r"^\w+$")

    @model_validator(mode="after")
    def _says_what_verifies(self) -> AttributeGroup:
        if (self.rule == "verified_first") != (self.verified_by is not None):
            raise ValueError("verified_by and rule: verified_first go together: it names the attribute that verifies")
        if not set(self.requires) <= set(self.columns):
            raise ValueError("requires names a column that the group does not have")
        return self


class SurvivorshipPolicy(_Frozen):
    """All of conf/survivorship/profile.yaml.

    source_priority: best first; sources that are not named come after. fill_only: sources (bought data) whose
    values only fill gaps, whatever the rule. groups: every column of a profile stands in exactly one.
    """

    source_priority: tuple[str, ...] = ()
    fill_only: tuple[str, ...] = ()
    groups: dict[str, AttributeGroup]

    @model_validator(mode="after")
    def _covers_every_column_once(self) -> SurvivorshipPolicy:
        named = [column for group in self.groups.values() for column in group.columns]
        unknown = sorted(set(named) - set(PROFILE_COLUMNS))
        twice = sorted({column for column in named if named.count(column) > 1})
        missing = [column for column in PROFILE_COLUMNS if column not in named]
        for problem, columns in (("unknown", unknown), ("in two groups", twice), ("in no group", missing)):
            if columns:
                raise ValueError(f"columns {problem}: {', '.join(columns)}; a profile has {', '.join(PROFILE_COLUMNS)}")
        return self
