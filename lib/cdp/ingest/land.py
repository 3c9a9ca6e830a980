"""Decide which files are new, and read all of them as bronze.landed_records in one Spark job."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from cdp.core.errors import CdpError
from cdp.ingest.check import CheckedFile, check_file, set_aside
from cdp.ingest.discover import FoundFile, discover_files
from cdp.ingest.records import open_stream, split_csv_rows, split_lines, split_xml_elements
from cdp.ingest.rows_as_json import read_parquet_rows
from cdp.ingest.spec import SourceSpec

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
class KnownFile:
    """One line of the ledger, as far as landing needs it; landed_at in seconds since 1970.

    Hash and size are those of a file, the watermark is that of a database batch.
    """

    source: str
    path: str
    file_id: str
    sha256: str | None
    size_bytes: int | None
    state: str
    landed_at: float
    watermark: str | None = None


@dataclass(frozen=True)
class LandingPlan:
    """What a night has to land: files to read, files set aside, and sources that failed (name -> message)."""

    to_read: tuple[CheckedFile, ...]
    set_aside: tuple[CheckedFile, ...]
    failed_sources: Mapping[str, str]


def plan_landing(
    sources: Mapping[str, SourceSpec], *, root: str, run_date: date, known: Iterable[KnownFile]
) -> LandingPlan:
    """Find, check and hash every file that the ledger does not have yet.

    A file of the ledger is not read again as long as its size is the same and it was not modified since. The
    same content again, in the same source, is a duplicate under whatever name.
    """
    ledger = list(known)
    found, failed = _discover_all(sources, root, run_date)
    seen_paths = {(k.source, k.path, k.size_bytes): k.landed_at for k in ledger}
    new = [f for f in found if f.modified_at > seen_paths.get((f.source, f.path, f.size_bytes), -1.0)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        checked = list(pool.map(lambda f: check_file(f, sources[f.source]), new))
    return _divide(checked, ledger, failed)


def _discover_all(
    sources: Mapping[str, SourceSpec], root: str, run_date: date
) -> tuple[list[FoundFile], dict[str, str]]:
    found: list[FoundFile] = []
    failed: dict[str, str] = {}
    for name, spec in sorted(sources.items()):
        try:
            found += discover_files(spec, root, run_date)
        except CdpError as error:
            failed[name] = str(error)
    return found, failed


def _divide(checked: list[CheckedFile], ledger: list[KnownFile], failed: dict[str, str]) -> LandingPlan:
    paths = {k.file_id: k.path for k in ledger if k.state in ("landed", "accepted")}
    same_line = {(k.file_id, k.path) for k in ledger}
    to_read, aside = [], []
    for file in checked:
        if (file.file_id, file.file.path) in same_line:
            continue
        if file.state == "landed" and file.file_id in paths:
            copy = set_aside(file, "duplicate", f"the same content as {paths[file.file_id]}")
            if (copy.file_id, copy.file.path) not in same_line:
                aside.append(copy)
        elif file.state == "landed":
            paths[file.file_id] = file.file.path
            to_read.append(file)
        else:
            aside.append(file)
    return LandingPlan(tuple(to_read), tuple(aside), failed)


@dataclass(frozen=True)
class _FileToRead:
    """What a worker must know of one file."""

    path: str
    source: str
    file_id: str
    delivered_on: date
    format: str
    delimiter: bytes
    quote: bytes
    row_tag: str


def read_records(spark: SparkSession, files: Sequence[CheckedFile], sources: Mapping[str, SourceSpec]) -> DataFrame:
    """Read files of any source and format as landed records, in one job, spread over tasks by size.

    Grain: one record; columns as bronze.landed_records without run_id and landed_at. Lazy: every action reads
    the files again, so write the frame once and go on from the table.
    """
    slots = spread_by_size(
        [_to_read(f, sources[f.file.source]) for f in files],
        [f.file.size_bytes for f in files],
        max_slots=4 * spark.sparkContext.defaultParallelism,
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


def _to_read(checked: CheckedFile, spec: SourceSpec) -> _FileToRead:
    csv = spec.csv
    return _FileToRead(
        path=str(checked.file.full_path),
        source=spec.name,
        file_id=checked.file_id,
        delivered_on=checked.file.delivered_on,
        format=spec.format,
        delimiter=(csv.delimiter if csv else ",").encode(),
        quote=(csv.quote if csv else '"').encode(),
        row_tag=spec.xml.row_tag if spec.xml else "",
    )


def _read_file(file: _FileToRead) -> Iterator[pa.RecordBatch]:
    """Number the records of one file: from 1, or from 0 for CSV, where 0 is the header and not given on."""
    number = 0 if file.format == "csv" else 1
    for raw in _split(file):
        if number == 0:
            raw, number = raw.slice(1), 1
        if len(raw):
            yield _as_batch(file, raw, number)
            number += len(raw)


def _split(file: _FileToRead) -> Iterator[pa.Array]:
    if file.format == "parquet":
        yield from read_parquet_rows(file.path)
        return
    with open_stream(file.path) as stream:
        if file.format == "csv":
            yield from split_csv_rows(stream, delimiter=file.delimiter, quote=file.quote)
        elif file.format == "xml":
            yield from split_xml_elements(stream, row_tag=file.row_tag)
        else:
            yield from split_lines(stream)


def _as_batch(file: _FileToRead, raw: pa.Array, first: int) -> pa.RecordBatch:
    size = len(raw)
    numbers = pa.array(np.arange(first, first + size, dtype=np.int64))
    ids = pa.array([f"{file.file_id}:{n}" for n in range(first, first + size)], pa.string())
    columns = [
        ids,
        pa.repeat(file.source, size),
        pa.repeat(file.file_id, size),
        numbers,
        raw,
        pa.repeat(pa.scalar(file.delivered_on, pa.date32()), size),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)


def ledger_row(checked: CheckedFile) -> dict[str, object]:
    """Describe a file for ops.files (what the writer adds: run_id, landed_at, bronze_version)."""
    file = checked.file
    return {
        "file_id": checked.file_id,
        "source": file.source,
        "path": file.path,
        "size_bytes": file.size_bytes,
        "sha256": checked.sha256,
        "format": checked.format,
        "header": checked.header,
        "delivered_on": file.delivered_on,
        "state": checked.state,
        "reason": checked.reason,
    }


def headers_of(header_by_file: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Read the ledger's headers: file_id -> column names, for CSV files only."""
    return {file_id: json.loads(text) for file_id, text in header_by_file.items() if text}
