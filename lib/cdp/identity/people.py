"""Resolve links into people whose ids stay the same from night to night.

A cluster of records is matched with the people of last night; a cluster without a match is a new person, a person
without one is merged or retired. The data alone decide: the order of rows and the number of partitions change
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.core.hold import hold, release
from cdp.identity.components import DEFAULT_DRIVER_EDGE_LIMIT
from cdp.identity.graph import RECORD, IdentityGraph, connect_links
from cdp.identity.history import describe_changes
from cdp.identity.matching import (
    DEFAULT_DRIVER_PAIR_LIMIT,
    Decisions,
    decide_rivals,
    find_rivals,
    pair_clusters,
    refuse_upheaval,
    return_merged,
)
from cdp.identity.naming import close_ids, name_clusters
from cdp.identity.person_ids import MakePersonIds
from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class PeopleResult:
    """The three tables of one night; `release` frees what was cached for them, once all are written."""

    people: DataFrame
    person_identifiers: DataFrame
    history: DataFrame
    _cached: tuple[DataFrame, ...] = field(default=(), repr=False)

    def release(self) -> None:
        """Give the cached intermediate frames back."""
        for frame in self._cached:
            release(frame)


def resolve_people(
    links: DataFrame,
    identifiers: DataFrame,
    customer_records: DataFrame,
    previous_people: DataFrame,
    previous_person_identifiers: DataFrame,
    *,
    rules: IdentityRules,
    run_date: date,
    make_person_ids: MakePersonIds,
    driver_edge_limit: int = DEFAULT_DRIVER_EDGE_LIMIT,
    driver_pair_limit: int = DEFAULT_DRIVER_PAIR_LIMIT,
    most_changed: float = 1.0,
) -> PeopleResult:
    """Make one person of every cluster of linked records, under the id of last night where there is one.

    people: one row per person id ever given. born_on is the day on which the company first knew of the person's
    anchor record, the oldest record at birth; on a merge the person with the oldest born_on survives and the others
    get status merged and merged_into; on a split the part with the anchor record keeps the id, else the part with
    most records, and of the others a person who had been merged into it is back under the old id. Without a record
    left a person is retired; status_since is the night of that. An id is never given to anybody else.
    person_identifiers: one row per record (type `record`) and per value with an active link; known_from is when the
    company first knew that it is this person's, by the links of tonight: the part of the person that was known
    first is the person, the rest joined it. history: what was merged, split and retired tonight; nothing when
    `previous_*` is this night's own result. The frames of last night are empty on the first night. ContractError
    when more than the share `most_changed` of last night's people would be merged, split or retired.
    """
    profiles = customer_records.selectExpr(
        "record_id", "source", "valid_from", "coalesce(received_at, valid_from) known_from"
    )
    graph = connect_links(links, [identifiers, profiles], profiles, driver_edge_limit=driver_edge_limit)
    parts = _record_rows_of(identifiers, profiles, previous_people, previous_person_identifiers)
    records = _one_row_per_record(graph.gather(parts))
    labelled = graph.label(records, F.lit(RECORD), F.col("record_id"))
    own = graph.node(F.lit(RECORD), F.col("record_id"))
    members = hold(labelled.withColumn("cluster", F.when(F.col("is_present"), F.coalesce("cluster", own))))
    pairs = hold(pair_clusters(graph.gather(members)))
    is_first = previous_people.isEmpty()
    before = graph.gather(previous_people)
    decisions: Decisions | None = None
    if not is_first:
        limits = {"driver_pair_limit": driver_pair_limit, "driver_edge_limit": driver_edge_limit}
        decisions = decide_rivals(find_rivals(graph.gather(pairs), before), **limits, near=graph.near)
    if decisions is not None:
        refuse_upheaval(decisions, before, most_changed)
        decisions = return_merged(decisions, graph.gather(members), before)
    prior = None if is_first else before
    named = hold(
        name_clusters(graph.gather(pairs), decisions, prior, run_date=run_date, make_person_ids=make_person_ids)
    )
    names = graph.gather(named)
    assigned = graph.gather(members).join(names.select("cluster", "person_id"), on="cluster", how="inner")
    held = hold(_held_identifiers(graph, names, identifiers, rules))
    active = _active_people(names, graph.gather(held), rules)
    people = active if is_first else active.unionByName(close_ids(before, decisions, names))
    return PeopleResult(
        people=graph.gather(_date_status(people, before, run_date)),
        person_identifiers=graph.gather(_record_rows(assigned).unionByName(held)),
        history=describe_changes(graph.gather(members), links, decisions, names, run_date=run_date),
        _cached=(members, pairs, named, held, *(decisions.held if decisions else ())),
    )


def _record_rows_of(
    identifiers: DataFrame,
    profiles: DataFrame,
    previous_people: DataFrame,
    previous_person_identifiers: DataFrame,
) -> DataFrame:
    """What tonight's and last night's tables say of each record: one union instead of four joins."""
    carriers = identifiers.selectExpr("record_id", "source", "first_seen_at", "known_from", "true is_present")
    customers = profiles.selectExpr(
        "record_id", "source", "valid_from first_seen_at", "known_from", "true is_present", "true is_customer"
    )
    held = previous_person_identifiers.filter((F.col("identifier_type") == RECORD) & F.col("known_to").isNull())
    anchors = previous_people.filter("status = 'active'")
    parts = [
        carriers,
        customers,
        held.selectExpr("value record_id", "person_id prior_id"),
        anchors.selectExpr("anchor_record_id record_id", "person_id anchor_of", "born_on"),
    ]
    union = parts[0]
    for part in parts[1:]:
        union = union.unionByName(part, allowMissingColumns=True)
    return union


def _one_row_per_record(parts: DataFrame) -> DataFrame:
    """One row per record of tonight or of last night.

    is_present: it is there tonight; is_customer: it is a customer record; prior_id: whose it was last night;
    anchor_of and born_on: the person whose id was made from it, and when that person was born.
    """
    return parts.groupBy("record_id").agg(
        F.min("source").alias("source"),
        F.min("first_seen_at").alias("first_seen_at"),
        F.min("known_from").alias("known_from"),
        F.coalesce(F.max("is_present"), F.lit(False)).alias("is_present"),
        F.coalesce(F.max("is_customer"), F.lit(False)).alias("is_customer"),
        F.max("prior_id").alias("prior_id"),
        F.max("anchor_of").alias("anchor_of"),
        F.max("born_on").alias("born_on"),
    )


_PERSON_IDENTIFIER = (
    "identifier_type",
    "value",
    "person_id",
    "source",
    "valid_from",
    "cast(null as timestamp) valid_to",
    "known_from",
    "cast(null as timestamp) known_to",
)


def _record_rows(assigned: DataFrame) -> DataFrame:
    named = assigned.selectExpr(
        f"'{RECORD}' identifier_type",
        "record_id value",
        "person_id",
        "source",
        "first_seen_at valid_from",
        "greatest(known_from, joined_at) known_from",
    )
    return named.selectExpr(*_PERSON_IDENTIFIER)


def _held_identifiers(
    graph: IdentityGraph, named: DataFrame, identifiers: DataFrame, rules: IdentityRules
) -> DataFrame:
    """One row per identifier value with an active link: all its records are in one cluster, so it has one person."""
    values = (
        graph.gather(identifiers.filter(F.col("identifier_type").isin(*sorted(rules.links))))
        .groupBy("identifier_type", "value")
        .agg(
            F.min("source").alias("source"),
            F.min("first_seen_at").alias("valid_from"),
        )
    )
    return (
        graph.label(values, F.col("identifier_type"), F.col("value"))
        .withColumnRenamed("joined_at", "known_from")
        .join(named.select("cluster", "person_id"), on="cluster", how="inner")
        .selectExpr(*_PERSON_IDENTIFIER)
    )


def _active_people(named: DataFrame, held: DataFrame, rules: IdentityRules) -> DataFrame:
    counted = held.groupBy("person_id").agg(
        F.count(F.lit(1)).alias("n_identifiers"),
        F.max(F.col("identifier_type").isin(*rules.known_types)).alias("is_named"),
    )
    return named.join(counted, on="person_id", how="left").select(
        "person_id",
        "born_on",
        "anchor_record_id",
        "n_records",
        F.coalesce("n_identifiers", F.lit(0).cast("bigint")).alias("n_identifiers"),
        (F.col("is_customer") | F.coalesce("is_named", F.lit(False))).alias("is_known"),
        F.lit("active").alias("status"),
        F.lit(None).cast("string").alias("merged_into"),
    )


def _date_status(people: DataFrame, before: DataFrame, run_date: date) -> DataFrame:
    """Add status_since: tonight where last night's row of the id had another status or survivor, or was not there."""
    told = ("status", "merged_into")
    was = before.select("person_id", F.struct(*told, "status_since").alias("was"))
    joined = people.join(was, on="person_id", how="left")
    stays = F.col("was").isNotNull()
    for name in told:
        stays = stays & F.col(name).eqNullSafe(F.col(f"was.{name}"))
    since = F.when(stays, F.col("was.status_since")).otherwise(F.lit(run_date))
    return joined.withColumn("status_since", since).drop("was")
