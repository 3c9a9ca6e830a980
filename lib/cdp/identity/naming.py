"""From matches to ids: who each cluster is tonight, and what becomes of the ids that end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp.identity.matching import Decisions
from cdp.identity.person_ids import MakePersonIds, salted_person_ids

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def name_clusters(
    pairs: DataFrame,
    decisions: Decisions,
    previous_people: DataFrame | None,
    *,
    run_date: date,
    make_person_ids: MakePersonIds,
) -> DataFrame:
    """Give each cluster its person.

    Grain: one row per cluster: person_id, born_on, anchor_record_id, n_records, is_customer. A new person's anchor
    is the record that was known first (ties: smallest record_id); a person keeps the anchor for as long as the
    record is there. `previous_people` is None on the first night.
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
    if decisions.clusters:
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
    """Put what was decided on the driver in the place of what a cluster's own rows say."""
    rows = []
    for cluster in sorted(decisions.clusters):
        pair = decisions.kept.get(cluster)
        rows.append(
            {
                "cluster": cluster,
                "d_prior_id": pair and pair.prior_id,
                "d_anchor": pair and pair.anchor,
                "d_prior_born_on": pair and pair.born_on,
            }
        )
    shape = [("cluster", pa.int64()), ("d_prior_id", pa.string()), ("d_anchor", pa.string())]
    table = pa.Table.from_pylist(rows, schema=pa.schema([*shape, ("d_prior_born_on", pa.date32())]))
    decided = clusters.sparkSession.createDataFrame(table).withColumn("is_decided", F.lit(True))
    joined = clusters.join(F.broadcast(decided), on="cluster", how="left")
    for name in ("prior_id", "anchor", "prior_born_on"):
        joined = joined.withColumn(name, F.when(F.col("is_decided"), F.col(f"d_{name}")).otherwise(F.col(name)))
    return joined.select(*clusters.columns)


def _replace_taken_ids(named: DataFrame, previous_people: DataFrame, make_person_ids: MakePersonIds) -> DataFrame:
    """Salt the new ids that somebody already has or had: their anchor was the anchor of another person before."""
    taken = previous_people.select("person_id")
    rows = (
        named.filter("is_new")
        .join(taken, on="person_id", how="left_semi")
        .select("cluster", "anchor_record_id")
        .collect()
    )
    if not rows:
        return named
    anchors = named.sparkSession.createDataFrame(
        [tuple(row) for row in rows], "cluster BIGINT, anchor_record_id STRING"
    )
    salted = salted_person_ids(anchors, taken, make_person_ids=make_person_ids)
    joined = named.join(salted.withColumnRenamed("person_id", "salted_id"), on="cluster", how="left")
    return joined.withColumn("person_id", F.coalesce("salted_id", "person_id")).drop("salted_id")


def people_of_clusters(named: DataFrame, decisions: Decisions) -> dict[int, str]:
    """cluster -> person_id of the clusters that were decided upon: as few as the rivals were, so they are collected."""
    if not decisions.clusters:
        return {}
    table = pa.table({"cluster": pa.array(sorted(decisions.clusters), pa.int64())})
    decided = F.broadcast(named.sparkSession.createDataFrame(table))
    found = named.join(decided, on="cluster", how="left_semi").select("cluster", "person_id").collect()
    return {row["cluster"]: row["person_id"] for row in found}


def heirs_by_person(decisions: Decisions, changed: dict[int, str]) -> dict[str, str | None]:
    """Who ended tonight -> who has the records now (None: nobody); `changed` is cluster -> person_id."""
    return {person: None if at is None else changed[at] for person, at in decisions.heirs.items()}


def close_ids(previous_people: DataFrame, decisions: Decisions, changed: dict[int, str]) -> DataFrame:
    """Rows of gold.people for the ids that stand for nobody any more; who came back tonight is not among them.

    Grain: one row per id merged or retired, tonight or earlier. merged_into always names the last survivor, also
    when that one was merged in turn. Counts are 0: the records belong to somebody else now.
    """
    was_active = F.col("status") == "active"
    heirs = heirs_by_person(decisions, changed)
    # who was active and ended, and whose survivor ended, both meet their heir in one join; who follows goes first
    key = F.when(was_active | F.col("person_id").isin(*decisions.followed), F.col("person_id")).otherwise(
        F.col("merged_into")
    )
    heirs |= {person: changed[cluster] for person, cluster in decisions.followed.items()}
    closed = previous_people.filter(~was_active)
    if heirs or decisions.returned:
        ended = pa.table(
            {"ended": pa.array(list(heirs), pa.string()), "heir": pa.array(list(heirs.values()), pa.string())}
        )
        told = F.broadcast(previous_people.sparkSession.createDataFrame(ended))
        joined = previous_people.join(told, on=key == F.col("ended"), how="left")
        is_closed = (~was_active | F.col("ended").isNotNull()) & ~F.col("person_id").isin(*decisions.returned)
        closed = joined.filter(is_closed).withColumns(
            {
                "status": F.when(~was_active, F.col("status"))
                .when(F.col("heir").isNull(), "retired")
                .otherwise("merged"),
                "merged_into": F.coalesce("heir", "merged_into"),
            }
        )
    none = F.lit(0).cast("bigint")
    return closed.withColumn("n_records", none).withColumn("n_identifiers", none).select(*previous_people.columns)
