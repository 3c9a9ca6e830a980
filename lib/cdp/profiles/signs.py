"""The signs of a person: when first and last seen, how to be reached, and a mark of all that a profile is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.core.keys import row_mark
from cdp.rules.person_records import person_records

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CONTACTS = ("email", "phone")


def gather_signs(
    people: DataFrame, person_identifiers: DataFrame, customer_records: DataFrame, identifiers: DataFrame
) -> DataFrame:
    """First and last sign of each person, and the newest e-mail and phone that say who they are.

    Grain: one row per active person. first_seen_at and last_seen_at span all records of the person, events included.
    `made_of` is a hash, whatever their order, of all rows that the profile is made of: the versions of the person's
    customer records, the identifiers that the records carry and when, the contacts that are the person's. A record that
    comes, goes, changes or becomes somebody else's gives another mark; nothing gives 0.
    """
    which, columns = ("record_id", "identifier_type", "value"), ("first_seen_at", "last_seen_at")
    told = customer_records.select("record_id", row_mark(*customer_records.columns).alias("mark"))
    seen = identifiers.select("record_id", *columns, row_mark(*which, *columns).alias("mark"))
    of_records = seen.unionByName(told, allowMissingColumns=True)
    signs = of_records.join(person_records(person_identifiers), on="record_id", how="inner").drop("record_id")
    contact = F.struct("valid_from", "value", "source", F.lit(None).cast("string").alias("record_id"))
    contacts = person_identifiers.filter(F.col("identifier_type").isin(*CONTACTS)).select(
        "person_id",
        *[F.when(F.col("identifier_type") == kind, contact).alias(kind) for kind in CONTACTS],
        row_mark("identifier_type", "value", "source", "valid_from").alias("mark"),
    )
    newest = [F.max(kind).alias(f"newest_{kind}") for kind in CONTACTS]
    known = [F.sort_array(F.collect_list(kind)).alias(f"known_{kind}") for kind in CONTACTS]
    gathered = (
        signs.unionByName(contacts, allowMissingColumns=True)
        .groupBy("person_id")
        .agg(
            F.min("first_seen_at").alias("first_seen_at"),
            F.max("last_seen_at").alias("last_seen_at"),
            *newest,
            *known,
            F.bit_xor("mark").alias("made_of"),
        )
    )
    active = people.filter("status = 'active'").select("person_id")
    return active.join(gathered, on="person_id", how="left").withColumn("made_of", F.coalesce("made_of", F.lit(0)))
