"""Encode rows as CSV, JSON lines or Parquet: a stream of Arrow tables in, bytes out, equal for equal rows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 50_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class HashingSink(io.RawIOBase):
    """A stream that passes bytes on and keeps their SHA-256 and number."""

    def __init__(self, inner: IO[bytes]) -> None:
        super().__init__()
        self._inner = inner
        self._digest = hashlib.sha256()
        self.n_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self._inner.write(data)
        self.n_bytes += memoryview(data).nbytes
        return memoryview(data).nbytes

    def tell(self) -> int:
        return self.n_bytes

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def in_even_tables(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of ``batches`` in tables of ROWS_PER_GROUP, so that no file depends on Spark's partitions."""
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += batch.num_rows
        while n_waiting >= ROWS_PER_GROUP:
            table = pa.Table.from_batches(waiting, schema=schema)
            yield table.slice(0, ROWS_PER_GROUP).combine_chunks()
            waiting = table.slice(ROWS_PER_GROUP).to_batches()
            n_waiting -= ROWS_PER_GROUP
    if n_waiting:
        yield pa.Table.from_batches(waiting, schema=schema).combine_chunks()


def write_csv(tables: Iterable[pa.Table], schema: pa.Schema, sink: IO[bytes], *, guard: bool) -> int:
    """RFC 4180 with a header and UTF-8, null as an empty cell; returns the number of rows.

    With ``guard``, text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a
    carriage return) gets an apostrophe in front. Numbers are not text: a negative amount stays a number.
    """
    is_text = [pa.types.is_string(f.type) or pa.types.is_large_string(f.type) for f in schema]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([_cell(name, guard) for name in schema.names])
    n_rows = 0
    for table in tables:
        columns = [column.to_pylist() for column in table.columns]
        for row in zip(*columns, strict=True):
            writer.writerow([_cell(v, guard and t) for v, t in zip(row, is_text, strict=True)])
        n_rows += table.num_rows
        sink.write(buffer.getvalue().encode())
        buffer.seek(0)
        buffer.truncate()
    sink.write(buffer.getvalue().encode())
    return n_rows


def write_jsonl(tables: Iterable[pa.Table], schema: pa.Schema, sink: IO[bytes]) -> int:
    """One JSON object a line, UTF-8, keys in column order, null as null; returns the number of rows.

    JSON has no word for NaN and infinity: they are null.
    """
    n_rows = 0
    for table in tables:
        rows = ({name: _finite(value) for name, value in row.items()} for row in table.to_pylist())
        lines = (json.dumps(row, default=_plain, ensure_ascii=False) + "\n" for row in rows)
        sink.write("".join(lines).encode())
        n_rows += table.num_rows
    return n_rows


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, sink: IO[bytes]) -> int:
    """One Parquet file (zstd); returns the number of rows."""
    n_rows = 0
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            n_rows += table.num_rows
    return n_rows


def writer_of(file_format: str, *, guard: bool) -> Callable[[Iterable[pa.Table], pa.Schema, IO[bytes]], int]:
    """The function that writes ``csv``, ``jsonl`` or ``parquet``."""
    if file_format == "csv":
        return lambda tables, schema, sink: write_csv(tables, schema, sink, guard=guard)
    return {"jsonl": write_jsonl, "parquet": write_parquet}[file_format]


def _cell(value: Any, guard: bool) -> Any:
    if guard and isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """What JSON has no word for: times as ISO 8601, decimals as numbers."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return cast(str, str(value))
