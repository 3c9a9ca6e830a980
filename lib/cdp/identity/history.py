"""What was merged, split and retired tonight, and what speaks for it: ops.identity_history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.core.keys import hashed_key
from cdp.identity.graph import RECORD
from cdp.identity.linkage.policy import POLICY
from cdp.identity.matching import Decisions
from cdp.identity.naming import heirs_by_person
from cdp.identity.refusals import KEPT_APART, TOLD_APART

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_MAX_TIES = 5
_MAX_RECORDS = 4
_TEXTS = pa.list_(pa.string())
_CHANGE = pa.schema(
    [
        ("kind", pa.string()),
        ("person_id", pa.string()),
        ("predecessor_ids", _TEXTS),
        ("successor_ids", _TEXTS),
        ("reason", pa.string()),
        ("evidence", pa.string()),
    ]
)


@dataclass(frozen=True)
class _Change:
    """One row of history, all but its id and date."""

    kind: str
    person_id: str
    predecessor_ids: list[str]
    successor_ids: list[str]
    reason: str
    evidence: str


def describe_changes(
    members: DataFrame, links: DataFrame, decisions: Decisions, changed: dict[int, str], *, run_date: date
) -> DataFrame:
    """Write one row per merge, split and retirement of people.

    Grain: one row per (kind, person_id) and night. merge: person_id survives, predecessor_ids are all who became
    that person. split: person_id had records that belong to several people now, the successor_ids. retire: no
    record is left. evidence is a JSON array of up to five {type, records}: the identifier types (never the values)
    that tie records of different predecessors, or that tied records of different successors until they were refused;
    `matched` stands for profile records that match, `decided` for a steward. Empty when what tied them is gone
    altogether.

    `members` are the records with cluster and prior_id, `changed` is cluster -> person_id of the clusters that were
    decided upon. The rows are few, as the decisions are: the evidence is collected, the rest is known already. A
    night without changes launches nothing.
    """
    spark = members.sparkSession
    merged: dict[str, list[str]] = {}
    retired: list[str] = []
    for person, heir in heirs_by_person(decisions, changed).items():
        if heir is None:
            retired.append(person)
        else:
            merged.setdefault(heir, []).append(person)
    if not merged and not retired and not decisions.parts:
        return spark.createDataFrame([], IDENTITY_HISTORY.schema)
    survivors = {cluster: person for cluster, person in changed.items() if person in merged}
    evidence = _collect_evidence(members, links, survivors, sorted(decisions.parts))
    changes = [_merge(person, others, evidence) for person, others in sorted(merged.items())]
    for person, held in sorted(decisions.parts.items()):
        changes.append(_split(person, sorted({changed[cluster] for cluster in held}), evidence))
    nobody = "no record of the person is left"
    changes += [_Change("retire", person, [person], [], nobody, "[]") for person in sorted(retired)]
    table = pa.Table.from_pylist([vars(change) for change in changes], schema=_CHANGE)
    texts = [F.array_join(name, " ") for name in ("predecessor_ids", "successor_ids")]
    return spark.createDataFrame(table).select(
        hashed_key(F.lit(run_date), F.col("kind"), F.col("person_id"), *texts).alias("history_id"),
        F.lit(run_date).alias("run_date"),
        *_CHANGE.names,
    )


def _merge(person: str, others: list[str], evidence: dict[tuple[str, str], tuple[str, str]]) -> _Change:
    ties, _ = evidence.get(("merge", person), ("[]", ""))
    types = {tie["type"] for tie in json.loads(ties)}
    reason = "an identifier value ties their records"
    if "decided" in types:
        reason = "a steward decided that they are one person"
    elif types == {"matched"}:
        reason = "what their records tell of them matches"
    return _Change("merge", person, sorted({*others, person}), [person], reason, ties)


def _split(person: str, successors: list[str], evidence: dict[tuple[str, str], tuple[str, str]]) -> _Change:
    ties, why = evidence.get(("split", person), ("[]", ""))
    reason = "the record, value or decision that tied the records is gone"
    if why in (KEPT_APART, TOLD_APART) or why.startswith(POLICY):
        reason = f"a value tied the records, but {why}"
    elif why:
        reason = "the value that tied the records became generic"
    return _Change("split", person, [person], successors, reason, ties)


def _collect_evidence(
    members: DataFrame, links: DataFrame, survivors: dict[int, str], split: list[str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """(kind, person_id) -> evidence, why a link was refused: for merges by active links, for splits by all."""
    spark = members.sparkSession
    clusters = pa.array(list(survivors), pa.int64())
    heirs = pa.table({"cluster": clusters, "person_id": pa.array(list(survivors.values()), pa.string())})
    of_survivors = members.join(F.broadcast(spark.createDataFrame(heirs)), on="cluster", how="inner")
    priors = F.broadcast(spark.createDataFrame(pa.table({"prior_id": pa.array(split, pa.string())})))
    of_split = members.filter("cluster IS NOT NULL").join(priors, on="prior_id", how="left_semi")
    inside = []
    if survivors:
        part = "coalesce(prior_id, '') part"
        inside.append(of_survivors.selectExpr("record_id", "'merge' kind", "person_id", part))
    if split:
        part = "cast(cluster as string) part"  # a cluster of tonight is one person of tonight
        inside.append(of_split.selectExpr("record_id", "'split' kind", "prior_id person_id", part))
    if not inside:
        return {}
    ties = _ties(inside[0] if len(inside) == 1 else inside[0].unionByName(inside[1]), links)
    return {(row["kind"], row["person_id"]): (row["evidence"], row["why"] or "") for row in ties.collect()}


def _ties(inside: DataFrame, links: DataFrame) -> DataFrame:
    """(kind, person_id, evidence): identifier values that stand in records of different parts of a changed person."""
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
    return per_value.groupBy(*who).agg(F.to_json(listed).alias("evidence"), F.max("why").alias("why"))
