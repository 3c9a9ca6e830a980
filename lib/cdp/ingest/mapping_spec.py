"""The shape of conf/mappings/*.yaml: how the raw fields of a record become rows of silver tables."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cdp.core.errors import nearest_name
from cdp.ingest.codes import REFUSAL_CODES
from cdp.ingest.folding import Sql
from cdp.ingest.formats import Definition

TargetTable = Literal["events", "order_lines", "customer_records", "feedback", "consents"]
IdentifierType = Literal[
    "email", "phone", "user_id", "loyalty_id", "household_key", "customer_id", "anonymous_id", "account_id"
]
#: What a raw value may be. In text formats (CSV) it is what the text can be read as.
Kind = Literal["string", "number", "integer", "boolean", "object", "array"]
#: What a value may say, be it a text or of a kind of its own.
Form = Literal["time", "amount", "int32"]

_FIELD = re.compile(r"^[^.`\s]([^.`]*[^.`\s])?(\.[^.`\s]([^.`]*[^.`\s])?)*$")


def is_field(name: str) -> bool:
    """Whether a mapping can name a raw field so."""
    return _FIELD.match(name) is not None


class ColumnSpec(Definition):
    """How one canonical column comes from a raw record: exactly one of field, value, sql, main."""

    field: str | None = Field(default=None, description="dotted path; `item.x` inside an exploded list")
    value: str | int | float | bool | None = None
    sql: Sql | None = Field(
        default=None,
        description="Spark SQL over the raw fields (all of them text); folded(field): as `map` compares words",
    )
    main: str | None = Field(default=None, description="a column of the mapping's first output")
    called: str | None = Field(default=None, description="how refusals call what comes from sql: the field it reads")
    formats: tuple[str, ...] = Field(default=(), description="iso8601, epoch_ms, epoch_s or datetime patterns")
    map: dict[str, str] = Field(
        default_factory=dict, description="source word -> our word; case, spaces, - and _ do not count"
    )
    default: str | int | float | bool | None = None
    required: bool = False
    min: float | None = None
    max: float | None = None
    null_words: bool | None = Field(default=None, description="None: yes in customer_records, no elsewhere")
    type: Literal["STRING", "BIGINT", "DOUBLE", "BOOLEAN", "DATE"] | None = Field(
        default=None, description="only in `attributes`; a column's type comes from its table's contract"
    )
    unknown: Literal["unknown_value", "unknown_call"] = Field(
        default="unknown_value", description="the code for a word that `map` does not have"
    )
    fill: Literal["content", "arrival"] | None = Field(
        default=None, description="what stands in for a missing id (a hash of the content) or time (the arrival)"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnSpec:
        given = [name for name in ("field", "value", "sql", "main") if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"give exactly one of field, value, sql, main (given: {', '.join(given) or 'none'})")
        if self.field is not None and not _FIELD.match(self.field):
            raise ValueError("a field is a dotted path without back-quotes, e.g. properties.order_id")
        if self.called is not None and self.sql is None:
            raise ValueError("`called` is for columns from sql: others are called as their field")
        return self

    def label(self, name: str) -> str:
        """How refusals call this column, whose name is given."""
        return self.field or self.called or name


class IdentifierSpec(Definition):
    """One identifier that a record may carry."""

    type: IdentifierType
    field: str | None = Field(default=None, pattern=_FIELD.pattern)
    sql: Sql | None = None
    when: Sql | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> IdentifierSpec:
        if (self.field is None) == (self.sql is None):
            raise ValueError("give exactly one of field, sql")
        return self


class CheckSpec(Definition):
    """One more defect that a record can have: `when` is Spark SQL over the raw fields; null counts as no.

    `__text` is the whole record as text.
    """

    field: str = Field(description="how refusals call it")
    code: str
    when: Sql

    @field_validator("code")
    @classmethod
    def _code_is_known(cls, code: str) -> str:
        if code not in REFUSAL_CODES:
            raise ValueError(f"not a refusal code; {nearest_name(code, list(REFUSAL_CODES))}")
        return code


class OutputSpec(Definition):
    """Rows of one silver table that a record gives."""

    table: TargetTable
    when: Sql | None = Field(default=None, description="Spark SQL over the raw fields; null counts as no")
    also_when: Sql | None = Field(
        default=None, description="like `when`, over the parts of fields that are taken apart only where `when` holds"
    )
    explode: str | None = Field(default=None, pattern=_FIELD.pattern, description="a list: one row per item")
    once: bool = Field(
        default=False,
        description="order_lines: bodies of one order give its lines once, of those that come together the last",
    )
    columns: dict[str, ColumnSpec]
    attributes: dict[str, ColumnSpec] = Field(
        default_factory=dict, description="names and origins of the JSON object in attributes, answers or properties"
    )

    @model_validator(mode="after")
    def _once_is_for_orders(self) -> OutputSpec:
        if self.once and (self.table != "order_lines" or self.explode is None):
            raise ValueError("`once` is for order_lines that are exploded from an order")
        return self


class MappingSpec(Definition):
    """From the raw records of a source to rows of silver tables.

    The first output is the main one: every accepted record gives exactly one row of it, and a record is a
    duplicate when that row exists already.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    key: tuple[str, ...] = Field(min_length=1, description="raw fields that say which record it is")
    versions: tuple[str, ...] = Field(
        default=(), description="raw fields that tell what came later of the same key from a duplicate; may be missing"
    )
    repeats: Literal["duplicate", "keep"] = Field(
        default="duplicate", description="keep: equal keys in one file are several records (lines without a number)"
    )
    required: tuple[str, ...] = ()
    fields: dict[str, str] = Field(
        default_factory=dict, description="raw fields that only sql uses: path -> what it is (documentation)"
    )
    types: dict[str, Kind | tuple[Kind, ...] | Form] = Field(
        default_factory=dict,
        description="raw fields outside lists: what they may be, others are wrong_type; time: ISO 8601, else bad_time; "
        "amount: a number of money, as a number or as a text; int32: a whole number, out_of_range beyond 32 bits",
    )
    derived: dict[str, Sql] = Field(
        default_factory=dict,
        description="a name for Spark SQL over the raw fields, which checks and outputs read like a raw field",
    )
    checks: tuple[CheckSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = Field(min_length=1)
    identifiers: tuple[IdentifierSpec, ...] = ()

    @property
    def filled_fields(self) -> frozenset[str]:
        """Raw fields that need not be given, because the record's content stands in for them."""
        return frozenset(str(c.field) for c in self.outputs[0].columns.values() if c.fill == "content")

    @model_validator(mode="after")
    def _main_is_unconditional(self) -> MappingSpec:
        main = self.outputs[0]
        if main.when is not None or main.also_when is not None or main.explode is not None:
            raise ValueError("the first output is the main one: it takes neither `when` nor `explode`")
        if any(output.table == main.table for output in self.outputs[1:]):
            raise ValueError("a record gives one row of the first output's table: no further output may be of it")
        for output in self.outputs:
            for name, column in output.columns.items():
                if column.main is not None and output is main:
                    raise ValueError(f"column {name} of the first output cannot refer to the first output")
        return self
