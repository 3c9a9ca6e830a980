"""Propose a source file from data: how the file is written, its key, times, identifiers and canonical columns.

A proposal is for a person to review: it is what the first records look like, and never a rule found in them.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from cdp.core.errors import ConfigError
from cdp.ingest.avro import read_avro_rows
from cdp.ingest.check import EMPTY
from cdp.ingest.json_documents import is_json_document, split_json_document
from cdp.ingest.mapping_spec import is_field
from cdp.ingest.recognise import ColumnFacts, recognise_column
from cdp.ingest.records import MAX_ROW_BYTES, open_stream
from cdp.ingest.rows_as_json import rows_as_json
from cdp.ingest.spec import SourceSpec

SAMPLE_ROWS = 10_000
_SAMPLE_BYTES = 16 << 20
_DELIMITERS = ",;\t|"
_PLAIN = ("BIGINT", "DOUBLE", "BOOLEAN")
_ID = re.compile(r"(?i)(id|no|nr|number|key|code)$")
#: What YAML cannot hold, or would end a line of comment at.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_EVENT_NAMES = (r"event_?name", r"event", r"event_?type", r"action", r"type")
#: How distinct an id must be in a sample in which some records may come twice.
_NEARLY = 0.9


@dataclass(frozen=True)
class Sample:
    """The first records of a file: its format, the options of that format, and rows of texts by dotted path."""

    format: str
    options: dict[str, Any]
    rows: list[dict[str, str | None]]


def propose_source(path: str, *, name: str) -> str:
    """Give the text of a source file, with a comment on each column; ConfigError for what cannot be read."""
    try:
        sample = read_sample(path)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise ConfigError(f"{path}: truncated or damaged: {error}") from None
    found = list(dict.fromkeys(name for row in sample.rows for name in row))
    names = [name for name in found if is_field(name) and not _UNWRITABLE.search(name)]
    if not names:
        raise ConfigError(f"{path}: no record to look at")
    facts = [recognise_column(name, [row.get(name) for row in sample.rows]) for name in names]
    source = {
        "name": name,
        "owner": "who answers for it",
        "description": f"Proposed from {len(sample.rows):,} records; review it",
        "party": "first",
        "format": sample.format,
        **({"csv": sample.options} if sample.options else {}),
        "location": name,
        "mapping": _mapping(name, facts),
        "sample": {"raw": "", "expect": {}},
    }
    SourceSpec.model_validate(source)
    left_out = [f"{name!a}: left out, a mapping cannot name it" for name in found if name not in names]
    comments = "\n".join(f"#   {line}" for line in [*map(_describe, facts), *left_out])
    text = yaml.safe_dump(source, sort_keys=False, allow_unicode=True, width=110)
    return f"# Columns as they look in the sample (share filled, share distinct):\n{comments}\n{text}"


def read_sample(path: str) -> Sample:
    """Read the first records of a CSV, JSON, Parquet or Avro file, plain or compressed."""
    if path.endswith(".parquet"):
        batch = next(pq.ParquetFile(path).iter_batches(batch_size=SAMPLE_ROWS), None)
        records = rows_as_json(batch).to_pylist() if batch is not None else []
        return Sample("parquet", {}, [_flatten(json.loads(record)) for record in records])
    if path.endswith(".avro"):
        with Path(path).open("rb") as stream:
            records = next(read_avro_rows(stream), pa.array([], pa.binary())).to_pylist()
        return Sample("avro", {}, [_flatten(json.loads(record)) for record in records])
    with open_stream(path) as stream:
        is_document = is_json_document(stream)
    with open_stream(path) as stream:
        if is_document:
            records = next(split_json_document(stream)).to_pylist()[:SAMPLE_ROWS]
            return Sample("jsonl", {}, _objects(records))
        data = stream.read(_SAMPLE_BYTES)
    begin = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not begin:
        raise ConfigError(f"{path}: {EMPTY}")
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path}: UTF-16 is not read: write the file as UTF-8")
    if begin.startswith(b"<"):
        raise ConfigError(f"{path}: XML is not looked at: write format: xml and xml: {{row_tag: ...}} by hand")
    if begin.startswith((b"{", b"[")):
        return Sample("jsonl", {}, _objects(data.splitlines()[:SAMPLE_ROWS]))
    return _read_csv(path, data)


def _objects(records: Sequence[bytes]) -> list[dict[str, str | None]]:
    rows = []
    for record in records:
        try:
            value = json.loads(record.decode("utf-8-sig"))
            if isinstance(value, dict):
                rows.append(_flatten(value))
        except (ValueError, RecursionError):
            continue
    return rows


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    flat: dict[str, str | None] = {}
    for name, part in value.items():
        if not re.fullmatch(r"[^.`\s]+", name):
            continue
        if isinstance(part, dict):
            flat |= _flatten(part, f"{prefix}{name}.")
        elif not isinstance(part, list):
            flat[prefix + name] = None if part is None else part if isinstance(part, str) else json.dumps(part)
    return flat


def _read_csv(path: str, data: bytes) -> Sample:
    if b"\0" in data:
        raise ConfigError(f"{path}: neither JSON nor Parquet, and holds NUL bytes: is it UTF-16? write it as UTF-8")
    encoding = _encoding(data)
    text = data.decode(encoding, "replace")
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(MAX_ROW_BYTES)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        rows = [row for row in islice(reader, SAMPLE_ROWS) if len(row) == len(header)]
    except csv.Error as error:
        raise ConfigError(f"{path}: neither JSON nor Parquet, and not readable as CSV: {error}") from None
    if not header or not all(header) or len(set(header)) < len(header):
        raise ConfigError(f"{path}: neither JSON nor Parquet, and its first line is no row of distinct names")
    options = {"delimiter": delimiter, "encoding": encoding}
    return Sample("csv", options, [dict(zip(header, row, strict=True)) for row in rows])


def _encoding(data: bytes) -> str:
    """Tell UTF-8 from Windows' encoding; the sample may end within a character."""
    try:
        data[: max(len(data) - 4, data.rfind(b"\n"))].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"


