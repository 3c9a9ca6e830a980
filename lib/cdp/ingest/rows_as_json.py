"""Write Arrow rows as canonical JSON text: columns in the file's order, every value kept as it is.

Numbers keep all their digits, times are ISO 8601 with the precision of the file (nanoseconds too, which
Spark's own reader refuses) and a Z where they are in a time zone, binary values are base64, null stays null.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS = 8192
_NOT_FINITE = ["nan", "inf", "-inf"]


def read_parquet_rows(path: str) -> Iterator[pa.Array]:
    """Give the rows of a Parquet file as binary arrays of JSON text."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            if batch.num_rows:
                yield rows_as_json(batch)


def rows_as_json(batch: pa.RecordBatch) -> pa.Array:
    """Join the columns of a batch to one JSON object a row, as bytes."""
    parts: list[Any] = []
    for index, name in enumerate(batch.schema.names):
        prefix = "{" if index == 0 else ", "
        parts += [prefix + json.dumps(name, ensure_ascii=False) + ": ", _as_json(batch.column(index))]
    return pc.binary_join_element_wise(*parts, "}", "").cast(pa.binary())


def _as_json(column: pa.Array) -> pa.Array:
    return pc.fill_null(_values_as_json(column), "null")


def _values_as_json(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values_as_json(column.dictionary_decode())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        text = column.cast(pa.string())
        return pc.if_else(pc.is_in(text, pa.array(_NOT_FINITE)), _quoted(text), text)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_as_json(column.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        return _quoted(_time_as_text(column))
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return _quoted(column.cast(pa.string()))
    texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=plain_value) for v in column.to_pylist()]
    return pa.array(texts, pa.string())


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "")


def _text_as_json(text: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        return pa.array(
            [None if v is None else json.dumps(v, ensure_ascii=False) for v in text.to_pylist()], pa.string()
        )
    escaped = pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    return _quoted(escaped)


def _time_as_text(column: pa.Array) -> pa.Array:
    zone = column.type.tz
    text = column.cast(pa.timestamp(column.type.unit)).cast(pa.string())
    iso = pc.replace_substring(text, " ", "T")
    return pc.binary_join_element_wise(iso, "Z", "") if zone else iso


def plain_value(value: Any) -> str:
    """Write what JSON has no form for as text: times as ISO 8601, binary values as base64."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
