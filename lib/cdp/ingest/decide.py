"""Decide on mapped records: accepted, seen before, or refused, and how many of each a file has.

Records are wide, and a decision needs their keys only: keys alone are sorted and compared with those that silver holds,
and the few records that turn out to be duplicates are told to the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from cdp.core.hold import cut
from cdp.ingest.mapping import TABLES, version_key
from cdp.ingest.targets import TARGETS

ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"
#: Up to so many rows (some 100 MB) are sent to every task; beyond it both sides of a join are sorted.
_FEW_ROWS = 2_000_000


@dataclass(frozen=True)
class Decided:
    """What was decided, and the count of it.

    `rows`: one per landed record, with `status`, `is_resumed` (accepted already by a run that was killed) and its rows
    of every silver table. `counts`: one Row per file (file_id, rows_read, rows_accepted, rows_duplicate, rows_refused,
    rows_resumed, and n_<table>: rows that it gives to a table).
    """

    rows: DataFrame
    counts: list[Row]


def decide(mapped: DataFrame, seen: Mapping[str, DataFrame]) -> Decided:
    """Refuse records with reasons; call a duplicate what is in silver or came earlier in the batch.

    `mapped` is held: it is read more than once. `seen`: the silver tables by name, as far as main rows of the batch may
    be in them. The earliest delivery wins, then the smaller file id, then the record number.
    """
    keys = cut(_keys_of(mapped))
    is_few = keys.count() <= _FEW_ROWS
    judged = cut(_judge(keys, _seen_keys(keys, seen, is_few=is_few)))
    counts = _count(judged).collect()
    told = judged.where("is_duplicate OR is_resumed").select("landed_id", "is_duplicate", "is_resumed")
    n_told = sum(row.rows_duplicate + row.rows_resumed for row in counts)
    return Decided(_tell(mapped, F.broadcast(told) if n_told <= _FEW_ROWS else told), counts)


def _keys_of(mapped: DataFrame) -> DataFrame:
    is_refused = F.size("__reasons") > 0
    placed = ("landed_id", "file_id", "record_no", "delivered_on")
    return mapped.select(
        *(F.col(f"__{c}").alias(c) for c in placed),
        is_refused.alias("is_refused"),
        F.when(~is_refused, F.col("__key")).alias("key"),
        *(F.size(t).alias(f"n_{t}") for t in TABLES),
    )


def _seen_keys(keys: DataFrame, seen: Mapping[str, DataFrame], *, is_few: bool) -> DataFrame:
    """The keys that silver has (key, seen_landed_id); of few new ones only those that may be among them."""
    if not seen:
        return keys.sparkSession.createDataFrame([], "key STRING, seen_landed_id STRING")
    held = [
        frame.select(
            (version_key() if table == "customer_records" else F.col(TARGETS[table].id_column)).alias("key"),
            F.col("landed_id").alias("seen_landed_id"),
        )
        for table, frame in sorted(seen.items())
    ]
    every = reduce(DataFrame.unionByName, held)
    if not is_few:
        return every
    new = F.broadcast(keys.where(F.col("key").isNotNull()).select(F.xxhash64("key").alias("hash")))
    # At most as many as are new, so they are sent too: the new ones are not sorted a second time.
    return F.broadcast(every.join(new, on=F.xxhash64(every.key) == new.hash, how="left_semi"))


def _judge(keys: DataFrame, seen: DataFrame) -> DataFrame:
    order = Window.partitionBy(F.coalesce("key", "landed_id")).orderBy(
        "delivered_on", "file_id", "record_no", "landed_id"
    )
    joined = keys.withColumn("nth", F.row_number().over(order)).join(seen, on="key", how="left")
    # A killed run may have written this very record: that makes it accepted (and resumed), not a duplicate.
    is_own = F.coalesce(F.col("seen_landed_id") == F.col("landed_id"), F.lit(False))
    is_old = F.col("key").isNull() | (F.col("nth") > 1) | (F.col("seen_landed_id").isNotNull() & ~is_own)
    is_duplicate = ~F.col("is_refused") & is_old
    return joined.select(
        "landed_id",
        "file_id",
        "is_refused",
        is_duplicate.alias("is_duplicate"),
        (is_own & ~is_duplicate & ~F.col("is_refused")).alias("is_resumed"),
        *(f"n_{t}" for t in TABLES),
    )


def _count(judged: DataFrame) -> DataFrame:
    is_accepted = ~F.col("is_refused") & ~F.col("is_duplicate")
    return judged.groupBy("file_id").agg(
        F.count("*").alias("rows_read"),
        F.count_if(is_accepted).alias("rows_accepted"),
        F.count_if("is_duplicate").alias("rows_duplicate"),
        F.count_if("is_refused").alias("rows_refused"),
        F.count_if("is_resumed").alias("rows_resumed"),
        *(F.sum(F.when(is_accepted, F.col(f"n_{t}")).otherwise(0)).alias(f"n_{t}") for t in TABLES),
    )


def _tell(mapped: DataFrame, told: DataFrame) -> DataFrame:
    joined = mapped.join(told, on=F.col("__landed_id") == told.landed_id, how="left")
    is_refused = F.size("__reasons") > 0
    status = F.when(is_refused, REFUSED).when(F.coalesce("is_duplicate", F.lit(False)), DUPLICATE).otherwise(ACCEPTED)

    def of_accepted(table: str) -> Column:
        nothing = F.array().cast(mapped.schema[table].dataType)
        return F.when(status == ACCEPTED, F.col(table)).otherwise(nothing).alias(table)

    kept = ("landed_id", "source", "file_id", "record_no", "delivered_on", "reasons", "raw")
    return joined.select(
        *(F.col(f"__{c}").alias(c) for c in kept),
        status.alias("status"),
        F.col("__table").alias("main_table"),
        F.get("customer_records", F.lit(0))["record_id"].alias("record_id"),
        F.coalesce("is_resumed", F.lit(False)).alias("is_resumed"),
        *map(of_accepted, TABLES),
    )
