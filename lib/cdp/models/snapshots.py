"""Snapshots: what a model may know about a person's purchases on a given day, and nothing that came later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.model import TableContract

ARRIVAL_DAYS = 1  # the delivery of as-of day D arrives in the morning of D, so arrivals up to the end of D are known


def build_snapshots(order_lines: DataFrame, person_records: DataFrame, *, as_of_dates: Sequence[date]) -> DataFrame:
    """Purchase history of each person at each as-of date: rows of gold.snapshots, grain (person_id, as_of).

    `person_records` is (record_id, person_id, joined_on), one row per record: whose it is, and the first as-of date
    that knew it. A line counts at as-of date D when it was ordered before D 00:00 UTC and received before D + 1 00:00
    UTC (`ARRIVAL_DAYS`), and its record had joined the person by D.
    A purchase day is a UTC day with positive net spend of the person; cancelled lines never count, returns lower the
    net of the day on which they are booked. `spend` is the net of all days, returned goods included, and `mean_value`
    is spend per purchase day: it can be 0 or negative for people who returned what they had bought on other days.
    Times are in weeks (days / 7). People without a purchase day before D have no row.

    All as-of dates are made in one pass over the order lines.
    """
    daily = purchase_pieces(order_lines, person_records, until=max(as_of_dates))
    cuts = F.array(*[F.lit(d) for d in sorted(set(as_of_dates))])
    at_cut = (
        daily.withColumn("as_of", F.explode(F.filter(cuts, lambda cut: cut >= F.col("visible_from"))))
        .groupBy("person_id", "as_of", "day")
        .agg(F.sum("amount").alias("amount"), F.max("bought_at").alias("bought_at"))
    )
    return _purchase_history(at_cut).select(*SNAPSHOTS.column_names)


def add_features(snapshots: DataFrame, traits: DataFrame, *, contract: TableContract) -> DataFrame:
    """The rows of `build_snapshots` with the features of the `contract`, from gold.traits as of the same day.

    Traits of another day are no features of this one: Spark stops on the first such row.
    """
    names = [name for name in contract.column_names if name not in snapshots.columns]
    its = traits.select("person_id", F.col("as_of").alias("_as_of"), *names)
    other_day = F.raise_error(F.lit("gold.traits is as of another day: run traits.compute_traits for this one first"))
    is_other = F.col("_as_of").isNotNull() & (F.col("_as_of") != F.col("as_of"))
    joined = snapshots.join(its, on="person_id", how="left")
    checked = joined.withColumn("as_of", F.when(is_other, other_day.cast("date")).otherwise(F.col("as_of")))
    return checked.select(*contract.column_names)


def purchase_pieces(order_lines: DataFrame, person_records: DataFrame, *, until: date) -> DataFrame:
    """What was told at one time of a person's day: (person_id, day, visible_from), net `amount` and `bought_at`.

    The rules are those of `build_snapshots`; `visible_from` is the first as-of date that may know, up to `until`.
    """
    is_visible = F.col("visible_from") <= F.lit(until)
    lines = (
        order_lines.where(~F.coalesce("is_cancelled", F.lit(False)) & F.col("record_id").isNotNull())
        .select("record_id", "ordered_at", "amount", F.to_date("ordered_at").alias("day"), _visible_from())
        .where(is_visible)
        .join(person_records.select("record_id", "person_id", "joined_on"), on="record_id", how="inner")
        .withColumn("visible_from", F.greatest("visible_from", "joined_on"))
        .where(is_visible)
        .repartition("person_id")  # one shuffle serves all groupings behind it: each of them contains person_id
    )
    return lines.groupBy("person_id", "day", "visible_from").agg(
        F.sum("amount").alias("amount"),
        F.max(F.when(F.col("amount") > 0, F.col("ordered_at"))).alias("bought_at"),
    )


def _visible_from() -> Column:
    """The first as-of date that may know the line, whosever it is."""
    after_order = F.date_add(F.to_date("ordered_at"), 1)
    after_arrival = F.date_add(F.to_date("received_at"), 1 - ARRIVAL_DAYS)
    return F.greatest(after_order, after_arrival).alias("visible_from")


def _purchase_history(days: DataFrame) -> DataFrame:
    """Fold (person_id, as_of, day, amount, bought_at) into one row per person and as-of date."""
    bought = F.col("amount") > 0
    first, last = F.min(F.when(bought, F.col("day"))), F.max(F.when(bought, F.col("day")))
    return (
        days.groupBy("person_id", "as_of")
        .agg(
            F.count(F.when(bought, F.lit(1))).alias("purchase_days"),
            F.sum("amount").cast("double").alias("spend"),
            F.max(F.when(bought, F.col("bought_at"))).alias("last_purchase_at"),
            first.alias("first_day"),
            last.alias("last_day"),
            F.sort_array(
                F.collect_list(F.when(bought, F.struct("day", F.col("amount").cast("double").alias("amount"))))
            ).alias("days"),
        )
        .where(F.col("purchase_days") > 0)
        .withColumns(
            {
                "repeat_purchases": F.col("purchase_days") - 1,
                "recency_weeks": F.datediff("last_day", "first_day") / 7.0,
                "age_weeks": F.datediff("as_of", "first_day") / 7.0,
                "mean_value": F.col("spend") / F.col("purchase_days"),
                "purchase_dates": F.col("days.day"),
                "purchase_amounts": F.col("days.amount"),
            }
        )
    )
