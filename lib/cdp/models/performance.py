"""Delayed labels: what was predicted when a horizon began, beside what had come when it was over.

People are taken together in thousandths of the score before anything reaches the driver: a figure of a million people
needs a thousand rows, and ties within a thousandth change an AUC by less than chance does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.rules.measures import Measure, measure_people

STEPS = 1000
_SCORING = ["model", "model_name", "model_version", "scored_as_of", "horizon_weeks"]


def ended_scorings(trainings: Iterable[tuple[date, int]], *, as_of: date) -> list[date]:
    """The days whose scorings have their horizon over on `as_of`, of trainings (as-of date, horizon in weeks)."""
    known = list(trainings)
    first = min((day for day, _ in known), default=as_of)
    began = {as_of - timedelta(weeks=weeks) for _, weeks in known}
    return sorted(day for day in began if first <= day < as_of)


def measure_performance(ended: Sequence[DataFrame], *, as_of: date) -> list[dict[str, Any]]:
    """Rows of ops.model_performance of what has `ended` (`purchases_since`, `labels_since`). One action at most."""
    if not ended:
        return []
    both = reduce(DataFrame.unionByName, ended)
    happened = F.coalesce("happened", F.col("purchases") == 0).cast("double")
    step = F.when(F.col("model") != "ltv", F.floor(F.col("score") * STEPS))
    found = both.groupBy(*_SCORING, step.alias("step")).agg(
        F.count(F.lit(1)).alias("people"),
        F.sum("score").alias("score"),
        F.sum(happened).alias("happened"),
        F.sum((F.col("score") - happened) ** 2).alias("squares"),
        F.sum("expected_purchases").alias("expected_purchases"),
        F.sum("purchases").cast("double").alias("purchases"),
        F.sum("spend").alias("spend"),
    )
    return _rows(found.toPandas(), as_of)


def purchases_since(
    predictions: DataFrame, snapshots: DataFrame, *, scored_on: Sequence[date], as_of: date
) -> DataFrame:
    """The scores of churn and ltv of the days `scored_on` whose horizon is over at the start of `as_of`, and what came.

    What came is read from the snapshots of `as_of`: purchases that arrive later do not count, people who were merged
    into others since are left out.
    """
    then = _scores_of(predictions, scored_on, as_of).where(F.col("model").isin("churn", "ltv"))
    came = snapshots.where(F.col("as_of") == F.lit(as_of)).select("person_id", "purchase_dates", "purchase_amounts")
    both = then.join(came, on="person_id", how="inner").withColumns(_outcome())
    return both.withColumn("happened", F.lit(None).cast("boolean")).drop("purchase_dates", "purchase_amounts")


@dataclass(frozen=True)
class Ended:
    """A declared model of which a horizon ends tonight: its length, its label, and the versions that foretold that."""

    horizon_weeks: int
    outcome: Measure
    versions: tuple[str, ...]


def labels_since(
    predictions: DataFrame,
    person_records: DataFrame,
    tables: Mapping[str, DataFrame],
    *,
    ended: Mapping[str, Ended],
    as_of: date,
) -> DataFrame:
    """The scores of declared models (by name) whose horizon is over at the start of `as_of`, and whether it happened.

    What happened is measured as it is for a training (rules/measures.py); people who were merged into others since are
    left out, and so are scores of versions that foretold something else.
    """
    days = sorted({as_of - timedelta(weeks=one.horizon_weeks) for one in ended.values()})
    then = _scores_of(predictions, days, as_of).where(
        reduce(
            Column.__or__,
            ((F.col("model") == name) & F.col("model_version").isin(*one.versions) for name, one in ended.items()),
        )
    )
    labels = {f"_{name}": one.outcome for name, one in ended.items()}
    came = measure_people(person_records, tables, measures=labels, as_of_dates=[as_of]).drop("as_of")
    happened = F.coalesce(*(F.when(F.col("model") == name, F.col(f"_{name}")) for name in ended))
    nothing = {"purchases": F.lit(None).cast("int"), "spend": F.lit(None).cast("double")}
    both = then.join(came, on="person_id", how="inner").withColumns({"happened": happened, **nothing})
    return both.drop(*labels)


def _scores_of(predictions: DataFrame, days: Sequence[date], as_of: date) -> DataFrame:
    """What was said on the days for a horizon that is over on `as_of`."""
    over = F.datediff(F.lit(as_of), "as_of") == 7 * F.col("horizon_weeks")
    return predictions.where(F.col("as_of").isin(list(days)) & over).select(
        "person_id", "model", "model_name", "model_version", F.col("as_of").alias("scored_as_of"), "horizon_weeks",
        "score", "expected_purchases",
    )  # fmt: skip


def refuse_performance(rows: Sequence[Mapping[str, Any]], limit: float | None) -> None:
    """ModelError when earlier probabilities were further from what came than the `limit`; None never stops."""
    above = [r for r in rows if limit is not None and r["measure"] == "calibration_error" and r["value"] > limit]
    if above:
        worst = max(above, key=lambda r: r["value"])
        raise ModelError(
            f"nobody was scored as of {worst['as_of']}: the scores of {worst['scored_as_of']} ({worst['model']} "
            f"version {worst['model_version']}) were off, calibration error {worst['value']:.3f}, limit {limit:g}. "
            f"Look at ops.model_performance; go on with `cdp nightly --run-date {worst['as_of']} --set "
            "models.max_calibration_error=1`, and train by `--set models.train_every_days=1`."
        )


def _outcome() -> dict[str, Column]:
    """Purchase days and spend since the scoring."""
    pairs = F.arrays_zip(F.col("purchase_dates").alias("day"), F.col("purchase_amounts").alias("amount"))
    since = F.filter(pairs, lambda p: p["day"] >= F.col("scored_as_of"))
    spend = F.aggregate(since, F.lit(0.0), lambda total, p: total + p["amount"])
    return {"purchases": F.size(since), "spend": spend}


def _rows(steps: pd.DataFrame, as_of: date) -> list[dict[str, Any]]:
    found = []
    for key, group in steps.groupby(_SCORING, sort=True):
        kind, name, version, scored_as_of, weeks = key
        its = group.sort_values("step")
        for measure, value in (_value if kind == "ltv" else _probability)(its).items():
            found.append(
                {
                    "model": name,
                    "as_of": as_of,
                    "scored_as_of": scored_as_of,
                    "measure": measure,
                    "value": float(value) if np.isfinite(value) else None,
                    "people": int(its["people"].sum()),
                    "horizon_weeks": int(weeks),
                    "model_version": version,
                }
            )
    return found


def _probability(steps: pd.DataFrame) -> dict[str, float]:
    people, said, came = (steps[c].to_numpy(np.float64) for c in ("people", "score", "happened"))
    total, rate = people.sum(), came.sum() / people.sum()
    return {
        "auc": metrics.weighted_auc(said / people, came, people - came),
        "brier": steps["squares"].sum() / total,
        "brier_of_base_rate": rate * (1 - rate),
        "calibration_error": _calibration_error(people, said, came),
        "rate_bias": said.sum() / total - rate,
    }


def _value(steps: pd.DataFrame) -> dict[str, float]:
    sums = steps.sum(numeric_only=True)
    return {
        "purchases_bias": metrics.aggregate_bias(np.array(sums["expected_purchases"]), np.array(sums["purchases"])),
        "spend_bias": metrics.aggregate_bias(np.array(sums["score"]), np.array(sums["spend"])),
    }


def _calibration_error(people: Floats, said: Floats, came: Floats) -> float:
    """Over ten groups of as equal size as whole steps of the score allow, which come in ascending order."""
    middle = np.cumsum(people) - people / 2
    group = np.minimum(metrics.GROUPS * middle / people.sum(), metrics.GROUPS - 1).astype(np.int64)
    return float(np.abs(np.bincount(group, said - came)).sum() / people.sum())
