"""Which identifiers does each record carry: silver.identifiers."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def collect_identifiers(
    *,
    events: DataFrame,
    order_lines: DataFrame,
    customer_records: DataFrame,
    feedback: DataFrame,
    consents: DataFrame,
) -> DataFrame:
    """Gather every identifier value that a record carries, or carried in an earlier version of it.

    Grain: one row per (record_id, identifier_type, value). first_seen_at and last_seen_at are the smallest and
    largest time of the rows that carry it (UTC), known_from the smallest received_at, n_seen counts rows. Rows
    without a record (null record_id: nobody was identified) give nothing.

    Millions of events are far fewer distinct (record, identifiers) pairs: each table is grouped by these first and
    exploded afterwards. Grouping by the array instead of taking `first` of it keeps Spark on hash aggregation.
    """
    seen = [
        _seen(events, at="event_at"),
        _seen(order_lines, at="ordered_at"),
        _seen(customer_records, at="valid_from"),
        _seen(feedback, at="given_at"),
        _seen(consents, at="valid_from"),
    ]
    exploded = reduce(lambda left, right: left.unionByName(right), seen).select(
        "record_id", "source", *_TIMES, F.inline("identifiers").alias("identifier_type", "value")
    )
    return _one_row_each(exploded.filter("identifier_type IS NOT NULL AND value IS NOT NULL AND value <> ''"))


def add_identifiers(held: DataFrame, new: DataFrame) -> DataFrame:
    """What :func:`collect_identifiers` gives of all rows, from what it gave of some of them and of the others."""
    return _one_row_each(held.unionByName(new))


def _one_row_each(carried: DataFrame) -> DataFrame:
    return carried.groupBy("record_id", "identifier_type", "value").agg(
        F.min("source").alias("source"),
        F.min("first_seen_at").alias("first_seen_at"),
        F.max("last_seen_at").alias("last_seen_at"),
        F.min("known_from").alias("known_from"),
        F.sum("n_seen").alias("n_seen"),
    )


_TIMES = ("first_seen_at", "last_seen_at", "known_from", "n_seen")


def _seen(table: DataFrame, *, at: str) -> DataFrame:
    """One row per (record, set of identifiers) of one table, with times and count."""
    received: Column = F.coalesce(F.col("received_at"), F.col(at))
    return (
        table.filter("record_id IS NOT NULL")
        .groupBy("record_id", "source", "identifiers")
        .agg(
            F.min(at).alias("first_seen_at"),
            F.max(at).alias("last_seen_at"),
            F.min(received).alias("known_from"),
            F.count(F.lit(1)).alias("n_seen"),
        )
    )
