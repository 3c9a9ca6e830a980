"""Avro files: whether one is whole, and its rows as canonical JSON text.

https://avro.apache.org/docs/1.12.0/specification/#object-container-files: blocks of records between sync marks. The
records are read where those of other formats are, in Spark's Python workers: no jar, no second way of landing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import fastavro
import pyarrow as pa

from cdp.ingest.rows_as_json import BATCH_ROWS, plain_value, rows_as_json

MAGIC = b"Obj\x01"


def find_avro_fault(stream: BinaryIO) -> str | None:
    """Why an Avro file cannot be read to its end; None where it can. Blocks are unpacked, records are not decoded."""
    if stream.read(4) != MAGIC:
        return "the file does not begin as Avro does"
    stream.seek(0)
    blocks = 0
    try:
        for _ in fastavro.block_reader(stream):
            blocks += 1
    except Exception:  # each codec has an error of its own
        return f"the Avro file is truncated or damaged after {blocks} blocks"
    return None


def read_avro_rows(stream: BinaryIO) -> Iterator[pa.Array]:
    """Give the rows of an Avro file as binary arrays of JSON text."""
    records = fastavro.reader(stream)
    while rows := list(islice(records, BATCH_ROWS)):
        yield _as_json(rows)


def _as_json(rows: list[Any]) -> pa.Array:
    try:
        return rows_as_json(pa.RecordBatch.from_pylist(rows))
    except (pa.ArrowInvalid, pa.ArrowTypeError, AttributeError):  # a union of types, or records that are no records
        return pa.array(
            [json.dumps(row, ensure_ascii=False, default=plain_value).encode() for row in rows], pa.binary()
        )
