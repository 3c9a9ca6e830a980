"""Whose record is whose: the map through which every table of silver meets its people."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def person_records(person_identifiers: DataFrame) -> DataFrame:
    """(record_id, person_id), one row per record, from gold.person_identifiers.

    An event or order line belongs to the person of its record_id, so merges and splits never rewrite them.
    """
    of_records = person_identifiers.where(F.col("identifier_type") == "record")
    return of_records.select(F.col("value").alias("record_id"), "person_id")
