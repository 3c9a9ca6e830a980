"""The account of a batch: as many records decided on as lie in bronze, file by file, and of which shape they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from cdp.core.errors import ContractError
from cdp.ingest.shapes import Shape, shape_columns, shape_of_schema, shown_texts


@dataclass(frozen=True)
class LandedFile:
    """A file as it lies in bronze: how many records, and their shape where they are JSON text (else empty)."""

    n_records: int
    shape: Shape


def look_at_files(landed: DataFrame, json_sources: Iterable[str]) -> dict[str, LandedFile]:
    """Count the records in bronze file by file and read the shape of those that are JSON, in one job."""
    shown = shown_texts(landed, json_sources)
    rows = shown.groupBy("file_id").agg(F.count("*").alias("n"), *shape_columns("text")).collect()
    return {
        r.file_id: LandedFile(r.n, shape_of_schema(r.schema, [json.loads(n) for n in r.names]) if r.schema else {})
        for r in rows
    }


def refuse_lost_records(files: Mapping[str, LandedFile], decided: Sequence[Row]) -> None:
    """Every record that lies in bronze must be accepted, a duplicate or refused, file by file."""
    landed = {file_id: file.n_records for file_id, file in files.items()}
    told = {c.file_id: c.rows_accepted + c.rows_duplicate + c.rows_refused for c in decided}
    wrong = sorted(file_id for file_id in landed.keys() | told.keys() if landed.get(file_id) != told.get(file_id))
    if wrong:
        raise ContractError(f"files {wrong}: not as many records decided on as were landed; nothing was written")
