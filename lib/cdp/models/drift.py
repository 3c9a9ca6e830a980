"""Are tonight's people those of the training: measured each night, with a bound that can stop scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models.scoring import ScoringModel
from cdp.models.stability import Reference, stability_index

#: a measure that train.references_of knows -> the same in SQL, of gold.snapshots and of gold.predictions
FEATURES = {
    "purchase_days": "purchase_days",
    "days_since_purchase": "round(7 * (age_weeks - recency_weeks))",
    "last_amount": "element_at(purchase_amounts, -1)",
}
SCORES = {"churn": "CASE WHEN model = 'churn' THEN score END", "ltv": "CASE WHEN model = 'ltv' THEN score END"}


def measure_drift(
    snapshots: DataFrame, scored: DataFrame, models: Mapping[str, ScoringModel], *, as_of: date
) -> list[dict[str, Any]]:
    """Rows of ops.model_drift of the models (churn, ltv) that score as of `as_of`. Two actions; none without models.

    `scored` are their rows of gold.predictions.
    """
    people = snapshots.where(F.col("as_of") == F.lit(as_of))
    rows = []
    for frame, measures in ((people, FEATURES), (scored, SCORES)):
        asked = [
            (kind, measure, sql, model.params.references[measure])
            for kind, model in models.items()
            for measure, sql in measures.items()
            if measure in model.params.references and (measures is FEATURES or measure == kind)
        ]
        for (kind, measure, _, reference), counts in zip(asked, _count(frame, asked), strict=True):
            rows.append(
                {
                    "model": models[kind].name,
                    "as_of": as_of,
                    "measure": measure,
                    "psi": stability_index(reference, counts[1:], counts[0]),
                    "people": counts[0],
                    "model_version": models[kind].version,
                }
            )
    return rows


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


def _count(frame: DataFrame, asked: Sequence[tuple[str, str, str, Reference]]) -> list[list[int]]:
    """Of each measure: the people, and how many lie below each edge."""
    if not asked:
        return []
    counted = frame.agg(*(_below(F.expr(sql), r).alias(f"{kind}_{name}") for kind, name, sql, r in asked)).first()
    return [list(counts) for counts in counted] if counted else []


def _below(value: Column, reference: Reference) -> Column:
    return F.array(F.count(value), *(F.count_if(value < edge) for edge in reference.edges))
