"""How long a source's rows may be used: the versions that are within their time, and when the next one leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def rows_in_time(customer_records: DataFrame, *, retention: Mapping[str, int], run_date: date) -> DataFrame:
    """The versions that may be used on ``run_date``.

    ``retention`` is source -> days; a version that was received longer ago is left out. One whose arrival is not
    known counts from its valid_from; sources that are not named are kept for ever.
    """
    kept = customer_records
    for source, days in sorted(retention.items()):
        oldest = F.date_sub(F.lit(run_date), days).cast("timestamp")
        kept = kept.filter((F.col("source") != source) | (_received() >= oldest))
    return kept


def next_expiry(customer_records: DataFrame, *, retention: Mapping[str, int], run_date: date) -> date:
    """The first night after ``run_date`` on which :func:`rows_in_time` leaves out more; ``date.max`` if none will.

    One small Spark job, none where no source has a time limit.
    """
    if not retention:
        return date.max
    kept = rows_in_time(customer_records, retention=retention, run_date=run_date)
    leaves = F.lit(None).cast("date")
    for source, days in sorted(retention.items()):
        leaves = F.when(F.col("source") == source, F.date_add(_received(), days + 1)).otherwise(leaves)
    first: date | None = kept.agg(F.min(leaves)).collect()[0][0]
    return first or date.max


def _received() -> Column:
    return F.coalesce("received_at", "valid_from")
