"""The golden record: one best row per person, and for each value where it comes from and how sure: gold.profiles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.contracts.gold.profiles import PROFILES
from cdp.profiles.choose import choose_values, chosen_entry, merge_attributes
from cdp.profiles.confidence import confidence, say
from cdp.profiles.retention import rows_in_time
from cdp.profiles.survivorship import PROFILE_COLUMNS, SurvivorshipPolicy
from cdp.rules.person_records import person_records

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CONTACTS = ("email", "phone")
_ENTRIES = PROFILES.column("chosen").type


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
    names source, record, time, rule and confidence (see :mod:`cdp.profiles.confidence`) of every value that is not
    null; for a key of `attributes` it says `attributes.<key>`. email and phone that no customer record states are
    filled from the person's identifiers (rule `identifier`, the newest, ties: greatest). first_seen_at and
    last_seen_at span all records of the person, events included. `retention` gives days per source: a version that
    was received longer before run_date is not used.
    """
    records = person_records(person_identifiers)
    current = _current_versions(customer_records, run_date=run_date, retention=retention or {})
    owned = current.join(records, on="record_id", how="inner")
    newest = F.max("valid_from").over(Window.partitionBy("person_id"))
    owned = owned.withColumn("say", say(F.col("valid_from"), newest))
    composed = choose_values(owned, policy)
    extra = merge_attributes(owned, policy)
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


def _seen_and_reached(identifiers: DataFrame, records: DataFrame, person_identifiers: DataFrame) -> DataFrame:
    """One row per person: first and last sign of them, and the newest e-mail and phone that say who they are."""
    signs = identifiers.join(records, on="record_id", how="inner").select("person_id", "first_seen_at", "last_seen_at")
    contact = F.struct("valid_from", "value", "source", F.lit(None).cast("string").alias("record_id"))
    contacts = person_identifiers.filter(F.col("identifier_type").isin(*CONTACTS)).select(
        "person_id", *[F.when(F.col("identifier_type") == kind, contact).alias(kind) for kind in CONTACTS]
    )
    newest = [F.max(kind).alias(f"newest_{kind}") for kind in CONTACTS]
    known = [F.sort_array(F.collect_list(kind)).alias(f"known_{kind}") for kind in CONTACTS]
    return (
        signs.unionByName(contacts, allowMissingColumns=True)
        .groupBy("person_id")
        .agg(
            F.min("first_seen_at").alias("first_seen_at"),
            F.max("last_seen_at").alias("last_seen_at"),
            *newest,
            *known,
        )
    )


def _fill_contacts(joined: DataFrame) -> DataFrame:
    """Fill e-mail and phone from identifiers, put the entries of `chosen` together, count 0 instead of null."""
    none = F.array().cast(_ENTRIES)
    entries: list[Column] = [
        F.coalesce("entries", none),
        F.coalesce(F.col("attribute_entries").cast(_ENTRIES), none),
    ]
    for column in CONTACTS:
        entries.append(F.array_compact(F.array(F.when(F.col(column).isNull(), _entry_of_identifier(column)))))
    return joined.withColumn("chosen", F.sort_array(F.concat(*entries))).withColumns(
        {
            **{column: F.coalesce(column, f"newest_{column}.value") for column in CONTACTS},
            "n_records": F.coalesce("n_records", F.lit(0).cast("bigint")),
        }
    )


def _entry_of_identifier(column: str) -> Column:
    """The entry of a value that an identifier gives; each value that identifies the person is one source's word."""
    newest = F.col(f"newest_{column}")
    votes = F.transform(
        f"known_{column}",
        lambda known: F.struct(
            F.coalesce(known["source"], F.lit("")).alias("source"),
            F.lit(1.0).alias("weight"),
            (known["value"] == newest["value"]).alias("agrees"),
        ),
    )
    entry = chosen_entry(F.lit(column), newest, "identifier", confidence(votes))
    return F.when(newest.isNotNull(), entry)
