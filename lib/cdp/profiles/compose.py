"""The golden record: one best row per person, and for each value where it comes from and how sure: gold.profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.contracts.gold.profiles import PROFILES
from cdp.profiles.choose import choose_values, chosen_entry, merge_attributes
from cdp.profiles.confidence import confidence, say
from cdp.profiles.signs import CONTACTS
from cdp.profiles.survivorship import PROFILE_COLUMNS, SurvivorshipPolicy

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ENTRIES = PROFILES.column("chosen").type

#: What a profile says of its person; the other columns say when it came to say so.
CONTENT = tuple(name for name in PROFILES.column_names if name not in ("changed_on", "changed", "made_of"))


def compose_profiles(
    signs: DataFrame, records: DataFrame, customer_records: DataFrame, *, policy: SurvivorshipPolicy
) -> DataFrame:
    """Choose the surviving value of every attribute.

    Grain: one row (`CONTENT` and made_of) per row of `signs`, which is as of :func:`cdp.profiles.signs.gather_signs`;
    people without a customer record, anonymous ones among them, have null attributes. `records` says whose records are
    looked at (record_id, person_id). The newest version of each record counts (ties: greatest landed_id), empty text is
    null. `chosen` names source, record, time, rule and confidence (see :mod:`cdp.profiles.confidence`) of every value
    that is not null; for a key of `attributes` it says `attributes.<key>`. email and phone that no customer record
    states are filled from the person's identifiers (rule `identifier`, the newest, ties: greatest).
    """
    owned = _current_versions(customer_records.join(records, on="record_id", how="inner"))
    newest = F.max("valid_from").over(Window.partitionBy("person_id"))
    owned = owned.withColumn("say", say(F.col("valid_from"), newest))
    composed = choose_values(owned, policy)
    extra = merge_attributes(owned, policy)
    joined = signs.join(composed, on="person_id", how="left").join(extra, on="person_id", how="left")
    return _fill_contacts(joined).select(*CONTENT, "made_of")


def _current_versions(versions: DataFrame) -> DataFrame:
    """One row per record that its source has not deleted: its newest version."""
    columns = ["source", "valid_from", "attributes", *PROFILE_COLUMNS]
    newest = F.max_by(F.struct(*columns, "is_deleted"), F.struct("valid_from", "change_no", "landed_id"))
    current = versions.groupBy("person_id", "record_id").agg(newest.alias("version"))
    current = current.select("person_id", "record_id", "version.*")
    current = current.filter(~F.coalesce("is_deleted", F.lit(False))).drop("is_deleted")
    texts = [name for name in PROFILE_COLUMNS if name != "birth_date"]
    return current.withColumns({name: F.when(F.trim(name) != "", F.trim(name)) for name in texts})


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
