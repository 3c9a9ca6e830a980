"""Score all snapshots of a day on the executors: rows of gold.predictions for all models, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.models.declared.cuts import feature_input
from cdp.models.declared.score import DeclaredVersion
from cdp.models.declared.score import prediction_rows as declared_rows
from cdp.models.forecast.history import Cut
from cdp.models.histories import cut_of
from cdp.models.reasons import churn_reasons, ltv_reasons
from cdp.models.scorer import Scorer
from cdp.models.value import ValueParameters

_TEXTS = ("segment", "loyalty_state")


@dataclass(frozen=True)
class ScoringModel:
    """One registered version and its parameters, resolved once for a whole run."""

    name: str
    version: str
    params: ValueParameters


def score_snapshots(
    snapshots: DataFrame,
    models: Mapping[str, ScoringModel],
    *,
    as_of: date,
    horizon_weeks: int | None = None,
    declared: Mapping[str, DeclaredVersion] | None = None,
) -> DataFrame:
    """Rows of gold.predictions, grain (person_id, model, as_of): `models` are churn and ltv, the others `declared`.

    Only snapshots of `as_of` are scored: churn and ltv for `horizon_weeks` or else the horizon that each version was
    tested for. No models, no rows. Every partition uses the same versions, and all models share one pass.
    """
    frozen, others = dict(models), dict(declared or {})
    features = sorted({feature for version in others.values() for feature in version.declared.features})
    inputs = [*model_inputs(), *(feature_input(snapshots, name) for name in features)]
    chosen = snapshots.where(F.col("as_of") == F.lit(as_of)).select("person_id", *inputs)

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        scorers = {model.params: Scorer(model.params) for model in frozen.values()}
        for batch in batches:
            cut, scored = cut_of(batch), dict[tuple[ValueParameters, int], pd.DataFrame]()
            for kind, model in frozen.items():
                params, weeks = model.params, horizon_weeks or model.params.horizon_weeks
                if (params, weeks) not in scored:
                    scored[params, weeks] = scorers[params].score(cut, horizon_weeks=weeks)
                rows = prediction_rows(kind, cut, scored[params, weeks], model, weeks)
                yield rows.assign(person_id=batch["person_id"].to_numpy(), as_of=as_of)[PREDICTIONS.column_names]
            for model_name, version in others.items():
                yield declared_rows(model_name, version, batch, as_of)

    return chosen.mapInPandas(score, schema=PREDICTIONS.ddl)


def model_inputs() -> list[Column]:
    """The columns that the models take (histories.py), from those of gold.snapshots."""
    ago = F.transform("purchase_dates", lambda day: (F.datediff("as_of", day) - 1).cast("double"))
    return [ago.alias("days_ago"), F.col("purchase_amounts").alias("amounts")]


def prediction_rows(
    kind: str, cut: Cut, scored: pd.DataFrame, model: ScoringModel, horizon_weeks: float
) -> pd.DataFrame:
    """The columns of gold.predictions (without person_id and as_of) for one model kind, from the scores of a cut.

    The horizons beside the tested one, the segments and the loyalty stand in the rows of ltv alone.
    """
    column = {"churn": "p_churn", "ltv": "ltv"}[kind]
    rows = pd.DataFrame(
        {
            "model": kind,
            "score": scored[column],
            "lo": scored[f"{column}_lo"],
            "hi": scored[f"{column}_hi"],
            "horizon_weeks": int(horizon_weeks),
            "p_alive": scored["p_alive"],
            "p_any": scored["p_any"],
            "expected_purchases": scored["expected_purchases"],
            "method": model.params.churn_method if kind == "churn" else model.params.ltv_method,
            "reasons": churn_reasons(cut, scored) if kind == "churn" else ltv_reasons(cut, scored, horizon_weeks),
            "model_name": model.name,
            "model_version": model.version,
        }
    )
    others = [c for c in PREDICTIONS.column_names if c not in rows and c not in ("person_id", "as_of")]
    whole = scored.reindex(columns=others).astype(dict.fromkeys(_TEXTS, object))  # also where a version lacks them
    return pd.concat([rows, whole if kind == "ltv" else whole.iloc[:0].reindex(scored.index)], axis=1)
