"""The golden record: one best row per person, and for each value where it comes from: gold.profiles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.contracts.gold.profiles import PROFILES
from cdp.profiles.retention import rows_in_time
from cdp.profiles.survivorship import PROFILE_COLUMNS, AttributeGroup, SurvivorshipPolicy
from cdp.rules.person_records import person_records

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ENTRY = "STRUCT<attribute: STRING, source: STRING, record_id: STRING, valid_from: TIMESTAMP, rule: STRING>"


def compose_profiles(
    people: DataFrame,
    person_identifiers: DataFrame,
    customer_records: DataFrame,
    identifiers: DataFrame,
    *,
    policy: SurvivorshipPolicy,
    run_date: date,
    retention: Mapping[str, int] | None = None,
) -> DataFrame:
    """Choose the surviving value of every attribute.

    Grain: one row per active person; people without a customer record, anonymous ones among them, have null
    attributes. The newest version of each record counts (ties: greatest landed_id), empty text is null. `chosen`
    names source, record, time and rule of every value that is not null; for a key of `attributes` it says
    `attributes.<key>`. email and phone that no customer record states are filled from the person's identifiers
    (rule `identifier`, the newest, ties: smallest). first_seen_at and last_seen_at span all records of the person,
    events included. `retention` gives days per source: a version that was received longer before run_date is not
    used.
    """
    records = person_records(person_identifiers)
    current = _current_versions(customer_records, run_date=run_date, retention=retention or {})
    owned = current.join(records, on="record_id", how="inner")
    composed = _choose(owned, policy)
    extra = _merge_attributes(owned, policy)
    seen = _seen_and_reached(identifiers, records, person_identifiers)
    joined = (
        people.filter("status = 'active'")
        .select("person_id")
        .join(composed, on="person_id", how="left")
        .join(extra, on="person_id", how="left")
        .join(seen, on="person_id", how="left")
    )
    return _fill_contacts(joined).select(*PROFILES.column_names)


def _current_versions(customer_records: DataFrame, *, run_date: date, retention: Mapping[str, int]) -> DataFrame:
    """One row per record that its source has not deleted: its newest version, if the source still allows its use."""
    kept = rows_in_time(customer_records, retention=retention, run_date=run_date)
    columns = ["source", "valid_from", "attributes", *PROFILE_COLUMNS]
    newest = F.max_by(F.struct(*columns, "is_deleted"), F.struct("valid_from", "change_no", "landed_id"))
    versions = kept.groupBy("record_id").agg(newest.alias("version")).select("record_id", "version.*")
    versions = versions.filter(~F.coalesce("is_deleted", F.lit(False))).drop("is_deleted")
    texts = [name for name in PROFILE_COLUMNS if name != "birth_date"]
    return versions.withColumns({name: F.when(F.trim(name) != "", F.trim(name)) for name in texts})


def _precedence(
    policy: SurvivorshipPolicy, group: AttributeGroup | None = None, frequency: str | None = None
) -> Column:
    """What the winner is the greatest of: own data before bought data, then as the rule says."""
    place = F.lit(-len(policy.source_priority))
    for position, source in enumerate(policy.source_priority):
        place = F.when(F.col("source") == source, F.lit(-position)).otherwise(place)
    own = ~F.col("source").isin(*policy.fill_only) if policy.fill_only else F.lit(True)
    time: Column = F.col("valid_from")
    if group is not None and group.rule == "source_priority":
        order = [place, time]
    elif frequency is not None:
        order = [F.col(frequency), time, place]
    else:
        order = [time, place]
    named = [part.alias(f"o{i}") for i, part in enumerate([own, *order])]
    return F.struct(*named, F.col("record_id").alias("tie"))


def _choose(owned: DataFrame, policy: SurvivorshipPolicy) -> DataFrame:
    """One row per person: the columns of each group from its winning record, `chosen` and n_records."""
    counted, picks = owned, []
    for name, group in sorted(policy.groups.items()):
        offers = _offers(group)
        frequency = None
        if group.rule == "most_frequent":
            frequency = f"n_{name}"
            same = Window.partitionBy("person_id", *group.columns)
            counted = counted.withColumn(frequency, F.count(F.when(offers, 1)).over(same))
        value = F.struct(*group.columns, "source", "record_id", "valid_from")
        winner = F.max_by(F.when(offers, value), F.when(offers, _precedence(policy, group, frequency)))
        picks.append(winner.alias(f"best_{name}"))
    best = counted.groupBy("person_id").agg(*picks, F.count(F.lit(1)).alias("n_records"))
    values = [F.col(f"best_{name}.{c}").alias(c) for name, group in policy.groups.items() for c in group.columns]
    entries = [_entry(c, f"best_{name}", group.rule) for name, group in policy.groups.items() for c in group.columns]
    return best.select("person_id", "n_records", *values, F.array_compact(F.array(*entries)).alias("entries"))


def _offers(group: AttributeGroup) -> Column:
    """Whether a record has something to say on the group."""
    result = F.coalesce(*[F.col(c).cast("string") for c in group.columns]).isNotNull()
    for column in group.requires:
        result = result & F.col(column).isNotNull()
    return result


def _entry(column: str, best: str, rule: str) -> Column:
    found = F.struct(
        F.lit(column).alias("attribute"),
        F.col(f"{best}.source").alias("source"),
        F.col(f"{best}.record_id").alias("record_id"),
        F.col(f"{best}.valid_from").alias("valid_from"),
        F.lit(rule).alias("rule"),
    )
    return F.when(F.col(f"{best}.{column}").isNotNull(), found)


def _merge_attributes(owned: DataFrame, policy: SurvivorshipPolicy) -> DataFrame:
    """One row per person: all keys of the records' JSON objects, each from its winning record, values as they were."""
    parsed = F.try_parse_json("attributes")
    pairs = owned.filter("attributes IS NOT NULL").select(
        "person_id",
        "record_id",
        "source",
        "valid_from",
        F.explode(F.from_json(F.to_json(parsed), "MAP<STRING, VARIANT>")).alias("key", "value"),
    )
    text = F.to_json("value")
    order = _precedence(policy)
    winners = (
        pairs.select("person_id", "key", text.alias("text"), "source", "record_id", "valid_from", order.alias("order"))
        .filter("text IS NOT NULL AND text <> 'null' AND text <> '\"\"'")
        .groupBy("person_id", "key")
        .agg(F.max_by(F.struct("text", "source", "record_id", "valid_from"), "order").alias("best"))
    )
    member = F.concat(
        F.to_json(F.array("key")).substr(F.lit(2), F.length(F.to_json(F.array("key"))) - 2), F.lit(":"), "best.text"
    )
    entry = F.struct(
        F.concat(F.lit("attributes."), "key").alias("attribute"),
        "best.source",
        "best.record_id",
        "best.valid_from",
        F.lit("most_recent").alias("rule"),
    )
    return winners.groupBy("person_id").agg(
        F.concat(F.lit("{"), F.array_join(F.sort_array(F.collect_list(member)), ","), F.lit("}")).alias("attributes"),
        F.collect_list(entry).alias("attribute_entries"),
    )


