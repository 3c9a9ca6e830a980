"""RFM: recency, frequency and monetary value of customers in fifths, and the segment that they add up to.

After Hughes, Strategic Database Marketing (1994): each customer gets 1 (worst) to 5 (best) on each of the
three, by fifths of the customers. Here by cut points, not by rank, so that equal values always get equal
scores; the cut points are stored, and a person's score can be explained and computed again from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.model import Column as ContractColumn

RFM_TRAITS = {"rfm_recency": "last_order_days", "rfm_frequency": "orders_365d", "rfm_monetary": "spend_365d"}
"""Score -> the trait that it cuts into fifths. Recency is a number of days: fewer is better."""

NEWCOMER_TRAIT = "first_order_days"
NEWCOMER_DAYS = 60
QUANTILES = (0.2, 0.4, 0.6, 0.8)

RFM_COLUMNS = (
    ContractColumn("rfm_recency", "INT", "1 (long ago) to 5 (recent); null without an order.", unit="fifths"),
    ContractColumn("rfm_frequency", "INT", "1 (few orders) to 5 (many); null without an order.", unit="fifths"),
    ContractColumn("rfm_monetary", "INT", "1 (low spend) to 5 (high); null without an order.", unit="fifths"),
    ContractColumn("rfm_segment", "STRING", "Name for the three scores; null without an order."),
)


def has_rfm(trait_names: Iterable[str]) -> bool:
    """Whether the traits that RFM is made of are all defined."""
    return {*RFM_TRAITS.values(), NEWCOMER_TRAIT} <= set(trait_names)


def find_thresholds(traits: DataFrame, *, as_of: date) -> DataFrame:
    """gold.trait_thresholds rows: the exact 20, 40, 60 and 80 % points of each RFM trait among customers.

    Customers are people with an order (last_order_days is not null). ``threshold`` is null where there is
    no customer. Exact percentiles hold the distinct values of a trait in one task's memory: a few hundred
    MB at ten million people.
    """
    points = F.array(*(F.lit(q) for q in QUANTILES))
    cuts = traits.where(F.col(RFM_TRAITS["rfm_recency"]).isNotNull()).agg(
        *(F.percentile(F.col(trait).cast("double"), points).alias(trait) for trait in RFM_TRAITS.values())
    )
    rows = [
        F.struct(
            F.lit(trait).alias("trait"),
            F.lit(as_of).cast("date").alias("as_of"),
            F.lit(quantile).alias("quantile"),
            F.get(F.col(trait), F.lit(position)).alias("threshold"),
        )
        for trait in sorted(RFM_TRAITS.values())
        for position, quantile in enumerate(QUANTILES)
    ]
    return cuts.select(F.inline(F.array(*rows)))


def score_rfm(traits: DataFrame, thresholds: DataFrame) -> DataFrame:
    """``traits`` with the columns of :data:`RFM_COLUMNS` at the end; null for people without an order.

    A value gets one point plus one for each cut point that it lies above (recency: minus); a value on a cut
    point counts as below it. ``thresholds`` are the twelve rows of one as-of date, this night's or an older.
    """
    cuts = thresholds.groupBy().agg(
        *(
            F.array_sort(F.collect_list(F.when(F.col("trait") == trait, F.col("threshold")))).alias(f"_{trait}")
            for trait in RFM_TRAITS.values()
        )
    )
    is_customer = F.col(RFM_TRAITS["rfm_recency"]).isNotNull()
    scores = [F.when(is_customer, _score(score, trait)).alias(score) for score, trait in RFM_TRAITS.items()]
    scored = traits.crossJoin(F.broadcast(cuts)).select(*(F.col(c) for c in traits.columns), *scores)
    return scored.withColumn("rfm_segment", F.when(is_customer, _segment()))


def _score(score: str, trait: str) -> Column:
    value = F.coalesce(F.col(trait).cast("double"), F.lit(0.0))
    n_above = F.size(F.filter(F.col(f"_{trait}"), lambda cut: value > cut))
    return (F.lit(5) - n_above if score == "rfm_recency" else F.lit(1) + n_above).cast("int")


def _segment() -> Column:
    """The first name that fits, from the best to the lost; newcomers before all, as they cannot be loyal yet."""
    recency, frequency, monetary = (F.col(name) for name in RFM_TRAITS)
    return (
        F.when(F.col(NEWCOMER_TRAIT) <= NEWCOMER_DAYS, "new")
        .when((recency >= 4) & (frequency >= 4) & (monetary >= 4), "champions")
        .when((recency >= 3) & (frequency >= 4), "loyal")
        .when((recency >= 3) & (monetary >= 4), "big_spenders")
        .when(recency >= 4, "promising")
        .when(recency == 3, "needs_attention")
        .when((frequency >= 3) | (monetary >= 4), "at_risk")
        .when(recency == 2, "hibernating")
        .otherwise("lost")
    )
