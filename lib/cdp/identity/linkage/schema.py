"""What the columns of a file mean: the one thing that resolving asks of its user."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cdp.core.errors import ConfigError, nearest_name

SemanticType = Literal[
    "given_name", "middle_name", "family_name", "full_name", "name_suffix", "organisation_name", "birth_date", "age",
    "sex", "email", "phone", "street_number", "street", "unit", "street_address", "city", "region", "postcode",
    "country", "birth_place", "occupation", "employer", "national_id", "account_id", "device_id", "categorical",
    "free_text",
]  # fmt: skip


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnMeaning(_Frozen):
    """The semantic type of one column; `formats` are date patterns such as dd/MM/yyyy, tried in this order."""

    type: SemanticType
    formats: tuple[str, ...] = ()

    @field_validator("type", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value not in get_args(SemanticType):
            raise ValueError(f"no semantic type {value!r}: {nearest_name(str(value), list(get_args(SemanticType)))}")
        return value


class RecordSchema(_Frozen):
    """A file's columns by meaning.

    record_id: the column that numbers a source's records, unique per source. source: the column that names the feed
    (without it the file's own name is the source). updated_at: when the record last changed; only limits of policy
    look at it. columns: column of the file -> semantic type; a column that is not named is ignored.
    """

    record_id: str
    source: str | None = None
    updated_at: str | None = None
    columns: dict[str, ColumnMeaning] = Field(min_length=1)

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"type": meaning} if isinstance(meaning, str) else meaning for name, meaning in value.items()}

    def of_type(self, *types: SemanticType) -> list[str]:
        """The columns of these types, in the order of the file."""
        return [name for name, meaning in self.columns.items() if meaning.type in types]

    def check_columns(self, available: list[str]) -> None:
        """Raise ConfigError when a named column is not there."""
        wanted = [self.record_id, self.source, self.updated_at, *self.columns]
        for name in wanted:
            if name is not None and name not in available:
                raise ConfigError(f"the schema names column {name!r}, which the files lack: "
                                  f"{nearest_name(name, available)}")  # fmt: skip
