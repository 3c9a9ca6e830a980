"""Avro files: whether one is whole, and its rows as canonical JSON text.

https://avro.apache.org/docs/1.12.0/specification/#object-container-files: blocks of records between sync marks. The
records are read where those of other formats are, in Spark's Python workers: no jar, no second way of landing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import fastavro
import pyarrow as pa
from fastavro.read import LOGICAL_READERS

from cdp.ingest.rows_as_json import BATCH_ROWS, rows_as_json, value_as_json

MAGIC = b"Obj\x01"


def _kept_as_it_is(read: Callable[..., Any]) -> Callable[..., Any]:
    """Read a logical value; one that has no form in Python (the year 10000, no UUID) stays the number or text it is.

    fastavro would end there, and with it the landing of every file.
    """

    def read_or_keep(value: Any, *schemas: Any) -> Any:
        try:
            return read(value, *schemas)
        except (ArithmeticError, ValueError):
            return value

    return read_or_keep


LOGICAL_READERS.update({name: _kept_as_it_is(read) for name, read in LOGICAL_READERS.items()})


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
    has_maps = '"type": "map"' in json.dumps(records.writer_schema)
    while rows := list(islice(records, BATCH_ROWS)):
        yield _as_json(rows, has_maps=has_maps)


def _as_json(rows: list[Any], *, has_maps: bool) -> pa.Array:
    """Arrow is faster, but would take the keys of all maps for members of each."""
    try:
        if not has_maps:
            return rows_as_json(pa.RecordBatch.from_pylist(rows))
    except (pa.ArrowInvalid, pa.ArrowTypeError, AttributeError):  # a union of types, or records that are no records
        pass
    return pa.array([value_as_json(row).encode() for row in rows], pa.binary())
