"""All that an audience may ask about a person, in one wide row: profile, traits and scores."""

from __future__ import annotations

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
"""What the models' newest rows of a person become; also the ``prediction.*`` columns of destinations."""

_NOT_FACTS = ("person_id", "as_of", "chosen")


def people_facts(profiles: DataFrame, traits: DataFrame, predictions: DataFrame, *, run_date: date) -> DataFrame:
    """One row per person of ``profiles`` or ``traits``: profile columns, trait columns, score columns.

    Scores are ``churn_score``, ``ltv_score`` (with ``_lo`` and ``_hi``), ``p_alive``, ``expected_purchases``,
    ``segment``, ``value_band``, ``risk_band``, ``loyalty_score`` and ``loyalty_state``: of the newest as-of date that
    is not later than ``run_date``, person by person; null for people whom no model scored.
    """
    scores = _scores(predictions, run_date)
    return (
        profiles.drop("chosen")
        .join(traits.drop("as_of"), on="person_id", how="full")
        .join(scores, on="person_id", how="left")
    )


def empty_facts(spark: SparkSession, traits_contract: TableContract) -> DataFrame:
    """The same columns without a row, for the check of definitions.

    Raises :class:`ConfigError` where a trait has the name of a profile column or of a score.
    """
    profiles, traits, predictions = (
        spark.createDataFrame([], contract.schema) for contract in (PROFILES, traits_contract, PREDICTIONS)
    )
    others = {*PROFILES.column_names, *SCORE_COLUMNS} - {"person_id"}
    doubled = sorted(others & set(traits_contract.column_names) - set(_NOT_FACTS))
    if doubled:
        raise ConfigError(
            f"conf/traits/{doubled[0]}.yaml: {doubled[0]} is the name of a profile column or of a score "
            "already: an audience could not tell them apart; name the trait otherwise"
        )
    return people_facts(profiles, traits, predictions, run_date=date.max)


def _scores(predictions: DataFrame, run_date: date) -> DataFrame:
    """One row per scored person: the newest scores of each model as columns."""
    known = predictions.where(F.col("as_of") <= F.lit(run_date))
    return known.groupBy("person_id").agg(*(_newest(column).alias(column) for column in SCORE_COLUMNS))


def _newest(score: str) -> Column:
    """The newest value behind a score column; where several models give one on a date, the churn model's."""
    model, _, end = score.partition("_")
    if model in ("churn", "ltv"):
        return F.max_by(end, F.when(F.col("model") == model, F.col("as_of")))
    order = F.struct("as_of", F.col("model") == "churn", F.col("model"))
    return F.max_by(score, F.when(F.col(score).isNotNull(), order))
