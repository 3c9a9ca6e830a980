"""The later period: what people known at a past cut did afterwards, beside what a model may know at the cut."""

from __future__ import annotations

from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.models.value import INPUTS

MAX_PEOPLE = 200_000  # metrics of a sample this large are good to three digits; it is 16 MB on the driver


def collect_holdout(
    snapshots: DataFrame, *, before: date, cut: date, end: date, max_people: int = MAX_PEOPLE
) -> pd.DataFrame:
    """One row per person who had bought before `cut`: the inputs at the cut, and purchases and spend in [cut, end).

    Columns: `INPUTS`, actual_purchases (purchase days), actual_spend (net of returns), last_purchases and last_spend
    (the same in [before, cut), the period of equal length that the simplest forecast repeats; people without a purchase
    before `before` count from zero). No person ids. Above `max_people` a sample by hash of the person id is taken.
    """
    at = {"before": before, "cut": cut, "end": end}
    wanted = {
        **{f"cut_{c}": _at(cut, c) for c in INPUTS},
        **{f"{when}_{c}": _at(day, c) for when, day in at.items() for c in ("purchase_days", "spend")},
    }
    people = (
        snapshots.where(F.col("as_of").isin(*at.values()))
        .groupBy("person_id")
        .agg(*(column.alias(name) for name, column in wanted.items()))
        .where(F.col("cut_purchase_days").isNotNull())
        .orderBy(F.xxhash64("person_id"), "person_id")
        .limit(max_people)
    )
    return people.select(
        *(F.col(f"cut_{c}").alias(c) for c in INPUTS),
        # A return that became known after the cut can undo a purchase of before: never below zero.
        F.greatest(_gain("end", "cut", "purchase_days"), F.lit(0.0)).alias("actual_purchases"),
        _gain("end", "cut", "spend").alias("actual_spend"),
        F.greatest(_gain("cut", "before", "purchase_days"), F.lit(0.0)).alias("last_purchases"),
        _gain("cut", "before", "spend").alias("last_spend"),
    ).toPandas()


def _at(day: date, column: str) -> Column:
    return F.max(F.when(F.col("as_of") == F.lit(day), F.col(column).cast("double")))


def _gain(later: str, earlier: str, column: str) -> Column:
    return F.coalesce(F.col(f"{later}_{column}"), F.lit(0.0)) - F.coalesce(F.col(f"{earlier}_{column}"), F.lit(0.0))
