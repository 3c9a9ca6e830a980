"""From matches to ids: who each cluster is tonight, and what becomes of the ids that end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.identity.matching import Decisions
from cdp.identity.person_ids import MakePersonIds, salted_person_ids

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def name_clusters(
    pairs: DataFrame,
    decisions: Decisions | None,
    previous_people: DataFrame | None,
    *,
    run_date: date,
    make_person_ids: MakePersonIds,
) -> DataFrame:
    """Give each cluster its person.

    Grain: one row per cluster: person_id, born_on, anchor_record_id, n_records, is_customer. A new person's anchor
    is the record that was known first (ties: smallest record_id); a person keeps the anchor for as long as the
    record is there. `previous_people` is None on the first night, `decisions` where there was nothing to decide.
    """
    clusters = (
        pairs.filter("cluster IS NOT NULL")
        .groupBy("cluster")
        .agg(
            F.max("prior_id").alias("prior_id"),
            F.max("anchor").alias("anchor"),
            F.max("prior_born_on").alias("prior_born_on"),
            F.min("oldest").alias("oldest"),
            F.sum("n_records").alias("n_records"),
            F.max("is_customer").alias("is_customer"),
        )
    )
    if decisions is not None:
        clusters = _apply_decisions(clusters, decisions)
    is_new = F.col("prior_id").isNull()
    fresh = make_person_ids(F.when(is_new, F.col("oldest.record_id")), F.lit(0))
    named = clusters.select(
        "cluster",
        F.coalesce("prior_id", fresh).alias("person_id"),
        F.when(is_new, F.coalesce(F.to_date("oldest.known"), F.lit(run_date)))
        .otherwise(F.coalesce("prior_born_on", F.to_date("oldest.known"), F.lit(run_date)))
        .alias("born_on"),
        F.when(is_new, F.col("oldest.record_id"))
        .otherwise(F.coalesce("anchor", "oldest.record_id"))
        .alias("anchor_record_id"),
        "n_records",
        "is_customer",
        is_new.alias("is_new"),
    )
    if previous_people is not None:
        named = _replace_taken_ids(named, previous_people, make_person_ids)
    return named.drop("is_new")


def _apply_decisions(clusters: DataFrame, decisions: Decisions) -> DataFrame:
    """Put what was decided in the place of what a cluster's own rows say."""
    told = {"prior_id": "person_id", "anchor": "anchor", "prior_born_on": "born_on"}
    decided = decisions.of_kind("keeps").select(
        "cluster", F.lit(True).alias("is_decided"), *[F.col(given).alias(f"d_{name}") for name, given in told.items()]
    )
    joined = clusters.join(decided, on="cluster", how="left")
    for name in told:
        joined = joined.withColumn(name, F.when(F.col("is_decided"), F.col(f"d_{name}")).otherwise(F.col(name)))
    return joined.select(*clusters.columns)


def _replace_taken_ids(named: DataFrame, previous_people: DataFrame, make_person_ids: MakePersonIds) -> DataFrame:
    """Salt the new ids that somebody already has or had: their anchor was the anchor of another person before."""
    taken = previous_people.select("person_id")
    anchors = named.filter("is_new").join(taken, on="person_id", how="left_semi").select("cluster", "anchor_record_id")
    if anchors.isEmpty():
        return named
    salted = salted_person_ids(anchors, taken, make_person_ids=make_person_ids)
    joined = named.join(salted.withColumnRenamed("person_id", "salted_id"), on="cluster", how="left")
    return joined.withColumn("person_id", F.coalesce("salted_id", "person_id")).drop("salted_id")


def heirs_by_person(decisions: Decisions, names: DataFrame) -> DataFrame:
    """One row (ended, heir, has_followed) per person who ended tonight, or was merged before and followed a record.

    heir: who has the records now, null where nobody has. names: cluster -> person_id.
    """
    ended = decisions.of_kind("ends").withColumn("has_followed", F.lit(False))
    if decisions.n_split:
        ended = ended.unionByName(decisions.of_kind("follows").withColumn("has_followed", F.lit(True)))
    heirs = names.select("cluster", F.col("person_id").alias("heir"))
    return decisions.near(
        decisions.near(ended.select("cluster", F.col("person_id").alias("ended"), "has_followed"))
        .join(heirs, on="cluster", how="left")
        .select("ended", "heir", "has_followed")
    )


def close_ids(previous_people: DataFrame, decisions: Decisions | None, names: DataFrame) -> DataFrame:
    """Rows of gold.people for the ids that stand for nobody any more; who came back tonight is not among them.

    Grain: one row, without status_since, per id merged or retired, tonight or earlier. merged_into always names the
    last survivor, also when that one was merged in turn. Counts are 0: the records belong to somebody else now.
    """
    closed = previous_people.filter("status <> 'active'")
    if decisions is not None:
        closed = _close_ended(previous_people, decisions, names)
    none, columns = F.lit(0).cast("bigint"), [name for name in previous_people.columns if name != "status_since"]
    return closed.withColumn("n_records", none).withColumn("n_identifiers", none).select(*columns)


def _close_ended(previous_people: DataFrame, decisions: Decisions, names: DataFrame) -> DataFrame:
    """Who was active and ended, who followed a record, and whose survivor ended, under the heir of tonight."""
    told = heirs_by_person(decisions, names)
    was_active = F.col("status") == "active"
    own = told.withColumnRenamed("ended", "person_id").withColumn("is_own", F.lit(True))
    survivors = told.select(F.col("ended").alias("merged_into"), F.col("heir").alias("next_heir"))
    joined = (
        previous_people.withColumn("has_followed", ~was_active)
        .join(decisions.near(own), on=["person_id", "has_followed"], how="left")
        .join(decisions.near(survivors), on="merged_into", how="left")
        .filter(~was_active | F.col("is_own"))
    )
    if decisions.n_split:
        joined = joined.join(decisions.of_kind("back").select("person_id"), on="person_id", how="left_anti")
    heir = F.when(F.col("is_own"), F.col("heir")).otherwise(F.col("next_heir"))
    status = F.when(~was_active, F.col("status")).when(heir.isNull(), "retired").otherwise("merged")
    return joined.withColumns({"status": status, "merged_into": F.coalesce(heir, "merged_into")})
