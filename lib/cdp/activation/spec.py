"""What every destination file says, whatever its kind: whose it is and which columns leave."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

COLUMN_GROUPS = ("profile", "trait", "prediction", "identifier")


class ExportColumn(BaseModel):
    """One column of what is sent: its name there and where its value comes from.

    ``from`` is ``person_id``, ``profile.<column>``, ``trait.<name>``, ``prediction.<column>`` (churn_score,
    ltv_score, p_alive, ...) or ``identifier.<type>`` (the person's newest of that type), or a list of these,
    of which the first that is not null is taken. A person without a value in a ``required`` column cannot be
    addressed there and is not sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    sources: tuple[str, ...] = Field(alias="from")
    required: bool = False

    @field_validator("sources", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("sources")
    @classmethod
    def _known_group(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for source in value:
            group, dot, column = source.partition(".")
            if source != "person_id" and not (dot and column and group in COLUMN_GROUPS):
                raise ValueError(f"{source!r} is neither person_id nor one of {', '.join(COLUMN_GROUPS)} + .name")
        if not value:
            raise ValueError("names no source column")
        return value


class DestinationSpec(BaseModel):
    """One file of conf/destinations; kinds of destination add their own keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    kind: str
    owner: str
    columns: tuple[ExportColumn, ...] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def _names_differ(cls, value: tuple[ExportColumn, ...]) -> tuple[ExportColumn, ...]:
        names = [column.name.lower() for column in value]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"the column name {doubled[0]!r} appears more than once")
        return value
