"""Which person of last night is which cluster of tonight: what keeps person ids stable.

Nearly every cluster holds the anchor record of exactly one person of last night and all of that person's other
records: that is settled where the data are. The rest, the night's merges and splits, is collected and decided on
the driver.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.core.errors import ContractError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Pair:
    """What one cluster holds of one person of last night.

    cluster: None when no record of the person is left. anchor: the person's anchor record, if the cluster has it.
    overlap: records in common.
    """

    cluster: int | None
    prior_id: str
    anchor: str | None
    overlap: int
    born_on: date | None


@dataclass(frozen=True)
class Decisions:
    """What becomes of the people and clusters that have rivals.

    kept: cluster -> the pair by which it stays that person; clusters: all that were decided upon (without a pair in
    `kept` they become new people); heirs: person who ends -> cluster that has the records now, None if none is
    left; parts: person -> clusters that have the records now, where they are several. returned: people who were merged
    and are back; followed: other merged people -> cluster of a split person that has their anchor record.
    """

    kept: dict[int, Pair]
    clusters: frozenset[int]
    heirs: dict[str, int | None]
    parts: dict[str, tuple[int, ...]]
    returned: frozenset[str] = frozenset()
    followed: dict[str, int] = field(default_factory=dict)


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


def collect_rivals(pairs: DataFrame, previous_people: DataFrame) -> list[Pair]:
    """The pairs that are not plainly the same person: few, unless many records or the rules changed.

    A pair is plain when the cluster holds nobody else, nobody else holds a part of the person, and the anchor is
    there.
    """
    n_people = F.count("prior_id").over(Window.partitionBy("cluster"))
    n_clusters = F.count("cluster").over(Window.partitionBy("prior_id"))
    counted = pairs.withColumn("n_people", n_people).withColumn("n_clusters", n_clusters)
    is_lost = F.col("cluster").isNull() & (F.col("n_clusters") == 0)
    is_rival = (F.col("n_people") > 1) | (F.col("n_clusters") > 1) | F.col("anchor").isNull()
    rivals = counted.filter(F.col("prior_id").isNotNull() & (is_lost | (F.col("cluster").isNotNull() & is_rival)))
    people = previous_people.select(F.col("person_id").alias("prior_id"), "born_on")
    found = F.broadcast(rivals.select("cluster", "prior_id", "anchor", "overlap")).join(people, on="prior_id")
    return [Pair(r.cluster, r.prior_id, r.anchor, r.overlap, r.born_on) for r in found.collect()]


def decide(rivals: list[Pair]) -> Decisions:
    """Match clusters and people one to one.

    First come the clusters that hold a person's anchor record: of several such people the oldest survives (then the
    smaller id). Then whoever is left, by the number of records in common, then older birth, then smaller id. A
    person without a match ends, and is merged into whoever holds the anchor record, else most of the records.
    """
    pairs = [pair for pair in rivals if pair.cluster is not None]
    kept: dict[int, Pair] = {}
    people: set[str] = set()
    for pair in sorted(pairs, key=_match_order):
        if pair.cluster is not None and pair.cluster not in kept and pair.prior_id not in people:
            kept[pair.cluster] = pair
            people.add(pair.prior_id)
    heirs: dict[str, int | None] = {pair.prior_id: None for pair in rivals if pair.prior_id not in people}
    for pair in sorted(pairs, key=lambda p: (p.anchor is not None, p.overlap, -(p.cluster or 0))):
        if pair.prior_id in heirs:
            heirs[pair.prior_id] = pair.cluster
    parts: dict[str, list[int]] = {}
    for pair in pairs:
        parts.setdefault(pair.prior_id, []).append(pair.cluster or 0)
    several = {person: tuple(sorted(held)) for person, held in parts.items() if len(held) > 1}
    return Decisions(kept, frozenset(p.cluster for p in pairs if p.cluster is not None), heirs, several)


def _match_order(pair: Pair) -> tuple[bool, int, date, str, int]:
    overlap = 0 if pair.anchor is not None else -pair.overlap
    return (pair.anchor is None, overlap, pair.born_on or date.max, pair.prior_id, pair.cluster or 0)


def refuse_upheaval(decisions: Decisions, previous_people: DataFrame, most_changed: float) -> None:
    """ContractError when too large a share of last night's people would be merged, split or retired tonight.

    A delivery with a broken column, or a rule that was changed by mistake, shows here first, while nothing is written
    yet. A night with few changes asks nothing: in a small lake one family is a large share.
    """
    changed = len({*decisions.heirs, *decisions.parts})
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
    if not decisions.parts:
        return decisions
    merged = previous_people.filter((F.col("status") == "merged") & F.col("merged_into").isin(*decisions.parts))
    anchors = merged.select(F.col("anchor_record_id").alias("record_id"), "person_id", "born_on")
    where = members.filter("cluster IS NOT NULL").select("record_id", "cluster")
    found = where.join(F.broadcast(anchors), on="record_id", how="inner").collect()
    kept, returned, followed = dict(decisions.kept), set(), {}
    for row in sorted(found, key=lambda r: (r["born_on"] or date.max, r["person_id"])):
        person, cluster = row["person_id"], row["cluster"]
        if cluster in decisions.clusters and cluster not in kept:
            kept[cluster] = Pair(cluster, person, row["record_id"], 0, row["born_on"])
            returned.add(person)
        elif cluster in decisions.clusters:
            followed[person] = cluster
    return replace(decisions, kept=kept, returned=frozenset(returned), followed=followed)
