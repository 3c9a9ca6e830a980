"""Score all snapshots of a day on the executors: rows of gold.predictions for churn and lifetime value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.models.reasons import churn_reasons, ltv_reasons
from cdp.models.value import INPUTS, ValueParameters, score_value


@dataclass(frozen=True)
class ScoringModel:
    """One registered version and its parameters, resolved once for a whole run."""

    name: str
    version: str
    params: ValueParameters


def score_snapshots(
    snapshots: DataFrame, models: Mapping[str, ScoringModel], *, as_of: date, horizon_weeks: int | None = None
) -> DataFrame:
    """Rows of gold.predictions, grain (person_id, model, as_of), for each of the models `churn` and `ltv` given.

    Only snapshots of `as_of` are scored, for `horizon_weeks` or else the horizon that each version was tested for. No
    models, no rows. Every partition uses the same versions; both models share one pass when they
    have the same parameters.
    """
    chosen = snapshots.where(F.col("as_of") == F.lit(as_of)).select(
        "person_id", *(F.col(c).cast("double").alias(c) for c in INPUTS)
    )
    frozen = dict(models)

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            scored: dict[ValueParameters, pd.DataFrame] = {}
            for kind, model in frozen.items():
                weeks = horizon_weeks or model.params.horizon_weeks
                if model.params not in scored:
                    scored[model.params] = score_value(batch, model.params, horizon_weeks=weeks)
                rows = prediction_rows(kind, batch, scored[model.params], model, weeks)
                yield rows.assign(as_of=as_of)[PREDICTIONS.column_names]

    return chosen.mapInPandas(score, schema=PREDICTIONS.ddl)


def prediction_rows(
    kind: str, people: pd.DataFrame, scored: pd.DataFrame, model: ScoringModel, horizon_weeks: float
) -> pd.DataFrame:
    """The columns of gold.predictions (without as_of) for one model kind, from the scores of `score_value`."""
    column = {"churn": "p_churn", "ltv": "ltv"}[kind]
    if kind == "churn":
        x, t_x, age = (people[c].to_numpy(dtype="float64") for c in INPUTS[:3])
        reasons = churn_reasons(x, t_x, age, scored["p_alive"].to_numpy())
    else:
        reasons = ltv_reasons(scored, horizon_weeks)
    method = model.params.frequency if kind == "churn" else model.params.ltv_method
    return pd.DataFrame(
        {
            "person_id": people["person_id"],
            "model": kind,
            "score": scored[column],
            "lo": scored[f"{column}_lo"],
            "hi": scored[f"{column}_hi"],
            "horizon_weeks": int(horizon_weeks),
            "p_alive": scored["p_alive"],
            "expected_purchases": scored["expected_purchases"],
            "method": method,
            "reasons": reasons,
            "model_name": model.name,
            "model_version": model.version,
        }
    )
