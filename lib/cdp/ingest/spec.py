"""The shapes of conf/sources/*.yaml and conf/mappings/*.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cdp.core.errors import ConfigError, nearest_name
from cdp.ingest.codes import REFUSAL_CODES

Party = Literal["first", "second", "third"]
Format = Literal["csv", "jsonl", "parquet", "xml", "table"]
TargetTable = Literal["events", "order_lines", "customer_records", "feedback", "consents"]
IdentifierType = Literal["email", "phone", "user_id", "loyalty_id", "household_key", "customer_id", "anonymous_id"]
Purpose = Literal["email_marketing", "personalisation", "analytics", "model_training", "ads", "direct_mail"]
#: What a raw value may be. In text formats (CSV) it is what the text can be read as.
Kind = Literal["string", "number", "integer", "boolean", "object", "array"]
#: Encodings in which a line end is one ASCII byte, so that records can be split before they are decoded.
Encoding = Literal["utf-8", "utf-8-sig", "iso-8859-1", "cp1252"]

_DURATION = re.compile(r"^(\d+)(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FIELD = re.compile(r"^[^.`\s]([^.`]*[^.`\s])?(\.[^.`\s]([^.`]*[^.`\s])?)*$")


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def duration(text: str | None) -> timedelta | None:
    """Read a duration such as 30s, 15m, 2h or 1d; None stays None."""
    match = _DURATION.match(text) if text else None
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def _checked_duration(text: str | None) -> str | None:
    if text is not None and not _DURATION.match(text):
        raise ValueError("must be a whole number and a unit: 30s, 15m, 2h or 1d")
    return text


class CsvOptions(_Spec):
    """How the rows of a CSV source are written; quotes inside a value are doubled (RFC 4180)."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1, description="null: no value is quoted")
    encoding: Encoding = "utf-8"
    header: tuple[str, ...] | None = Field(default=None, description="the columns of files without a header row")

    @model_validator(mode="after")
    def _unquoted_is_utf8(self) -> CsvOptions:
        if self.quote is None and (self.header is None or self.encoding not in ("utf-8", "utf-8-sig")):
            raise ValueError("without quotes the columns must be given in `header`, and the encoding is utf-8")
        return self


class XmlOptions(_Spec):
    """Which element of an XML file is one record."""

    row_tag: str = Field(pattern=r"^[A-Za-z_][\w.\-]*$")
    encoding: Encoding = "utf-8"


class DatabaseOptions(_Spec):
    """Which rows of a database are the source's, and how the new ones are told from those that came before."""

    url: str = Field(pattern=r"^jdbc:[a-z]+:", description="the JDBC address, without user and password")
    table: str | None = Field(default=None, description="schema.table")
    query: str | None = Field(default=None, description="a SELECT instead of a table")
    user_env: str = Field(description="the environment variable that holds the user's name")
    password_env: str = Field(description="the environment variable that holds the password")
    watermark: str | None = Field(
        default=None, description="a column that only grows (a change time, a number): newer rows are read, not all"
    )
    overlap: str | None = Field(default=None, description="read again what lies so far behind the watermark, e.g. 2h")
    partition_column: str | None = Field(default=None, description="a whole-number column, to read ranges in parallel")
    partitions: int = Field(default=4, ge=1, le=256)

    @field_validator("url")
    @classmethod
    def _url_holds_no_secret(cls, url: str) -> str:
        if re.search(r"(password|user)=|//[^/]*@", url, re.IGNORECASE):
            raise ValueError("holds a user or a password: name environment variables in user_env and password_env")
        return url

    @field_validator("overlap")
    @classmethod
    def _overlap_is_a_duration(cls, overlap: str | None) -> str | None:
        return _checked_duration(overlap)

    @model_validator(mode="after")
    def _options_fit(self) -> DatabaseOptions:
        if (self.table is None) == (self.query is None):
            raise ValueError("give exactly one of table, query")
        if self.overlap is not None and self.watermark is None:
            raise ValueError("`overlap` lies behind a `watermark`: name one")
        return self

    def rows_sql(self) -> str:
        """What to select from: the table, or the query as a subquery."""
        return self.table if self.table is not None else f"({self.query}) AS source_rows"


