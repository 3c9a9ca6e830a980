"""What was merged, split and retired tonight, and what speaks for it: ops.identity_history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.core.keys import hashed_key
from cdp.identity.matching import Decisions
from cdp.identity.naming import heirs_by_person

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
    that tie records of different predecessors, or that tied records of different successors until their value
    became generic; empty when the value or its record is gone altogether.

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


def _merge(person: str, others: list[str], evidence: dict[tuple[str, str], str]) -> _Change:
    reason = "an identifier value ties their records"
    predecessors = sorted({*others, person})
    return _Change("merge", person, predecessors, [person], reason, evidence.get(("merge", person), "[]"))


def _split(person: str, successors: list[str], evidence: dict[tuple[str, str], str]) -> _Change:
    found = evidence.get(("split", person))
    generic, gone = (
        "the value that tied the records became generic",
        "the record or value that tied the records is gone",
    )
    return _Change("split", person, [person], successors, generic if found else gone, found or "[]")


def _collect_evidence(
    members: DataFrame, links: DataFrame, survivors: dict[int, str], split: list[str]
) -> dict[tuple[str, str], str]:
    """(kind, person_id) -> evidence: for merges by active links, for splits by links that are not active any more."""
    spark = members.sparkSession
    clusters = pa.array(list(survivors), pa.int64())
    heirs = pa.table({"cluster": clusters, "person_id": pa.array(list(survivors.values()), pa.string())})
    of_survivors = members.join(F.broadcast(spark.createDataFrame(heirs)), on="cluster", how="inner")
    priors = F.broadcast(spark.createDataFrame(pa.table({"prior_id": pa.array(split, pa.string())})))
    of_split = members.filter("cluster IS NOT NULL").join(priors, on="prior_id", how="left_semi")
    inside = []
    if survivors:
        part = "coalesce(prior_id, '') part"
        inside.append(of_survivors.selectExpr("record_id", "'merge' kind", "true is_active", "person_id", part))
    if split:
        part = "cast(cluster as string) part"  # a cluster of tonight is one person of tonight
        inside.append(of_split.selectExpr("record_id", "'split' kind", "false is_active", "prior_id person_id", part))
    if not inside:
        return {}
    ties = _ties(inside[0] if len(inside) == 1 else inside[0].unionByName(inside[1]), links)
    return {(row["kind"], row["person_id"]): row["evidence"] for row in ties.collect()}


def _ties(inside: DataFrame, links: DataFrame) -> DataFrame:
    """(kind, person_id, evidence): identifier values that stand in records of different parts of a changed person."""
    who = ("kind", "person_id")
    per_value = (
        links.select("record_id", "is_active", "identifier_type", "value")
        .join(inside, on=["record_id", "is_active"], how="inner")
        .groupBy(*who, "identifier_type", "value")
        .agg(
            F.count_distinct("part").alias("n_parts"),
            F.slice(F.sort_array(F.collect_set("record_id")), 1, _MAX_RECORDS).alias("records"),
        )
        .filter("n_parts > 1")
    )
    tie = F.struct(F.col("identifier_type").alias("type"), "records")
    listed = F.slice(F.sort_array(F.collect_list(tie)), 1, _MAX_TIES)
    return per_value.groupBy(*who).agg(F.to_json(listed).alias("evidence"))
