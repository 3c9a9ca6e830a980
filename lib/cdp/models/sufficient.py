"""What the fit needs of a million snapshots: counts of equal purchase histories and of equal purchase values.

Spark counts, the driver fits: unique (x, t_x, age) have the same optimum as one row per person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

VALUE_DIGITS = 3  # mean values are counted to three significant digits: an error of at most 0.5 % in each, 0 on average


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of all people at one as-of date.

    `purchases`: x, t_x, age (weeks), people. `values`: n (purchase days), m (mean net value), people.
    """

    as_of: date
    purchases: pd.DataFrame
    values: pd.DataFrame

    @property
    def n_people(self) -> int:
        """How many people have a purchase day before the as-of date."""
        return int(self.purchases["people"].sum())

    @property
    def history_weeks(self) -> float:
        """Weeks from the very first purchase to the as-of date; 0 without people."""
        return float(self.purchases["age"].max()) if len(self.purchases) else 0.0


def collect_statistics(snapshots: DataFrame, *, as_of_dates: Sequence[date]) -> dict[date, Statistics]:
    """Count equal histories and equal values at each as-of date, with one Spark action for all of them."""
    chosen = snapshots.where(F.col("as_of").isin(*as_of_dates))
    x, day = F.col("repeat_purchases").cast("double"), F.lit(None).cast("double")
    purchases = chosen.groupBy("as_of", x.alias("a"), F.col("recency_weeks").alias("b"), F.col("age_weeks").alias("c"))
    values = chosen.groupBy(
        "as_of", F.col("purchase_days").cast("double").alias("a"), _rounded().alias("b"), day.alias("c")
    )
    both = (
        purchases.agg(F.count(F.lit(1)).alias("people"))
        .withColumn("kind", F.lit("purchases"))
        .unionByName(values.agg(F.count(F.lit(1)).alias("people")).withColumn("kind", F.lit("values")))
    )
    # Sorted: the sums of the likelihood then do not depend on the order in which partitions arrive.
    arrived: pd.DataFrame = both.toPandas()
    collected = arrived.sort_values(["as_of", "kind", "a", "b", "c"], ignore_index=True)
    return {day_: _one_date(collected[collected["as_of"] == day_], day_) for day_ in as_of_dates}


def _rounded() -> Column:
    """`mean_value` to three significant digits (0 and below stay as they are: the fit leaves them out)."""
    value = F.col("mean_value")
    step = F.pow(F.lit(10.0), F.floor(F.log10(value)) - (VALUE_DIGITS - 1))
    return F.when(value > 0, F.round(value / step) * step).otherwise(value)


def _one_date(rows: pd.DataFrame, as_of: date) -> Statistics:
    purchases = rows[rows["kind"] == "purchases"].rename(columns={"a": "x", "b": "t_x", "c": "age"})
    values = rows[rows["kind"] == "values"].rename(columns={"a": "n", "b": "m"})
    return Statistics(
        as_of,
        purchases[["x", "t_x", "age", "people"]].reset_index(drop=True),
        values[["n", "m", "people"]].reset_index(drop=True),
    )
