"""Are tonight's people those of the training: measured each night, with a bound that can stop scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models.declared.score import DeclaredVersion
from cdp.models.scoring import ScoringModel
from cdp.models.stability import Reference, stability_index

#: a measure of gold.snapshots that train.references_of knows -> the same in SQL
FEATURES = {
    "purchase_days": "purchase_days",
    "days_since_purchase": "round(7 * (age_weeks - recency_weeks))",
    "last_amount": "element_at(purchase_amounts, -1)",
}


@dataclass(frozen=True)
class _Asked:
    """One measure of one scoring version: the same in SQL, and how it was spread in training."""

    model: str
    version: str
    measure: str
    sql: str
    reference: Reference


def measure_drift(
    snapshots: DataFrame,
    scored: DataFrame,
    models: Mapping[str, ScoringModel],
    *,
    as_of: date,
    declared: Mapping[str, DeclaredVersion] | None = None,
) -> list[dict[str, Any]]:
    """Rows of ops.model_drift of the models (churn and ltv, others `declared`) that score as of `as_of`.

    `scored` are their rows of gold.predictions. One action; none without models.
    """
    others = declared or {}
    asked = [
        (snapshots.where(F.col("as_of") == F.lit(as_of)), [*_features(models), *_declared_features(others)]),
        (scored, [*_scores(models), *_declared_scores(others)]),
    ]
    return [
        {
            "model": one.model,
            "as_of": as_of,
            "measure": one.measure,
            "psi": stability_index(one.reference, counts[1:], counts[0]),
            "people": counts[0],
            "model_version": one.version,
        }
        for one, counts in _count([(frame, measures) for frame, measures in asked if measures])
    ]


def _features(models: Mapping[str, ScoringModel]) -> list[_Asked]:
    return [
        _Asked(model.name, model.version, measure, sql, model.params.references[measure])
        for model in models.values()
        for measure, sql in FEATURES.items()
        if measure in model.params.references
    ]


def _scores(models: Mapping[str, ScoringModel]) -> list[_Asked]:
    return [
        _Asked(model.name, model.version, kind, _score_of(kind), model.params.references[kind])
        for kind, model in models.items()
        if kind in model.params.references
    ]


def _declared_features(declared: Mapping[str, DeclaredVersion]) -> list[_Asked]:
    return [
        _Asked(version.name, version.version, feature, _number_of(version, feature), reference)
        for version in declared.values()
        for feature, reference in sorted(version.declared.references.items())
        if feature in version.declared.features
    ]


def _number_of(version: DeclaredVersion, feature: str) -> str:
    """The feature as training read it: null what is no number in text, and what lies so far off that it is a filler."""
    low, high = next(column.between for column in version.declared.model.plan.columns if column.name == feature)
    number = f"TRY_CAST(`{feature}` AS DOUBLE)"
    is_known = f"abs({number}) < double('inf') AND {number} BETWEEN double('{low}') AND double('{high}')"
    return f"CASE WHEN {is_known} THEN {number} END"


def _declared_scores(declared: Mapping[str, DeclaredVersion]) -> list[_Asked]:
    return [
        _Asked(version.name, version.version, model, _score_of(model), version.declared.references[""])
        for model, version in declared.items()
    ]


def _score_of(model: str) -> str:
    return f"CASE WHEN model = '{model}' THEN score END"


def refuse_drift(rows: Sequence[Mapping[str, Any]], limit: float | None) -> None:
    """ModelError when a measure of tonight's people is above the `limit`; None never stops."""
    above = [r for r in rows if limit is not None and r["psi"] > limit]
    if above:
        told = ", ".join(f"{r['measure']} {r['psi']:.2f} ({r['model']} version {r['model_version']})" for r in above)
        raise ModelError(
            f"nobody was scored as of {above[0]['as_of']}: tonight's people are not those of the training, PSI {told}, "
            f"limit {limit:g}. Look at the deliveries; if they are right, go on with `cdp nightly --run-date "
            f"{above[0]['as_of']} --set models.max_psi=1000`, and train by `--set models.train_every_days=1`."
        )


def _count(asked: Sequence[tuple[DataFrame, Sequence[_Asked]]]) -> list[tuple[_Asked, list[int]]]:
    """With each measure of each frame: the people, and how many lie below each edge."""
    if not asked:
        return []
    counted = [
        frame.agg(F.array(*(_below(F.expr(one.sql), one.reference) for one in measures)).alias("counts")).select(
            F.lit(place).alias("place"), "counts"
        )
        for place, (frame, measures) in enumerate(asked)
    ]
    rows = sorted(reduce(DataFrame.unionAll, counted).collect(), key=lambda row: row["place"])
    measures = [one for _, of_frame in asked for one in of_frame]
    return list(zip(measures, [list(counts) for row in rows for counts in row["counts"]], strict=True))


def _below(value: Column, reference: Reference) -> Column:
    return F.array(F.count(value), *(F.count_if(value < edge) for edge in reference.edges))
