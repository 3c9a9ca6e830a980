"""How far a person's records agree on a value: the confidence of what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

HALF_LIFE_DAYS = 365
"""A record that is this much older than the person's newest one has half a say on what changes with time."""

# A year of nought in a source must not make a weight that is no number; beyond ten half-lives all is equally old.
_MOST_HALF_LIVES = 10.0


def say(valid_from: Column, newest: Column) -> Column:
    """How much a record has to say on what changes with time, 2^-10 to 1: halved for each year before ``newest``."""
    days = F.date_diff(newest.cast("date"), valid_from.cast("date"))
    half_lives = days / F.lit(float(HALF_LIFE_DAYS))
    return F.pow(F.lit(0.5), F.least(half_lives, F.lit(_MOST_HALF_LIVES)))


def confidence(votes: Column) -> Column:
    """How far the sources agree on a chosen value, a double above 0 and below 1, rounded to three places.

    ``votes``: array of struct<source, weight, agrees>, one for each record of the person that states the attribute;
    at least one, weights above 0. A source is heard once: its newest record gives its strength s, the weighted
    share of its records that agree gives its answer a, so that five copies in one system are one witness. The figure
    is (sum of s a + 1/2) / (sum of s + 1): the mean of the share of sources that would say so, after these have
    been heard, under Jeffreys' prior (the estimator of Krichevsky and Trofimov, IEEE Trans. Inf. Theory 27, 1981).
    One source alone: 0.75; two that agree 0.833, five 0.917; two that contradict each other 0.5; one against two 0.375.

    It says how well a value is attested, for a steward to sort by. It does not say that the value is true (sources
    may copy from each other), that the records are one person (see the links), or that an address can be reached.
    """

    def by_source(votes: Column) -> Column:
        sources = F.array_distinct(F.transform(votes, lambda vote: vote["source"]))
        return F.transform(sources, lambda source: F.filter(votes, lambda vote: vote["source"] == source))

    def hear(heard: Column, own: Column) -> Column:
        strength = F.array_max(F.transform(own, lambda vote: vote["weight"]))
        agreed = _sum(own, lambda vote: F.when(vote["agrees"], vote["weight"]).otherwise(0.0))
        answer = agreed / _sum(own, lambda vote: vote["weight"])
        return F.struct((heard["agreed"] + strength * answer).alias("agreed"), (heard["all"] + strength).alias("all"))

    nobody = F.struct(F.lit(0.0).alias("agreed"), F.lit(0.0).alias("all"))
    witnesses = F.get(F.transform(F.array(votes), by_source), 0)  # once in the plan, however often it is used
    return F.aggregate(
        witnesses, nobody, hear, lambda heard: F.round((heard["agreed"] + 0.5) / (heard["all"] + 1.0), 3)
    )


def confidence_of_one(weight: Column) -> Column:
    """What :func:`confidence` gives where a single record states the attribute: most do, and no votes are counted."""
    return F.round((weight + 0.5) / (weight + 1.0), 3)


def _sum(items: Column, measure: Callable[[Column], Column]) -> Column:
    return F.aggregate(items, F.lit(0.0), lambda total, item: total + measure(item))
