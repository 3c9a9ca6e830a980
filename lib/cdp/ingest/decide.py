"""Decide on mapped records: accepted, seen before, or refused, and how many of each a file has.

Records are wide, and a decision needs their keys only. Nearly every key is new, which hashes alone can tell: only those
whose hash comes twice or is in silver are sorted and compared, and the duplicates among them are told to the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
_PLACE = ("landed_id", "source", "file_id", "record_no", "delivered_on")


@dataclass(frozen=True)
class Decided:
    """What was decided, and the count of it.

    `rows`: one per landed record, with `status`, `is_resumed` (accepted already by a run that was killed) and its rows
    of every silver table, none where it is not accepted. What few records have can be read without these wide rows:
    `refused`, the refused records with `raw` and `reasons`, and `further`, the rows of accepted records in the tables
    that were asked for. `counts`: one Row per file (file_id, rows_read, rows_accepted, rows_duplicate, rows_refused,
    rows_resumed, and n_<table>: rows that it gives to a table).
    """

    rows: DataFrame
    refused: DataFrame
    further: DataFrame
    counts: list[Row]


def decide(mapped: DataFrame, seen: Mapping[str, DataFrame], *, further: Iterable[str] = ()) -> Decided:
    """Refuse records with reasons; call a duplicate what is in silver or came earlier in the batch.

    `mapped` is held: it is read more than once. `seen`: the silver tables by name, as far as main rows of the batch may
    be in them. `further`: tables in which no record has its main row. The earliest delivery wins, then the smaller
    file id, then the record number.
    """
    keys = cut(_keys_of(mapped, further))
    n_keys = keys.count()
    doubts = cut(_doubts(keys, seen, is_few=n_keys <= _FEW_ROWS))
    told = cut(_judge(keys, _send(doubts, doubts.count())))
    n_told = told.count()
    joined = keys.join(_send(told, n_told), on="landed_id", how="left")
    judged = joined.withColumn("status", _status(F.col("is_refused"), F.col("key")))
    return Decided(
        rows=_tell(mapped, _send(told, n_told)),
        refused=keys.where("is_refused").select(*_PLACE, "raw", "reasons"),
        further=judged.where(F.col("status") == ACCEPTED).select(*sorted(further)),
        counts=_count(judged).collect(),
    )


def _send(frame: DataFrame, n_rows: int) -> DataFrame:
    return F.broadcast(frame) if n_rows <= _FEW_ROWS else frame


def _keys_of(mapped: DataFrame, further: Iterable[str]) -> DataFrame:
    is_refused = F.size("__reasons") > 0
    key = F.when(~is_refused, F.col("__key"))
    return mapped.select(
        *(F.col(f"__{c}").alias(c) for c in _PLACE),
        F.col("__raw").alias("raw"),
        F.col("__reasons").alias("reasons"),
        is_refused.alias("is_refused"),
        key.alias("key"),
        F.when(key.isNotNull(), _hash(key)).alias("hash"),
        *(F.size(t).alias(f"n_{t}") for t in TABLES),
        *sorted(further),
    )


def _hash(key: Column) -> Column:
    return F.xxhash64(key)


def _doubts(keys: DataFrame, seen: Mapping[str, DataFrame], *, is_few: bool) -> DataFrame:
    """The hashes that keys share with each other (key null), and the keys of silver whose hash is among them.

    One row per such hash or key of silver: hash, key, seen_landed_id.
    """
    hashes = keys.select("hash").where("hash IS NOT NULL")
    shared = hashes.groupBy("hash").count().where("count > 1")
    nothing = F.lit(None).cast("string")
    found = [shared.select("hash", nothing.alias("key"), nothing.alias("seen_landed_id"))]
    for table, frame in sorted(seen.items()):
        key = version_key() if table == "customer_records" else F.col(TARGETS[table].id_column)
        held = frame.select(key.alias("key"), F.col("landed_id").alias("seen_landed_id"))
        # Sent to where silver is read: a table of any size is scanned, and neither sorted nor shuffled.
        new = F.broadcast(hashes) if is_few else hashes
        found.append(held.withColumn("hash", _hash(F.col("key"))).join(new, on="hash", how="left_semi"))
    return reduce(DataFrame.unionByName, found)


def _judge(keys: DataFrame, doubts: DataFrame) -> DataFrame:
    """The records that are duplicates or were accepted by a run that was killed, of those whose key is doubted."""
    doubted = keys.select("landed_id", "file_id", "record_no", "delivered_on", "key", "hash").join(
        doubts.select("hash"), on="hash", how="left_semi"
    )
    order = Window.partitionBy("key").orderBy("delivered_on", "file_id", "record_no", "landed_id")
    seen = doubts.where("key IS NOT NULL").drop("hash")
    joined = doubted.withColumn("nth", F.row_number().over(order)).join(seen, on="key", how="left")
    # A killed run may have written this very record: that makes it accepted (and resumed), not a duplicate.
    is_own = F.coalesce(F.col("seen_landed_id") == F.col("landed_id"), F.lit(False))
    is_duplicate = (F.col("nth") > 1) | (F.col("seen_landed_id").isNotNull() & ~is_own)
    judged = joined.select(
        "landed_id", is_duplicate.alias("is_duplicate"), (is_own & ~is_duplicate).alias("is_resumed")
    )
    return judged.where("is_duplicate OR is_resumed")


def _status(is_refused: Column, key: Column) -> Column:
    """The status of a record joined with what it was told; a key of null says nothing new, and counts as seen."""
    is_old = key.isNull() | F.coalesce("is_duplicate", F.lit(False))
    return F.when(is_refused, REFUSED).when(is_old, DUPLICATE).otherwise(ACCEPTED)


def _count(judged: DataFrame) -> DataFrame:
    is_accepted = F.col("status") == ACCEPTED
    return judged.groupBy("file_id").agg(
        F.count("*").alias("rows_read"),
        F.count_if(is_accepted).alias("rows_accepted"),
        F.count_if(F.col("status") == DUPLICATE).alias("rows_duplicate"),
        F.count_if(F.col("status") == REFUSED).alias("rows_refused"),
        F.count_if("is_resumed").alias("rows_resumed"),
        *(F.sum(F.when(is_accepted, F.col(f"n_{t}")).otherwise(0)).alias(f"n_{t}") for t in TABLES),
    )


def _tell(mapped: DataFrame, told: DataFrame) -> DataFrame:
    joined = mapped.join(told, on=F.col("__landed_id") == told.landed_id, how="left")
    status = _status(F.size("__reasons") > 0, F.col("__key"))

    def of_accepted(table: str) -> Column:
        nothing = F.array().cast(mapped.schema[table].dataType)
        return F.when(status == ACCEPTED, F.col(table)).otherwise(nothing).alias(table)

    return joined.select(
        *(F.col(f"__{c}").alias(c) for c in (*_PLACE, "reasons", "raw")),
        status.alias("status"),
        F.col("__table").alias("main_table"),
        F.get("customer_records", F.lit(0))["record_id"].alias("record_id"),
        F.coalesce("is_resumed", F.lit(False)).alias("is_resumed"),
        *map(of_accepted, TABLES),
    )