def _seen_and_reached(identifiers: DataFrame, records: DataFrame, person_identifiers: DataFrame) -> DataFrame:
    """One row per person: first and last sign of them, and the newest e-mail and phone that say who they are."""
    signs = identifiers.join(records, on="record_id", how="inner").select("person_id", "first_seen_at", "last_seen_at")
    contact = F.struct("valid_from", "value", "source")
    contacts = person_identifiers.filter("identifier_type IN ('email', 'phone')").select(
        "person_id", *[F.when(F.col("identifier_type") == kind, contact).alias(kind) for kind in ("email", "phone")]
    )
    return (
        signs.unionByName(contacts, allowMissingColumns=True)
        .groupBy("person_id")
        .agg(
            F.min("first_seen_at").alias("first_seen_at"),
            F.max("last_seen_at").alias("last_seen_at"),
            F.max("email").alias("newest_email"),
            F.max("phone").alias("newest_phone"),
        )
    )


def _fill_contacts(joined: DataFrame) -> DataFrame:
    """Fill e-mail and phone from identifiers, put the entries of `chosen` together, count 0 instead of null."""
    none = F.array().cast(f"ARRAY<{_ENTRY}>")
    entries: list[Column] = [
        F.coalesce("entries", none),
        F.coalesce(F.col("attribute_entries").cast(f"ARRAY<{_ENTRY}>"), none),
    ]
    for column in ("email", "phone"):
        filled = F.when(F.col(column).isNull(), _entry_of_identifier(column))
        entries.append(F.array_compact(F.array(filled)))
    return joined.withColumn("chosen", F.sort_array(F.concat(*entries))).withColumns(
        {
            "email": F.coalesce("email", "newest_email.value"),
            "phone": F.coalesce("phone", "newest_phone.value"),
            "n_records": F.coalesce("n_records", F.lit(0).cast("bigint")),
        }
    )


def _entry_of_identifier(column: str) -> Column:
    newest = F.col(f"newest_{column}")
    parts = [F.lit(column), newest["source"], F.lit(None).cast("string"), newest["valid_from"], F.lit("identifier")]
    names = ("attribute", "source", "record_id", "valid_from", "rule")
    entry = F.struct(*[part.alias(name) for part, name in zip(parts, names, strict=True)])
    return F.when(newest.isNotNull(), entry)
