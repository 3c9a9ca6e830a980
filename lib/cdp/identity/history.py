"""What was merged, split and retired tonight, and what speaks for it: ops.identity_history."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.core.keys import hashed_key
from cdp.identity.graph import RECORD
from cdp.identity.linkage.policy import POLICY
from cdp.identity.matching import Decisions
from cdp.identity.naming import heirs_by_person
from cdp.identity.refusals import KEPT_APART, TOLD_APART

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_MAX_TIES = 5
_MAX_RECORDS = 4


def describe_changes(
    members: DataFrame, links: DataFrame, decisions: Decisions | None, names: DataFrame, *, run_date: date
) -> DataFrame:
    """Write one row per merge, split and retirement of people.

    Grain: one row per (kind, person_id) and night. merge: person_id survives, predecessor_ids are all who became
    that person. split: person_id had records that belong to several people now, the successor_ids. retire: no
    record is left. evidence is a JSON array of up to five {type, records}: the identifier types (never the values)
    that tie records of different predecessors, or that tied records of different successors until they were refused;
    `matched` stands for profile records that match, `decided` for a steward. Empty when what tied them is gone
    altogether.

    `members` are the records with cluster and prior_id, `names` tells the person_id of each cluster. A night without
    changes launches nothing.
    """
    if decisions is None or not decisions.n_changed:
        return members.sparkSession.createDataFrame([], IDENTITY_HISTORY.schema)
    changes = _changes(decisions, names)
    ties = _ties(_records_inside(members, decisions, names), links)
    told = changes.join(decisions.near(ties), on=["kind", "person_id"], how="left").withColumns(
        {"reason": _reason(), "evidence": F.coalesce("evidence", F.lit("[]"))}
    )
    texts = [F.array_join(name, " ") for name in ("predecessor_ids", "successor_ids")]
    key = hashed_key(F.lit(run_date), F.col("kind"), F.col("person_id"), *texts)
    return told.withColumns({"history_id": key, "run_date": F.lit(run_date)}).select(*IDENTITY_HISTORY.column_names)


def _changes(decisions: Decisions, names: DataFrame) -> DataFrame:
    """One row per merge, split and retirement: kind, person_id, predecessor_ids, successor_ids."""
    ended = heirs_by_person(decisions, names).filter("NOT has_followed")
    merges = (
        ended.filter("heir IS NOT NULL")
        .groupBy("heir")
        .agg(F.collect_set("ended").alias("ended"))
        .select(F.lit("merge"), "heir", F.sort_array(F.array_append("ended", F.col("heir"))), F.array("heir"))
    )
    retired = ended.filter("heir IS NULL").select(
        F.lit("retire"), "ended", F.array("ended"), F.array().cast("array<string>")
    )
    changes = merges.union(retired)
    if decisions.n_split:
        now = names.select("cluster", F.col("person_id").alias("successor"))
        splits = decisions.of_kind("part").join(now, on="cluster", how="inner").groupBy("person_id")
        successors = splits.agg(F.sort_array(F.collect_set("successor")).alias("successor_ids"))
        changes = changes.union(successors.select(F.lit("split"), "person_id", F.array("person_id"), "successor_ids"))
    return changes.toDF("kind", "person_id", "predecessor_ids", "successor_ids")


def _records_inside(members: DataFrame, decisions: Decisions, names: DataFrame) -> DataFrame:
    """(record_id, kind, person_id, part) of the records of people who were merged or split.

    part: of a merge who had the record before, of a split the cluster of tonight, which is one person of tonight.
    """
    heirs = decisions.of_kind("ends").filter("cluster IS NOT NULL").select("cluster").distinct()
    grown = names.join(decisions.near(heirs), on="cluster", how="left_semi").select("cluster", "person_id")
    inside = members.join(decisions.near(grown), on="cluster", how="inner").selectExpr(
        "record_id", "'merge' kind", "person_id", "coalesce(prior_id, '') part"
    )
    if decisions.n_split:
        split = decisions.of_kind("part").select(F.col("person_id").alias("prior_id"))
        came_apart = members.filter("cluster IS NOT NULL").join(split, on="prior_id", how="left_semi")
        inside = inside.unionByName(
            came_apart.selectExpr("record_id", "'split' kind", "prior_id person_id", "cast(cluster as string) part")
        )
    return inside


def _reason() -> Column:
    """Why, from the kind of change, the types of what ties its records and why a link of them was refused."""
    is_merge, why = F.col("kind") == "merge", F.col("why")
    told_apart = why.isin(KEPT_APART, TOLD_APART) | why.startswith(POLICY)
    return (
        F.when(F.col("kind") == "retire", "no record of the person is left")
        .when(is_merge & F.array_contains("types", "decided"), "a steward decided that they are one person")
        .when(is_merge & (F.col("types") == F.array(F.lit("matched"))), "what their records tell of them matches")
        .when(is_merge, "an identifier value ties their records")
        .when(told_apart, F.concat(F.lit("a value tied the records, but "), why))
        .when(why != "", "the value that tied the records became generic")
        .otherwise("the record, value or decision that tied the records is gone")
    )


def _ties(inside: DataFrame, links: DataFrame) -> DataFrame:
    """(kind, person_id, evidence, types, why): values that stand in records of different parts of a changed person."""
    who = ("kind", "person_id")
    is_pair = F.col("identifier_type") == RECORD
    told = links.select(
        "record_id",
        "is_active",
        F.when(is_pair, F.substring_index("rule", ":", 1)).otherwise(F.col("identifier_type")).alias("identifier_type"),
        "value",
        is_pair.alias("is_pair"),
        F.get_json_object("evidence", "$.refused").alias("why"),
    )
    other_ends = told.filter("is_pair").withColumn("record_id", F.col("value"))
    per_value = (
        told.unionByName(other_ends)
        .join(inside, on="record_id", how="inner")
        .filter("is_active OR kind = 'split'")  # between the parts of a split at least one end is not active any more
        .groupBy(*who, "identifier_type", "value")
        .agg(
            F.count_distinct("part").alias("n_parts"),
            F.slice(F.sort_array(F.collect_set("record_id")), 1, _MAX_RECORDS).alias("records"),
            F.max("why").alias("why"),
        )
        .filter("n_parts > 1")
    )
    tie = F.struct(F.col("identifier_type").alias("type"), "records")
    listed = F.slice(F.sort_array(F.collect_list(tie)), 1, _MAX_TIES)
    return per_value.groupBy(*who).agg(
        F.to_json(listed).alias("evidence"),
        F.collect_set("identifier_type").alias("types"),
        F.max("why").alias("why"),
    )
