"""All that an audience may ask about a person, in one wide row: profile, traits and scores."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.model import TableContract
from cdp.core.errors import ConfigError

SCORE_COLUMNS = (
    "churn_score",
    "churn_lo",
    "churn_hi",
    "ltv_score",
    "ltv_lo",
    "ltv_hi",
    "p_alive",
    "expected_purchases",
    "segment",
    "value_band",
    "risk_band",
    "loyalty_score",
    "loyalty_state",
)
"""What the newest rows of churn and ltv become; also the ``prediction.*`` columns of destinations."""

_NOT_FACTS = ("person_id", "as_of", "chosen")


def score_columns(declared: Iterable[str] = ()) -> list[str]:
    """All score columns: those that are always there, then ``<name>_score`` of each model of conf/models."""
    return [*SCORE_COLUMNS, *(f"{name}_score" for name in sorted(declared))]


def people_facts(
    profiles: DataFrame, traits: DataFrame, predictions: DataFrame, *, run_date: date, declared: Iterable[str] = ()
) -> DataFrame:
    """One row per person of ``profiles`` or ``traits``: profile columns, trait columns, score columns.

    Scores are ``churn_score``, ``ltv_score`` (with ``_lo`` and ``_hi``), ``p_alive``, ``expected_purchases``,
    ``segment``, ``value_band``, ``risk_band``, ``loyalty_score`` and ``loyalty_state``, and ``<name>_score`` of each
    ``declared`` model: of the newest as-of date that is not later than ``run_date``, person by person; null for people
    whom no model scored.
    """
    scores = _scores(predictions, run_date, sorted(declared))
    return (
        profiles.drop("chosen")
        .join(traits.drop("as_of"), on="person_id", how="full")
        .join(scores, on="person_id", how="left")
    )


def empty_facts(spark: SparkSession, traits_contract: TableContract, declared: Iterable[str] = ()) -> DataFrame:
    """The same columns without a row, for the check of definitions.

    Raises :class:`ConfigError` where a trait has the name of a profile column or of a score.
    """
    profiles, traits, predictions = (
        spark.createDataFrame([], contract.schema) for contract in (PROFILES, traits_contract, PREDICTIONS)
    )
    names = list(declared)
    others = {*PROFILES.column_names, *score_columns(names)} - {"person_id"}
    doubled = sorted(others & set(traits_contract.column_names) - set(_NOT_FACTS))
    if doubled:
        raise ConfigError(
            f"conf/traits/{doubled[0]}.yaml: {doubled[0]} is the name of a profile column or of a score "
            "already: an audience could not tell them apart; name the trait otherwise"
        )
    return people_facts(profiles, traits, predictions, run_date=date.max, declared=names)


def _scores(predictions: DataFrame, run_date: date, declared: list[str]) -> DataFrame:
    """One row per scored person: the newest scores of each model as columns."""
    known = predictions.where(F.col("as_of") <= F.lit(run_date))
    return known.groupBy("person_id").agg(
        *(_newest(column).alias(column) for column in SCORE_COLUMNS),
        *(_newest_of(model, "score").alias(f"{model}_score") for model in declared),
    )


def _newest_of(model: str, column: str) -> Column:
    return F.max_by(column, F.when(F.col("model") == model, F.col("as_of")))


def _newest(score: str) -> Column:
    """The newest value behind a score column; where several models give one on a date, the churn model's."""
    model, _, end = score.partition("_")
    if model in ("churn", "ltv"):
        return _newest_of(model, end)
    order = F.struct("as_of", F.col("model") == "churn", F.col("model"))
    return F.max_by(score, F.when(F.col(score).isNotNull(), order))
