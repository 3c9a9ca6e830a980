"""Evaluate audiences: who is in tonight, who entered, who left; the history of every stay is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.audiences.facts import empty_facts, people_facts
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.model import TableContract
from cdp.core.errors import ConfigError, nearest_name
from cdp.rules.expressions import Place, check_expression

_STAY = ("audience", "person_id", "entered_on", "left_on")


def evaluate_audiences(
    profiles: DataFrame,
    traits: DataFrame,
    predictions: DataFrame,
    previous_members: DataFrame,
    *,
    specs: Mapping[str, AudienceSpec],
    run_date: date,
    declared: Iterable[str] = (),
) -> DataFrame:
    """The full new gold.audience_members: one row per stay of a person in an audience.

    Who is in and was in keeps ``entered_on``; who is in anew begins a stay on ``run_date``; who is in no
    more gets ``left_on`` = ``run_date``, and so does everybody of an audience that has expired or whose file
    is gone. Ended stays are kept. What ``previous_members`` says of ``run_date`` and later is undone first:
    running a date again gives the same rows. ``declared``: the models of conf/models.
    """
    facts = people_facts(profiles, traits, predictions, run_date=run_date, declared=declared)
    inside = find_members(facts, specs=specs, run_date=run_date).withColumn("is_in", F.lit(True))
    before = _as_before(previous_members, run_date)
    ended = before.where(F.col("left_on").isNotNull())
    open_stays = before.where(F.col("left_on").isNull()).drop("left_on")
    tonight = F.lit(run_date).cast("date")
    now = open_stays.join(inside, on=["audience", "person_id"], how="full").select(
        "audience",
        "person_id",
        F.coalesce("entered_on", tonight).alias("entered_on"),
        F.when(F.col("is_in").isNull(), tonight).alias("left_on"),
    )
    return ended.select(*_STAY).unionByName(now)


def find_members(facts: DataFrame, *, specs: Mapping[str, AudienceSpec], run_date: date) -> DataFrame:
    """One row (``audience``, ``person_id``) per membership on ``run_date``, all audiences in one pass."""
    names = [
        F.when(F.expr(spec.predicate), F.lit(name))
        for name, spec in sorted(specs.items())
        if run_date < spec.expires_on
    ]
    matching = F.array_compact(F.array(*names)) if names else F.array().cast("array<string>")
    return facts.select(F.explode(matching).alias("audience"), "person_id")


def check_specs(
    spark: SparkSession,
    specs: Mapping[str, AudienceSpec],
    *,
    traits_contract: TableContract,
    destinations: list[str],
    declared: Iterable[str] = (),
) -> None:
    """Analyse every predicate; :class:`ConfigError` for a column or destination that does not exist."""
    facts = empty_facts(spark, traits_contract, declared)
    for name, spec in sorted(specs.items()):
        file = f"conf/audiences/{name}.yaml"
        place = Place(file, "predicate", "profiles, traits and scores")
        if check_expression(facts, spec.predicate, place).simpleString() != "boolean":
            raise ConfigError(f"{place}: {spec.predicate!r} is not a condition (true or false)")
        for destination in spec.destinations:
            if destination not in destinations:
                hint = nearest_name(destination, destinations)
                raise ConfigError(f"{file}: destinations: there is no destination {destination!r}; {hint}")


def _as_before(previous_members: DataFrame, run_date: date) -> DataFrame:
    """The stays as they stood before ``run_date``: begun earlier, and open if they ended on it or later."""
    tonight = F.lit(run_date)
    return previous_members.where(F.col("entered_on") < tonight).withColumn(
        "left_on", F.when(F.col("left_on") < tonight, F.col("left_on"))
    )
