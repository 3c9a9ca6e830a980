"""Whose record is whose: the map through which every table of silver meets its people."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def person_records(person_identifiers: DataFrame) -> DataFrame:
    """(record_id, person_id), one row per record, from gold.person_identifiers.

    An event or order line belongs to the person of its record_id, so merges and splits never rewrite them.
    """
    of_records = person_identifiers.where(F.col("identifier_type") == "record")
    return of_records.select(F.col("value").alias("record_id"), "person_id")


def joined_records(person_identifiers: DataFrame, *, today: date) -> DataFrame:
    """(record_id, person_id, joined_on), one row per record: whose it is, and since when that was known.

    joined_on is the first as-of date that may know it: as with arrivals what was known by the end of the day counts.
    `today` is the night of the table. That night knows all of it, whatever the clock of a link says (a steward may
    decide after the day that is run), so joined_on is never later.
    """
    of_records = person_identifiers.where(F.col("identifier_type") == "record")
    joined_on = F.least(F.to_date("known_from"), F.lit(today)).alias("joined_on")
    return of_records.select(F.col("value").alias("record_id"), "person_id", joined_on)
