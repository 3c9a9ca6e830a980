"""Read files of any source and format as bronze.landed_records, in one Spark job."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from cdp.ingest.avro import read_avro_rows
from cdp.ingest.check import CheckedFile
from cdp.ingest.formats import CsvOptions
from cdp.ingest.json_documents import split_json_document, unpack_lists
from cdp.ingest.pieces import Piece, cut_into_pieces, split_piece
from cdp.ingest.records import (
    compression_of,
    ends_by_return,
    open_stream,
    split_csv_rows,
    split_lines,
)
from cdp.ingest.rows_as_json import read_parquet_rows
from cdp.ingest.spec import SourceSpec
from cdp.ingest.xml_elements import split_xml_elements

LANDED_DDL = "landed_id STRING, source STRING, file_id STRING, record_no BIGINT, raw BINARY, delivered_on DATE"
_ARROW = pa.schema(
    [
        ("landed_id", pa.string()),
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("record_no", pa.int64()),
        ("raw", pa.binary()),
        ("delivered_on", pa.date32()),
    ]
)
#: A task should have some work to do: smaller files share one.
_TASK_BYTES = 32 << 20


@dataclass(frozen=True)
class _FileToRead:
    """What a worker must know of one file, or of one piece of it."""

    path: str
    size_bytes: int
    source: str
    file_id: str
    delivered_on: date
    format: str
    delimiter: bytes
    quote: bytes
    has_header: bool
    row_tag: str
    has_lists: bool
    piece: Piece | None = None

    @property
    def is_lines(self) -> bool:
        """Whether every physical line is a record."""
        return self.format == "jsonl" or (self.format == "csv" and not self.quote)


def read_records(spark: SparkSession, files: Sequence[CheckedFile], sources: Mapping[str, SourceSpec]) -> DataFrame:
    """Read files of any source and format as landed records, in one job, spread over tasks by size.

    Files must be readable under the same path on every executor. A large plain file of lines is read in pieces.
    """
    work = [part for file in files for part in _to_read(file, sources[file.file.source])]
    slots = spread_by_size(
        work, [part.size_bytes for part in work], max_slots=4 * spark.sparkContext.defaultParallelism
    )

    def read_slots(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for slot in batch.column(0).to_pylist():
                for file in slots[slot]:
                    yield from _read_file(file)

    slot_ids = spark.range(0, len(slots), 1, max(len(slots), 1))
    return slot_ids.mapInArrow(read_slots, LANDED_DDL)


def spread_by_size(items: Sequence[_FileToRead], sizes: Sequence[int], *, max_slots: int) -> list[list[_FileToRead]]:
    """Share files out so that the largest share is as small as one can easily get (largest first)."""
    n_slots = min(max_slots, len(items), max(2, sum(sizes) // _TASK_BYTES))
    heap = [(0, n) for n in range(n_slots)]
    slots: list[list[_FileToRead]] = [[] for _ in range(n_slots)]
    for index in sorted(range(len(items)), key=lambda i: (-sizes[i], items[i].path)):
        load, slot = heapq.heappop(heap)
        slots[slot].append(items[index])
        heapq.heappush(heap, (load + sizes[index], slot))
    return slots


def _to_read(checked: CheckedFile, spec: SourceSpec) -> list[_FileToRead]:
    csv = spec.csv or CsvOptions()
    path, size = str(checked.file.full_path), checked.file.size_bytes
    whole = _FileToRead(
        path=path,
        size_bytes=size,
        source=spec.name,
        file_id=checked.file_id,
        delivered_on=checked.file.delivered_on,
        format=checked.format,
        delimiter=csv.delimiter.encode(csv.encoding.removesuffix("-sig")),
        quote=(csv.quote or "").encode(),
        has_header=checked.format == "csv" and csv.header is None,
        row_tag=spec.xml.row_tag if spec.xml else "",
        has_lists=spec.has_lists,
    )
    if size < 2 * _TASK_BYTES or not whole.is_lines or compression_of(path):
        return [whole]
    with open_stream(path) as stream:
        if ends_by_return(stream):
            return [whole]
    pieces = cut_into_pieces(path, _TASK_BYTES)
    return [replace(whole, piece=piece, size_bytes=piece.end - piece.start) for piece in pieces]


def _read_file(file: _FileToRead) -> Iterator[pa.RecordBatch]:
    """Number the records of one file: from 1, or from 0 where it has a header, which is not given on."""
    number = 0 if file.has_header else 1 + (file.piece.lines_before if file.piece else 0)
    for raw in _split(file):
        if number == 0:
            raw, number = raw.slice(1), 1
        if len(raw):
            yield _unpacked(file, raw, number) if file.has_lists else _as_batch(file, raw, number)
            number += len(raw)


def _split(file: _FileToRead) -> Iterator[pa.Array]:
    if file.format == "parquet":
        yield from read_parquet_rows(file.path)
        return
    if file.format == "avro":
        with Path(file.path).open("rb") as stream:
            yield from read_avro_rows(stream)
        return
    if file.piece:
        yield from split_piece(file.path, file.piece)
        return
    by_return = False
    if file.is_lines or file.format == "csv":
        with open_stream(file.path) as stream:
            by_return = ends_by_return(stream, file.quote)
    with open_stream(file.path) as stream:
        if file.is_lines:
            yield from split_lines(stream, by_return=by_return)
        elif file.format == "csv":
            yield from split_csv_rows(stream, delimiter=file.delimiter, quote=file.quote, by_return=by_return)
        elif file.format == "xml":
            yield from split_xml_elements(stream, row_tag=file.row_tag)
        else:
            yield from split_json_document(stream)


def _as_batch(file: _FileToRead, raw: pa.Array, first: int) -> pa.RecordBatch:
    size = len(raw)
    numbers = pa.array(np.arange(first, first + size, dtype=np.int64))
    ids = pc.binary_join_element_wise(file.file_id, numbers.cast(pa.string()), ":")
    columns = [
        ids,
        pa.repeat(file.source, size),
        pa.repeat(file.file_id, size),
        numbers,
        raw,
        pa.repeat(pa.scalar(file.delivered_on, pa.date32()), size),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)


def _unpacked(file: _FileToRead, lines: pa.Array, first: int) -> pa.RecordBatch:
    """Number the records of lines that may be lists by their line, and tell them apart by their place in it."""
    raw, counts = unpack_lists(lines)
    batch = _as_batch(file, raw, first)
    if len(raw) == len(lines):
        return batch
    numbers = np.repeat(np.arange(first, first + len(lines)), counts)
    places = np.concatenate([np.arange(n) for n in counts.to_pylist()])
    ids = [f"{file.file_id}:{n}" + (f".{place}" if place else "") for n, place in zip(numbers, places, strict=True)]
    return batch.set_column(0, "landed_id", pa.array(ids)).set_column(3, "record_no", pa.array(numbers, pa.int64()))
