"""What was said a horizon ago beside what came: the figures, when they are due, and the bound that stops scoring."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.performance import ended_scorings, measure_performance, refuse_performance

THEN, NOW = date(2026, 1, 5), date(2026, 2, 2)


def test_a_scoring_is_due_when_a_horizon_that_was_trained_ends_on_the_day():
    trainings = [(THEN, 4), (THEN + timedelta(days=7), 5)]
    assert ended_scorings(trainings, as_of=NOW) == [THEN]
    assert ended_scorings(trainings, as_of=NOW + timedelta(days=7)) == [THEN, THEN + timedelta(days=7)]
    assert ended_scorings(trainings, as_of=NOW - timedelta(days=1)) == []  # before the first training
    assert ended_scorings([], as_of=NOW) == []


def test_figures_are_those_of_the_people(rows):
    rng = np.random.default_rng(1)
    churn = np.round(rng.random(300), 3)
    said_count, said_spend = 2 * (1 - churn), 50 * (1 - churn)
    bought = rng.random(300) > churn
    predictions, snapshots = [], []
    for i in range(300):
        person = {"person_id": f"p{i}", "as_of": THEN, "horizon_weeks": 4, "model_version": "3"}
        predictions.append({**person, "model": "churn", "model_name": "cdp.churn", "score": float(churn[i])})
        predictions.append({**person, "model": "ltv", "model_name": "cdp.ltv", "score": float(said_spend[i]),
                            "expected_purchases": float(said_count[i])})  # fmt: skip
        days = [THEN - timedelta(days=3), *([THEN, NOW - timedelta(days=1)] if bought[i] else [])]
        snapshots.append({"person_id": f"p{i}", "as_of": NOW, "purchase_dates": days,
                          "purchase_amounts": [99.0, 10.0, 30.0][: len(days)]})  # fmt: skip
    other = {**predictions[0], "as_of": THEN + timedelta(days=7)}  # its horizon is not over
    merged = {**predictions[0], "person_id": "gone"}
    found = measure_performance(
        rows(PREDICTIONS, [*predictions, other, merged]),
        rows(SNAPSHOTS, snapshots),
        scored_on=[THEN, THEN + timedelta(days=7)],
        as_of=NOW,
    )
    value = {(r["model"], r["measure"]): r["value"] for r in found}
    assert {(r["people"], r["scored_as_of"], r["model_version"]) for r in found} == {(300, THEN, "3")}
    left = 1.0 - bought
    assert value["cdp.churn", "auc"] == pytest.approx(metrics.auc(churn, left), abs=1e-9)
    assert value["cdp.churn", "brier"] == pytest.approx(metrics.brier(churn, left))
    assert value["cdp.churn", "brier_of_base_rate"] == pytest.approx(left.mean() * bought.mean())
    ours = metrics.expected_calibration_error(churn, left)
    assert value["cdp.churn", "calibration_error"] == pytest.approx(ours, abs=0.02)
    assert value["cdp.churn", "rate_bias"] == pytest.approx(churn.mean() - left.mean())
    assert value["cdp.ltv", "purchases_bias"] == pytest.approx(said_count.sum() / (2 * bought.sum()) - 1)
    assert value["cdp.ltv", "spend_bias"] == pytest.approx(said_spend.sum() / (40 * bought.sum()) - 1)
    assert measure_performance(rows(PREDICTIONS, []), rows(SNAPSHOTS, []), scored_on=[], as_of=NOW) == []
    refuse_performance(found, None)
    with pytest.raises(
        ModelError, match=r"nobody was scored.*2026-01-05 \(cdp.churn version 3\).*max_calibration_error"
    ):
        refuse_performance(found, 1e-6)