class ConsentDefault(_Spec):
    """Consent that comes with the data themselves, because of a licence or a contract; never a guess."""

    purposes: tuple[Purpose, ...] = Field(min_length=1)
    state: Literal["granted", "denied"]
    basis: str = Field(min_length=3)


class SourceSample(_Spec):
    """One record as the source writes it, and what must come of it: table -> columns of its (only or first) row."""

    raw: str
    header: tuple[str, ...] | None = None
    expect: dict[TargetTable, dict[str, Any]]


class SourceSpec(_Spec):
    """One source: who owns it, where its files lie, how they are written and which mapping reads them."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    owner: str
    description: str
    party: Party
    format: Format
    location: str = Field(default="", description="folder below the input folder; delivery folders lie in it")
    files: str = "*"
    csv: CsvOptions | None = None
    xml: XmlOptions | None = None
    database: DatabaseOptions | None = Field(default=None, description="with format table: no files, but these rows")
    mapping: str | MappingSpec = Field(description="the name of a file in conf/mappings, or the mapping itself")
    consent_default: ConsentDefault | None = None
    arrival_lag: str | None = None
    phone_region: str = Field(default="GB", pattern=r"^[A-Z]{2}$")
    has_lists: bool = Field(default=False, description="a line may be a JSON list of records (a batch of events)")
    max_record_bytes: int = Field(default=1_000_000, gt=0, description="larger records are refused as too_large")
    retention_days: int | None = Field(default=None, gt=0)
    license: str | None = None
    sample: SourceSample

    @field_validator("location")
    @classmethod
    def _location_is_relative(cls, location: str) -> str:
        if location.startswith(("/", "\\")) or ".." in location.split("/"):
            raise ValueError("must be a folder below the input folder, without a leading slash and without '..'")
        return location

    @field_validator("arrival_lag")
    @classmethod
    def _lag_is_a_duration(cls, lag: str | None) -> str | None:
        return _checked_duration(lag)

    @model_validator(mode="after")
    def _options_fit(self) -> SourceSpec:
        if self.has_lists and self.format != "jsonl":
            raise ValueError("`has_lists` is for format jsonl")
        if self.format == "xml" and self.xml is None:
            raise ValueError("format xml needs `xml: {row_tag: ...}`")
        if self.format == "table" and self.database is None:
            raise ValueError("format table needs `database: {url: ..., table: ...}`")
        if (self.format == "table") == bool(self.location):
            raise ValueError("files lie in a `location`; a table has none")
        for options, wanted in (("csv", self.csv), ("xml", self.xml), ("table", self.database)):
            if wanted is not None and self.format != options:
                raise ValueError(f"`{options}` options with format {self.format}")
        if self.party != "first" and (self.retention_days is None or not 30 <= self.retention_days <= 90):
            raise ValueError(f"a {self.party}-party source must declare retention_days from 30 to 90")
        return self

    @property
    def is_json(self) -> bool:
        """Whether a landed record is JSON text, so that its values have types."""
        return self.format in ("jsonl", "parquet", "table")

    @property
    def is_read_natively(self) -> bool:
        """Whether Spark's own functions take records apart, which can go on where a byte is broken."""
        return self.is_json or (self.csv is not None and self.csv.quote is None)

    def lag(self) -> timedelta | None:
        """Give the declared arrival lag as a duration; None where the source declares none."""
        return duration(self.arrival_lag)


class ColumnSpec(_Spec):
    """How one canonical column comes from a raw record: exactly one of field, value, sql, main."""

    field: str | None = Field(default=None, description="dotted path; `item.x` inside an exploded list")
    value: str | int | float | bool | None = None
    sql: str | None = Field(default=None, description="Spark SQL over the raw fields (all of them text)")
    main: str | None = Field(default=None, description="a column of the mapping's first output")
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
        return self


