"""What was said a horizon ago beside what came: the figures, when they are due, and the bound that stops scoring."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.silver.events import EVENTS
from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.performance import (
    Ended,
    ended_scorings,
    labels_since,
    measure_performance,
    purchases_since,
    refuse_performance,
)
from cdp.rules.measures import Measure

THEN, NOW = date(2026, 1, 5), date(2026, 2, 2)


def test_a_scoring_is_due_when_a_horizon_that_was_trained_ends_on_the_day():
    trainings = [(THEN, 4), (THEN + timedelta(days=7), 5)]
    assert ended_scorings(trainings, as_of=NOW) == [THEN]
    assert ended_scorings(trainings, as_of=NOW + timedelta(days=7)) == [THEN, THEN + timedelta(days=7)]
    assert ended_scorings(trainings, as_of=NOW - timedelta(days=1)) == []  # before the first training
    assert ended_scorings([], as_of=NOW) == []


CLICKED = Measure(
    table="silver.events", filter="event_name = 'clicked'", aggregate="count(*) > 0", window_days=28, default=False,
    type="boolean",
)  # fmt: skip


def event(number: int, at: date, hour: int):
    when = datetime.combine(at, time(hour), tzinfo=UTC)
    return {"event_id": f"e{number}{at}", "record_id": f"r{number}", "event_name": "clicked", "event_type": "email",
            "event_at": when, "received_at": when}  # fmt: skip


def test_figures_are_those_of_the_people(rows, spark):
    rng = np.random.default_rng(1)
    churn = np.round(rng.random(300), 3)
    said_count, said_spend = 2 * (1 - churn), 50 * (1 - churn)
    bought = rng.random(300) > churn
    predictions, snapshots, events = [], [], []
    clicks = rng.random(300) < churn
    for i in range(300):
        person = {"person_id": f"p{i}", "as_of": THEN, "horizon_weeks": 4, "model_version": "3"}
        predictions.append({**person, "model": "churn", "model_name": "cdp.churn", "score": float(churn[i])})
        predictions.append({**person, "model": "ltv", "model_name": "cdp.ltv", "score": float(said_spend[i]),
                            "expected_purchases": float(said_count[i])})  # fmt: skip
        predictions.append({**person, "model": "click", "model_name": "cdp.click", "score": float(churn[i])})
        events.append(event(i, THEN if clicks[i] else THEN - timedelta(days=1), 1))  # the day before: not since
        days = [THEN - timedelta(days=3), *([THEN, NOW - timedelta(days=1)] if bought[i] else [])]
        snapshots.append({"person_id": f"p{i}", "as_of": NOW, "purchase_dates": days,
                          "purchase_amounts": [99.0, 10.0, 30.0][: len(days)]})  # fmt: skip
    other = {**predictions[0], "as_of": THEN + timedelta(days=7)}  # its horizon is not over
    merged = {**predictions[0], "person_id": "gone"}
    foretold_else = {**predictions[2], "model_version": "2"}
    said = rows(PREDICTIONS, [*predictions, other, merged, foretold_else])
    owners = [(f"r{i}", f"p{i}", THEN) for i in range(300)]
    records = spark.createDataFrame(owners, "record_id string, person_id string, joined_on date")
    bought_since = purchases_since(
        said, rows(SNAPSHOTS, snapshots), scored_on=[THEN, THEN + timedelta(days=7)], as_of=NOW
    )
    ended = {"click": Ended(4, CLICKED, ("3",)), "never": Ended(8, CLICKED, ("1",))}
    clicked_since = labels_since(said, records, {"silver.events": rows(EVENTS, events)}, ended=ended, as_of=NOW)
    found = measure_performance([bought_since, clicked_since], as_of=NOW)
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
    assert value["cdp.click", "auc"] == pytest.approx(metrics.auc(churn, clicks), abs=1e-9)
    assert value["cdp.click", "brier"] == pytest.approx(metrics.brier(churn, clicks))
    assert value["cdp.click", "rate_bias"] == pytest.approx(churn.mean() - clicks.mean())
    assert {m for _, m in value if _ == "cdp.click"} == {m for _, m in value if _ == "cdp.churn"}
    assert measure_performance([], as_of=NOW) == []
    refuse_performance(found, None)
    with pytest.raises(ModelError, match=r"scores of 2026-01-05 \(cdp.click version 3\).*max_calibration_error"):
        refuse_performance([r for r in found if r["model"] == "cdp.click"], 1e-6)
    with pytest.raises(
        ModelError, match=r"nobody was scored.*2026-01-05 \(cdp.churn version 3\).*max_calibration_error"
    ):
        refuse_performance([r for r in found if r["model"] == "cdp.churn"], 1e-6)
