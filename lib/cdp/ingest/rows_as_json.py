"""Write Arrow rows as canonical JSON text: columns in the file's order, every value kept as it is.

Numbers keep all their digits, times are ISO 8601 with the precision of the file (nanoseconds too, which
Spark's own reader refuses) and a Z where they are in a time zone, binary values are base64, null stays null.
"""

from __future__ import annotations

import base64
import json
import math
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
    return pa.array([_value_of(column, n) for n in range(len(column))], pa.string())


def _value_of(column: pa.Array, n: int) -> str | None:
    """One value with parts; where one has no form in Python (the year 10000, text not in UTF-8), as Arrow prints it.

    As a text it will be of the wrong type, which is better than the end of the landing of every file.
    """
    try:
        value = column[n].as_py()
    except (ArithmeticError, ValueError):
        return json.dumps(column.slice(n, 1).to_string(skip_new_lines=True), ensure_ascii=False)
    return None if value is None else value_as_json(value)


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "")


def _text_as_json(text: pa.Array) -> pa.Array:
    """By Arrow throughout: it passes on bytes that are not UTF-8, of which the record is refused later."""
    escaped = pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        for control in map(chr, range(0x20)):
            escaped = pc.replace_substring(escaped, control, json.dumps(control)[1:-1])
    return _quoted(escaped)


def _time_as_text(column: pa.Array) -> pa.Array:
    zone = column.type.tz
    text = column.cast(pa.timestamp(column.type.unit)).cast(pa.string())
    iso = pc.replace_substring(text, " ", "T")
    return pc.binary_join_element_wise(iso, "Z", "") if zone else iso


def value_as_json(value: Any) -> str:
    """Write any value of a row; numbers that are none (NaN, the infinities) as texts, as those of a column of them."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain_value)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain_value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _plain_value(value: Any) -> str:
    """Write what JSON has no form for as text: times as ISO 8601, binary values as base64."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
