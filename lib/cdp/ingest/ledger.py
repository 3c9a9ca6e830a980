"""The file ledger: what it knows before a landing, and the rows that landing and accepting add to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

from cdp.contracts.ops.files import FILES
from cdp.ingest.batches import Batch, batch_rows
from cdp.ingest.check import CheckedFile
from cdp.ingest.new_files import KnownFile

_COUNTS = ("rows_read", "rows_accepted", "rows_duplicate", "rows_refused")


def newest_states(files: DataFrame) -> DataFrame:
    """ops.files reduced to each file's newest state: a file reaches `accepted` after `landed`."""
    order = Window.partitionBy("file_id").orderBy(F.coalesce("accepted_at", "landed_at").desc(), "state")
    return files.withColumn("_nth", F.row_number().over(order)).where("_nth = 1").drop("_nth")


def known_files(files: DataFrame) -> list[KnownFile]:
    """What landing must know of each file that ever came; some hundred bytes a file on the driver."""
    names = ("source", "path", "file_id", "sha256", "size_bytes", "state", "landed_at", "watermark")
    rows = files.select(*names).collect()
    return [
        KnownFile(r.source, r.path, r.file_id, r.sha256, r.size_bytes, r.state, r.landed_at.timestamp(), r.watermark)
        for r in rows
    ]


def files_frame(
    spark: SparkSession, files: Iterable[CheckedFile], batches: Iterable[Batch], stamp: Mapping[str, Any]
) -> DataFrame:
    """Files and batches as ops.files rows; `stamp` is what the run adds (run_id, landed_at, bronze_version)."""
    rows = [{**row, **stamp} for row in (*map(ledger_row, files), *chain.from_iterable(map(batch_rows, batches)))]
    return spark.createDataFrame([tuple(r.get(n) for n in FILES.column_names) for r in rows], FILES.schema)


@dataclass(frozen=True)
class LedgerFile:
    """One row of ops.files that holds records, as far as accepting needs it: a file in one state."""

    file_id: str
    source: str
    delivered_on: date
    header: str | None
    state: str
    rows_duplicate: int | None


def read_ledger(files: DataFrame) -> list[LedgerFile]:
    """The files that were landed, accepted or are gone; some hundred bytes each on the driver, in one small job."""
    rows = files.where(F.col("state").isin("landed", "accepted", "expired")).select(*LedgerFile.__annotations__)
    return [LedgerFile(*row) for row in rows.collect()]


def undecided_files(ledger: Sequence[LedgerFile]) -> list[LedgerFile]:
    """Files that are landed and whose records nobody has decided on yet."""
    decided = {file.file_id for file in ledger if file.state == "accepted"}
    return [file for file in ledger if file.state == "landed" and file.file_id not in decided]


def counts_frame(spark: SparkSession, counts: Sequence[Row]) -> DataFrame:
    """What was decided file by file (see cdp.ingest.decide), for :func:`accepted_frame`; there may be no file."""
    rows = [(r.file_id, r.rows_read, r.rows_accepted, r.rows_duplicate, r.rows_refused) for r in counts]
    return spark.createDataFrame(rows, f"file_id STRING, {', '.join(f'{name} BIGINT' for name in _COUNTS)}")


def accepted_frame(
    files: DataFrame, counts: DataFrame, stamp: Mapping[str, Any], *, state: str = "accepted"
) -> DataFrame:
    """The ops.files rows that close a batch: each file with its counts; a file without a record counts 0."""
    joined = files.drop(*_COUNTS).join(counts, on="file_id", how="left")
    filled = joined.fillna(0, subset=list(_COUNTS)).withColumn("state", F.lit(state))
    return filled.withColumns({name: F.lit(value) for name, value in stamp.items()}).select(*FILES.column_names)


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