class IdentifierSpec(_Spec):
    """One identifier that a record may carry."""

    type: IdentifierType
    field: str | None = Field(default=None, pattern=_FIELD.pattern)
    sql: str | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> IdentifierSpec:
        if (self.field is None) == (self.sql is None):
            raise ValueError("give exactly one of field, sql")
        return self


class CheckSpec(_Spec):
    """One more defect that a record can have: `when` is Spark SQL over the raw fields; null counts as no.

    `__text` is the whole record as text.
    """

    field: str = Field(description="how refusals call it")
    code: str
    when: str

    @field_validator("code")
    @classmethod
    def _code_is_known(cls, code: str) -> str:
        if code not in REFUSAL_CODES:
            raise ValueError(f"not a refusal code; {nearest_name(code, list(REFUSAL_CODES))}")
        return code


class OutputSpec(_Spec):
    """Rows of one silver table that a record gives."""

    table: TargetTable
    when: str | None = Field(default=None, description="Spark SQL over the raw fields; null counts as no")
    also_when: str | None = Field(
        default=None, description="like `when`, over the parts of fields that are taken apart only where `when` holds"
    )
    explode: str | None = Field(default=None, pattern=_FIELD.pattern, description="a list: one row per item")
    columns: dict[str, ColumnSpec]
    attributes: dict[str, ColumnSpec] = Field(
        default_factory=dict, description="names and origins of the JSON object in attributes, answers or properties"
    )


class MappingSpec(_Spec):
    """From the raw records of a source to rows of silver tables.

    The first output is the main one: every accepted record gives exactly one row of it, and a record is a
    duplicate when that row exists already.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    key: tuple[str, ...] = Field(min_length=1, description="raw fields that say which record it is")
    repeats: Literal["duplicate", "keep"] = Field(
        default="duplicate", description="keep: equal keys in one delivery are several records (lines without a number)"
    )
    required: tuple[str, ...] = ()
    fields: dict[str, str] = Field(
        default_factory=dict, description="raw fields that only sql uses: path -> what it is (documentation)"
    )
    types: dict[str, Kind | tuple[Kind, ...]] = Field(
        default_factory=dict, description="top-level raw fields and what they may be; others are wrong_type"
    )
    checks: tuple[CheckSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = Field(min_length=1)
    identifiers: tuple[IdentifierSpec, ...] = ()

    @model_validator(mode="after")
    def _main_is_unconditional(self) -> MappingSpec:
        main = self.outputs[0]
        if main.when is not None or main.also_when is not None or main.explode is not None:
            raise ValueError("the first output is the main one: it takes neither `when` nor `explode`")
        tables = [output.table for output in self.outputs]
        if len(set(tables)) != len(tables):
            raise ValueError("one output per table")
        for output in self.outputs:
            for name, column in output.columns.items():
                if column.main is not None and output is main:
                    raise ValueError(f"column {name} of the first output cannot refer to the first output")
        return self


SourceSpec.model_rebuild()


def mapping_of(source: SourceSpec, mappings: Mapping[str, MappingSpec]) -> MappingSpec:
    """The mapping that reads a source: its own, or the one that it names; ConfigError with the nearest name."""
    if isinstance(source.mapping, MappingSpec):
        return source.mapping
    if source.mapping not in mappings:
        hint = nearest_name(source.mapping, list(mappings))
        raise ConfigError(f"conf/sources/{source.name}.yaml: mapping {source.mapping!r} does not exist; {hint}")
    return mappings[source.mapping]


def chosen_sources(specs: Mapping[str, SourceSpec], names: Sequence[str]) -> dict[str, SourceSpec]:
    """The sources that the settings name; ConfigError with the nearest name for one without a definition."""
    for name in names:
        if name not in specs:
            raise ConfigError(
                f"settings: sources: conf/sources/{name}.yaml is missing; {nearest_name(name, list(specs))}"
            )
    return {name: specs[name] for name in sorted(names)}
