"""The shape of conf/sources/*.yaml: who owns a source, how it is read and which mapping takes it apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from cdp.core.errors import ConfigError, nearest_name
from cdp.ingest.change_mapping import mapping_of_changes
from cdp.ingest.formats import (
    CsvOptions,
    DatabaseOptions,
    Definition,
    KafkaOptions,
    XmlOptions,
    checked_duration,
    duration,
)
from cdp.ingest.mapping_spec import MappingSpec, TargetTable

Party = Literal["first", "second", "third"]
Format = Literal["csv", "jsonl", "parquet", "avro", "xml", "table", "kafka"]
#: Every step copies what it carries of a record: of larger ones a task could not hold a few at a time.
_MOST_BYTES = 20_000_000
Purpose = Literal["email_marketing", "personalisation", "analytics", "model_training", "ads", "direct_mail"]


class ConsentDefault(Definition):
    """Consent that comes with the data themselves, because of a licence or a contract; never a guess."""

    purposes: tuple[Purpose, ...] = Field(min_length=1)
    state: Literal["granted", "denied"]
    basis: str = Field(min_length=3)


class SourceSample(Definition):
    """One record as the source writes it, and what must come of it: table -> columns of its (only or first) row."""

    raw: str
    header: tuple[str, ...] | None = None
    expect: dict[TargetTable, dict[str, Any]]


class SourceSpec(Definition):
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
    change_data: Literal["debezium"] | None = Field(
        default=None, description="records are Debezium's change events; the mapping reads the row that they are about"
    )
    kafka: KafkaOptions | None = Field(default=None, description="with format kafka: no files, but these messages")
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
        return checked_duration(lag)

    @model_validator(mode="after")
    def _options_fit(self) -> SourceSpec:
        if self.has_lists and self.format != "jsonl":
            raise ValueError("`has_lists` is for format jsonl")
        if self.change_data and self.format not in ("jsonl", "kafka"):
            raise ValueError("`change_data` is for formats jsonl and kafka: Debezium's events as JSON")
        if self.format == "xml" and self.xml is None:
            raise ValueError("format xml needs `xml: {row_tag: ...}`")
        if self.format == "table" and self.database is None:
            raise ValueError("format table needs `database: {url: ..., table: ...}`")
        if self.format == "kafka" and self.kafka is None:
            raise ValueError("format kafka needs `kafka: {servers: ..., topic: ...}`")
        if self.has_files != bool(self.location):
            raise ValueError("files lie in a `location`; a table or a topic has none")
        given = (("csv", self.csv), ("xml", self.xml), ("table", self.database), ("kafka", self.kafka))
        for options, wanted in given:
            if wanted is not None and self.format != options:
                raise ValueError(f"`{options}` options with format {self.format}")
        if self.party != "first" and (self.retention_days is None or not 30 <= self.retention_days <= 90):
            raise ValueError(f"a {self.party}-party source must declare retention_days from 30 to 90")
        return self

    @property
    def has_files(self) -> bool:
        """Whether the source is delivered in files, and not asked for what it has new."""
        return self.format not in ("table", "kafka")

    @property
    def is_json(self) -> bool:
        """Whether a landed record is JSON text, so that its values have types."""
        return self.format in ("jsonl", "parquet", "avro", "table", "kafka")

    @property
    def max_read_bytes(self) -> int:
        """Of larger JSON records only that they are too large is told: they are not taken apart."""
        return max(self.max_record_bytes, _MOST_BYTES)

    @property
    def is_read_natively(self) -> bool:
        """Whether Spark's own functions take records apart, which can go on where a byte is broken."""
        return self.is_json or (self.csv is not None and self.csv.quote is None)

    def is_over(self, delivered_on: date, run_date: date) -> bool:
        """Whether on ``run_date`` the licence no longer allows to keep what was delivered then."""
        return self.retention_days is not None and delivered_on < run_date - timedelta(days=self.retention_days)

    def lag(self) -> timedelta | None:
        """Give the declared arrival lag as a duration; None where the source declares none."""
        return duration(self.arrival_lag)


def mapping_of(source: SourceSpec, mappings: Mapping[str, MappingSpec]) -> MappingSpec:
    """The mapping that reads a source: its own, or the one that it names; ConfigError with the nearest name."""
    mapping = source.mapping if isinstance(source.mapping, MappingSpec) else mappings.get(source.mapping)
    if mapping is None:
        hint = nearest_name(str(source.mapping), list(mappings))
        raise ConfigError(f"conf/sources/{source.name}.yaml: mapping {source.mapping!r} does not exist; {hint}")
    if source.database and source.database.missing_rows == "deleted" and mapping.outputs[0].table != "customer_records":
        raise ConfigError(
            f"conf/sources/{source.name}.yaml: `missing_rows: deleted` needs a mapping whose first output is "
            f"customer_records (its rows have versions), not {mapping.outputs[0].table}"
        )
    return mapping_of_changes(mapping) if source.change_data else mapping


def stated_of_people(sources: Iterable[SourceSpec], mappings: Mapping[str, MappingSpec]) -> set[str]:
    """The columns of silver.customer_records, and the identifier types, that these sources state."""
    stated: set[str] = set()
    for source in sources:
        mapping = mapping_of(source, mappings)
        stated |= {identifier.type for identifier in mapping.identifiers}
        stated |= {name for o in mapping.outputs if o.table == "customer_records" for name in o.columns}
    return stated


def chosen_sources(specs: Mapping[str, SourceSpec], names: Sequence[str]) -> dict[str, SourceSpec]:
    """The sources that the settings name; ConfigError with the nearest name for one without a definition."""
    for name in names:
        if name not in specs:
            raise ConfigError(
                f"settings: sources: conf/sources/{name}.yaml is missing; {nearest_name(name, list(specs))}"
            )
    return {name: specs[name] for name in sorted(names)}


def landed_sources(specs: Mapping[str, SourceSpec], names: Iterable[str]) -> dict[str, SourceSpec]:
    """The sources of files that are landed and not decided on; ConfigError for one whose definition is gone."""
    names = sorted(names)
    for name in names:
        if name not in specs:
            raise ConfigError(
                f"conf/sources/{name}.yaml is missing, and files of that source are landed and not decided on: put it "
                "back, until a night has accepted them"
            )
    return {name: specs[name] for name in names}
