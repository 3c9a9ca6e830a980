"""Which person of last night is which cluster of tonight: what keeps person ids stable.

Nearly every cluster holds the anchor record of exactly one person of last night and all of that person's other
records: that is settled where the data are. The rest, the night's merges and splits, is decided on the driver while it
is no more than a limit, and else in groups that have nothing to do with each other, on the executors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.core.errors import ContractError
from cdp.core.hold import hold
from cdp.identity.components import connected_components

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: So many pairs of a cluster and a person that it may be take some 0.4 GB of the driver while they are decided.
DEFAULT_DRIVER_PAIR_LIMIT = 1_000_000
_PAIRS_OF_A_GROUP = 100_000
_VERDICT = pa.schema(
    [
        ("kind", pa.string()),
        ("cluster", pa.int64()),
        ("person_id", pa.string()),
        ("anchor", pa.string()),
        ("born_on", pa.date32()),
    ]
)
_RIVAL = ["cluster", "prior_id", "anchor", "overlap", "born_on"]
Near = Callable[["DataFrame"], "DataFrame"]
_VERDICT_DDL = "kind STRING, cluster BIGINT, person_id STRING, anchor STRING, born_on DATE"


@dataclass(frozen=True)
class Decisions:
    """What becomes of the people and clusters that have rivals.

    verdicts: one row (kind, cluster, person_id, anchor, born_on) per
    - `keeps`: the cluster is that person, who has the anchor record there; every cluster that was decided upon has one
      such row, without a person where it becomes a new one;
    - `ends`: the person ends, the cluster has the records now; none where no record is left;
    - `part`: the cluster has records of the person, who has them in several;
    - `back`: the person was merged and is back as the cluster (which has a row `keeps` too);
    - `follows`: the person was merged before, and the anchor record is in the cluster of a split person now.

    n_split: people with parts. n_changed: they and people who end. near: brings a frame with no more rows than the
    verdicts to where it is joined, as far as they are few. held: frames to release.
    """

    verdicts: DataFrame
    n_split: int
    n_changed: int
    near: Near
    held: tuple[DataFrame, ...] = ()

    def of_kind(self, kind: str) -> DataFrame:
        """The rows of one kind."""
        return self.near(self.verdicts.filter(F.col("kind") == kind).drop("kind"))


def pair_clusters(members: DataFrame) -> DataFrame:
    """Count what each cluster holds of each person of last night.

    Grain: one row per (cluster, prior_id). prior_id is null for new records, cluster for records that are gone.
    overlap counts the records, anchor is the person's anchor record if it is among them, oldest the first known
    record. n_records counts every record once, though an anchor that is another person's record already stands in
    two pairs: that is what a night looks like that was killed between writing gold.person_identifiers and
    gold.people.
    """
    known = F.coalesce("known_from", "first_seen_at")
    # a missing time sorts last, not first
    age = F.struct(known.isNull().alias("is_unknown"), known.alias("known"), F.col("record_id"))
    people = F.array_distinct(F.array_compact(F.array("prior_id", "anchor_of")))
    claims = members.select(
        "cluster",
        "record_id",
        "anchor_of",
        "born_on",
        "is_customer",
        age.alias("age"),
        F.posexplode_outer(people).alias("place", "prior_id"),
    )
    is_anchor = F.col("anchor_of") == F.col("prior_id")
    return claims.groupBy("cluster", "prior_id").agg(
        F.count(F.lit(1)).alias("overlap"),
        F.count_if(F.coalesce("place", F.lit(0)) == 0).alias("n_records"),
        F.max(F.when(is_anchor, F.col("record_id"))).alias("anchor"),
        F.max(F.when(is_anchor, F.col("born_on"))).alias("prior_born_on"),
        F.min("age").alias("oldest"),
        F.max("is_customer").alias("is_customer"),
    )


def find_rivals(pairs: DataFrame, previous_people: DataFrame) -> DataFrame:
    """The pairs that are not plainly the same person: few, unless many records or the rules changed.

    Grain: one row (cluster, prior_id, anchor, overlap, born_on) per pair; cluster is null when no record of the person
    is left, anchor where the cluster has not the person's anchor record. A pair is plain when the cluster holds nobody
    else, nobody else holds a part of the person, and the anchor is there.
    """
    n_people = F.count("prior_id").over(Window.partitionBy("cluster"))
    n_clusters = F.count("cluster").over(Window.partitionBy("prior_id"))
    counted = pairs.withColumn("n_people", n_people).withColumn("n_clusters", n_clusters)
    is_lost = F.col("cluster").isNull() & (F.col("n_clusters") == 0)
    is_rival = (F.col("n_people") > 1) | (F.col("n_clusters") > 1) | F.col("anchor").isNull()
    rivals = counted.filter(F.col("prior_id").isNotNull() & (is_lost | (F.col("cluster").isNotNull() & is_rival)))
    people = previous_people.select(F.col("person_id").alias("prior_id"), "born_on")
    return rivals.select(*_RIVAL[:-1]).join(people, on="prior_id", how="inner").select(*_RIVAL)


def decide_rivals(rivals: DataFrame, *, driver_pair_limit: int, driver_edge_limit: int, near: Near) -> Decisions | None:
    """Decide upon pairs as of :func:`find_rivals`; None where there are none.

    Up to driver_pair_limit pairs come to the driver through Arrow, in one job that counts them too. Above it each group
    of clusters and people that share records (in connected components) is decided by an executor: no decision looks
    beyond its group, so both ways give the same.
    """
    taken = rivals.limit(driver_pair_limit + 1).toArrow()
    if taken.num_rows == 0:
        return None
    if taken.num_rows <= driver_pair_limit:
        told = decide(taken)
        people = [set(told.filter(pc.equal(told["kind"], kind))["person_id"].to_pylist()) for kind in ("part", "ends")]
        verdicts = rivals.sparkSession.createDataFrame(told)
        return Decisions(verdicts, len(people[0]), len(people[0] | people[1]), near)
    held = hold(rivals)
    verdicts = hold(_decide_on_executors(held, driver_edge_limit=driver_edge_limit))
    is_end, is_part = (F.when(F.col("kind") == kind, F.col("person_id")) for kind in ("ends", "part"))
    counts = F.count_distinct(is_part), F.count_distinct(F.coalesce(is_end, is_part))
    n_split, n_changed = verdicts.agg(*counts).collect()[0]
    return Decisions(verdicts, n_split, n_changed, near=lambda frame: frame, held=(held, verdicts))


def _decide_on_executors(rivals: DataFrame, *, driver_edge_limit: int) -> DataFrame:
    person = F.xxhash64("prior_id")  # two people of one number are decided together: nothing comes of it
    edges = rivals.filter("cluster IS NOT NULL").select(F.col("cluster").alias("src"), person.alias("dst"))
    components = connected_components(edges, driver_edge_limit=driver_edge_limit)
    labelled = rivals.withColumn("id", person).join(components, on="id", how="left")
    n_groups = -(-rivals.count() // _PAIRS_OF_A_GROUP)
    grouped = labelled.withColumn("group", F.pmod(F.coalesce("component", "id"), F.lit(n_groups)))
    return grouped.select("group", *_RIVAL).groupBy("group").applyInArrow(decide, _VERDICT_DDL)


def decide(pairs: pa.Table) -> pa.Table:
    """Match clusters and people one to one: rows as of :func:`find_rivals` in, of `Decisions.verdicts` out, sorted.

    First come the clusters that hold a person's anchor record: of several such people the oldest survives (then the
    smaller id). Then whoever is left, by the number of records in common, then older birth, then smaller id. A
    person without a match ends, and is merged into whoever holds the anchor record, else most of the records.
    """
    # numbers of clusters have 64 bits, which a float of pandas has not
    rivals = pairs.select(_RIVAL).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get, date_as_object=False)
    rivals = rivals.rename(columns={"prior_id": "person_id"}).assign(is_without=rivals["anchor"].isna())
    rivals["rank"] = rivals["overlap"].where(rivals["is_without"], 0)
    of_clusters = rivals[rivals["cluster"].notna()]
    order = ["is_without", "rank", "born_on", "person_id", "cluster"]
    queue = of_clusters.sort_values(order, ascending=[True, False, True, True, True], na_position="last")
    kept = queue[_first_come(queue["cluster"].to_numpy(np.int64), queue["person_id"])]
    new = of_clusters.loc[~of_clusters["cluster"].isin(kept["cluster"]), ["cluster"]].drop_duplicates()
    heirs = rivals.sort_values(["is_without", "overlap", "cluster"], ascending=[True, False, True], na_position="last")
    ends = heirs[~heirs["person_id"].isin(kept["person_id"])].drop_duplicates("person_id")
    parts = of_clusters[of_clusters.groupby("person_id")["cluster"].transform("size") > 1]
    told = [
        _verdicts(pairs, "keeps", kept, "cluster", "person_id", "anchor", "born_on"),
        _verdicts(pairs, "keeps", new, "cluster"),
        _verdicts(pairs, "ends", ends, "cluster", "person_id"),
        _verdicts(pairs, "part", parts, "cluster", "person_id"),
    ]
    return pa.concat_tables(told).sort_by([(name, "ascending") for name in ("kind", "cluster", "person_id")])


def _verdicts(pairs: pa.Table, kind: str, rows: pd.DataFrame, *names: str) -> pa.Table:
    """Verdicts of one kind that tell so much of these rows of the pairs."""
    taken = pairs.take(pa.array(rows.index, pa.int64()))
    told = {name: taken["prior_id" if name == "person_id" else name] for name in names}
    told["kind"] = pa.array([kind] * len(rows), pa.string())
    return pa.table([told.get(f.name, pa.nulls(len(rows), f.type)) for f in _VERDICT], schema=_VERDICT)


def _first_come(clusters: npt.NDArray[np.int64], people: pd.Series) -> npt.NDArray[np.bool_]:
    """Whether each pair of the queue is the first whose cluster and whose person are both still free."""
    is_kept = np.zeros(len(clusters), bool)
    codes, named = pd.factorize(people)
    taken_clusters: set[int] = set()
    is_taken = np.zeros(len(named), bool)
    for at, (cluster, person) in enumerate(zip(clusters.tolist(), codes.tolist(), strict=True)):
        if not is_taken[person] and cluster not in taken_clusters:
            is_kept[at] = is_taken[person] = True
            taken_clusters.add(cluster)
    return is_kept


def refuse_upheaval(decisions: Decisions, previous_people: DataFrame, most_changed: float) -> None:
    """ContractError when too large a share of last night's people would be merged, split or retired tonight.

    A delivery with a broken column, or a rule that was changed by mistake, shows here first, while nothing is written
    yet. A night with few changes asks nothing: in a small lake one family is a large share.
    """
    changed = decisions.n_changed
    if changed < _FEW_CHANGES:
        return
    before = previous_people.filter("status = 'active'").count()
    if changed > most_changed * before:
        raise ContractError(
            f"gold.people: {changed:,} of {before:,} people would be merged, split or retired tonight, more than "
            f"identity_most_changed ({most_changed:.0%}) allows, so nothing was written. Look at what was delivered "
            "and at conf/identity; if it is meant, run the night again with --set identity_most_changed=1"
        )


_FEW_CHANGES = 50


def return_merged(decisions: Decisions, members: DataFrame, previous_people: DataFrame) -> Decisions:
    """Let people who were merged come back where the one who holds them comes apart: under their id, born as before.

    A cluster without a match is who had its anchor record there before the merge (of several the oldest, then the
    smaller id). Merged people who do not come back follow their anchor record. A night without a split asks nothing.
    """
    if not decisions.n_split:
        return decisions
    split = decisions.of_kind("part").select(F.col("person_id").alias("merged_into"))
    merged = previous_people.filter("status = 'merged'").join(split, on="merged_into", how="left_semi")
    merged = merged.join(decisions.of_kind("ends").select("person_id"), on="person_id", how="left_anti")
    anchors = merged.select(F.col("anchor_record_id").alias("record_id"), "person_id", "born_on")
    decided = decisions.of_kind("keeps").select("cluster", F.col("person_id").alias("held_by"))
    where = members.filter("cluster IS NOT NULL").select("record_id", "cluster")
    found = where.join(decisions.near(anchors), on="record_id", how="inner").join(decided, on="cluster", how="inner")
    place = F.row_number().over(Window.partitionBy("cluster").orderBy(F.asc_nulls_last("born_on"), "person_id"))
    is_back = F.coalesce(F.col("held_by") == F.col("person_id"), F.col("held_by").isNull() & (place == 1))
    told = hold(
        found.select(F.when(is_back, "back").otherwise("follows").alias("kind"), "cluster", "person_id",
                     F.col("record_id").alias("anchor"), "born_on", "held_by")
    )  # fmt: skip
    named = told.filter("kind = 'back' AND held_by IS NULL").withColumn("kind", F.lit("keeps"))
    is_free = (F.col("kind") == "keeps") & F.col("person_id").isNull()
    free = decisions.verdicts.filter(is_free).join(
        decisions.near(named.select("cluster")), on="cluster", how="left_anti"
    )
    parts = (decisions.verdicts.filter(~is_free), free, told, named)
    verdicts = hold(reduce(lambda one, other: one.unionByName(other), [part.select(*_VERDICT.names) for part in parts]))
    return replace(decisions, verdicts=verdicts, held=(*decisions.held, told, verdicts))
