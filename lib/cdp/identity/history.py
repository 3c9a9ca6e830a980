"""What was merged, split and retired tonight, and what speaks for it: ops.identity_history."""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.core.keys import hashed_key
from cdp.identity.matching import Decisions
from cdp.identity.naming import heirs_by_person

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_MAX_TIES = 5
_MAX_RECORDS = 4


def describe_changes(
    assigned: DataFrame, links: DataFrame, decisions: Decisions, named: DataFrame, *, run_date: date
) -> DataFrame:
    """Write one row per merge, split and retirement of people.

    Grain: one row per (kind, person_id) and night. merge: person_id survives, predecessor_ids are all who became
    that person. split: person_id had records that belong to several people now, the successor_ids. retire: no
    record is left. evidence is a JSON array of up to five {type, records}: the identifier types (never the values)
    that tie records of different predecessors, or that tied records of different successors until their value
    became generic; empty when the value or its record is gone altogether. A night without changes launches nothing.
    """
    spark = named.sparkSession
    parts = []
    if decisions.heirs:
        gone = heirs_by_person(decisions, named)
        parts += [_merges(assigned, links, gone), _retirements(gone)]
    if decisions.parts:
        rows = [(person, cluster) for person, held in sorted(decisions.parts.items()) for cluster in held]
        held = F.broadcast(spark.createDataFrame(rows, "prior_id STRING, cluster BIGINT"))
        parts.append(_splits(assigned, links, held.join(named, on="cluster", how="inner")))
    if not parts:
        return spark.createDataFrame([], IDENTITY_HISTORY.schema)
    changes = reduce(lambda left, right: left.unionByName(right), parts)
    texts = [F.array_join(name, " ") for name in ("predecessor_ids", "successor_ids")]
    return changes.select(
        hashed_key(F.lit(run_date), F.col("kind"), F.col("person_id"), *texts).alias("history_id"),
        F.lit(run_date).alias("run_date"),
        "kind",
        "person_id",
        "predecessor_ids",
        "successor_ids",
        "reason",
        F.coalesce("evidence", F.lit("[]")).alias("evidence"),
    )


def _merges(assigned: DataFrame, links: DataFrame, gone: DataFrame) -> DataFrame:
    merged = (
        gone.filter("heir IS NOT NULL")
        .groupBy(F.col("heir").alias("person_id"))
        .agg(F.collect_set("person_id").alias("others"))
    )
    inside = assigned.join(F.broadcast(merged.select("person_id")), on="person_id", how="left_semi").select(
        "record_id", "person_id", F.coalesce("prior_id", F.lit("")).alias("part")
    )
    ties = _ties(inside, links.filter("is_active"))
    return merged.join(ties, on="person_id", how="left").select(
        F.lit("merge").alias("kind"),
        "person_id",
        F.sort_array(F.array_union("others", F.array("person_id"))).alias("predecessor_ids"),
        F.array("person_id").alias("successor_ids"),
        F.lit("an identifier value ties their records").alias("reason"),
        "evidence",
    )


def _splits(assigned: DataFrame, links: DataFrame, parts: DataFrame) -> DataFrame:
    split = parts.groupBy(F.col("prior_id").alias("person_id")).agg(
        F.sort_array(F.collect_set(parts["person_id"])).alias("successor_ids")
    )
    by_prior = assigned.select("record_id", F.col("person_id").alias("part"), F.col("prior_id").alias("person_id"))
    inside = by_prior.join(F.broadcast(split.select("person_id")), on="person_id", how="left_semi")
    ties = _ties(inside, links.filter("NOT is_active"))
    return split.join(ties, on="person_id", how="left").select(
        F.lit("split").alias("kind"),
        "person_id",
        F.array("person_id").alias("predecessor_ids"),
        "successor_ids",
        F.when(F.col("evidence").isNotNull(), F.lit("the value that tied the records became generic"))
        .otherwise(F.lit("the record or value that tied the records is gone"))
        .alias("reason"),
        "evidence",
    )


def _retirements(gone: DataFrame) -> DataFrame:
    nobody: Column = F.array().cast("array<string>")
    return gone.filter("heir IS NULL").select(
        F.lit("retire").alias("kind"),
        "person_id",
        F.array("person_id").alias("predecessor_ids"),
        nobody.alias("successor_ids"),
        F.lit("no record of the person is left").alias("reason"),
        F.lit(None).cast("string").alias("evidence"),
    )


def _ties(inside: DataFrame, links: DataFrame) -> DataFrame:
    """(person_id, evidence): identifier values that stand in records of different parts of a changed person."""
    per_value = (
        links.select("record_id", "identifier_type", "value")
        .join(inside, on="record_id", how="inner")
        .groupBy("person_id", "identifier_type", "value")
        .agg(
            F.count_distinct("part").alias("n_parts"),
            F.slice(F.sort_array(F.collect_set("record_id")), 1, _MAX_RECORDS).alias("records"),
        )
        .filter("n_parts > 1")
    )
    tie = F.struct(F.col("identifier_type").alias("type"), "records")
    listed = F.slice(F.sort_array(F.collect_list(tie)), 1, _MAX_TIES)
    return per_value.groupBy("person_id").agg(F.to_json(listed).alias("evidence"))