def _mapping(name: str, facts: Sequence[ColumnFacts]) -> dict[str, Any]:
    key = _key(facts)
    is_profile = bool({f.canonical for f in facts} & {"given_name", "family_name", "email", "birth_date"})
    output = _profile_output(facts, key) if is_profile and key else _event_output(name, facts, key)
    identifiers = {f.identifier: {"type": f.identifier, "field": f.name} for f in reversed(facts) if f.identifier}
    what = "version of a customer record" if output["table"] == "customer_records" else "event"
    changed = output["columns"].get("valid_from", {}).get("field")
    return {
        "name": name,
        "description": f"One row is one {what}",
        "key": [k for k in (key, changed) if k] or [fact.name for fact in facts],
        **({} if key else {"repeats": "keep"}),
        "outputs": [output],
        "identifiers": list(identifiers.values()),
    }


def _key(facts: Sequence[ColumnFacts]) -> str | None:
    """Choose the column that says which record it is: called so and distinct, or nearly (some records come twice), or
    only distinct.
    """
    named = [f for f in facts if _ID.search(f.name)]
    sure = [f for f in named if f.is_key]
    likely = [f for f in named if f.identifier is None and f.filled == 1 and f.distinct >= _NEARLY]
    others = [f for f in facts if f.is_key and f.canonical is None]
    return next((f.name for f in [*sure, *likely, *others]), None)


def _profile_output(facts: Sequence[ColumnFacts], key: str) -> dict[str, Any]:
    changed = next((f for f in facts if f.time_format and re.search(r"(?i)updat|modif|chang", f.name)), None)
    columns: dict[str, Any] = {
        "source_record_id": {"field": key, "required": True},
        "valid_from": {**_from(changed), "required": True} if changed else {"value": "1970-01-01"},
    }
    for fact in facts:
        if fact.canonical and fact.canonical not in columns:
            columns[fact.canonical] = _from(fact)
    return _output("customer_records", columns, facts)


def _event_output(name: str, facts: Sequence[ColumnFacts], key: str | None) -> dict[str, Any]:
    time = next((f for f in facts if f.time_format and f.canonical is None), None)
    called = [f for form in _EVENT_NAMES for f in facts if re.fullmatch(form, f.name, re.IGNORECASE)]
    columns = {
        "message_id": {"field": key} if key else {"sql": "CAST(NULL AS STRING)", "fill": "content"},
        "event_type": {"value": "track"},
        "event_name": {"field": called[0].name} if called else {"value": name},
        "event_at": {**_from(time), "required": True} if time else {"sql": "CAST(NULL AS STRING)", "fill": "arrival"},
    }
    return _output("events", columns, facts)


def _output(table: str, columns: dict[str, Any], facts: Sequence[ColumnFacts]) -> dict[str, Any]:
    """Give the output; what no column takes becomes an attribute."""
    used = {column.get("field") for column in columns.values()}
    attributes = {
        re.sub(r"\W", "_", f.name): {"field": f.name, **({"type": f.type} if f.type in _PLAIN else {})}
        for f in facts
        if f.name not in used
    }
    return {"table": table, "columns": columns, "attributes": attributes}


def _from(fact: ColumnFacts) -> dict[str, Any]:
    formats = [fact.time_format] if fact.time_format and fact.time_format != "iso8601" else []
    return {"field": fact.name, **({"formats": formats} if formats else {})}


def _describe(fact: ColumnFacts) -> str:
    words = [fact.type.lower(), f"{fact.filled:.0%} filled, {fact.distinct:.0%} distinct"]
    words += ["candidate key"] if fact.is_key else []
    words += [f"identifier {fact.identifier}"] if fact.identifier else []
    words += [f"personal data ({fact.pii})"] if fact.pii != "none" else []
    return f"{fact.name}: " + ", ".join(words)
