"""The account of a batch: as many records decided on as lie in bronze, file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from cdp.core.errors import ContractError


def count_by_file(landed: DataFrame) -> Mapping[str, int]:
    """How many records lie in bronze, file by file."""
    return {row.file_id: row.n for row in landed.groupBy("file_id").agg(F.count("*").alias("n")).collect()}


def refuse_lost_records(landed: Mapping[str, int], decided: Sequence[Row]) -> None:
    """Every record that lies in bronze must be accepted, a duplicate or refused, file by file."""
    told = {c.file_id: c.rows_accepted + c.rows_duplicate + c.rows_refused for c in decided}
    wrong = sorted(file_id for file_id in landed.keys() | told.keys() if landed.get(file_id) != told.get(file_id))
    if wrong:
        raise ContractError(f"files {wrong}: not as many records decided on as were landed; nothing was written")
