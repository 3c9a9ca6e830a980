"""Training on snapshots with Spark: counts, the later period, the refit; and when training is due."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.core.errors import ModelError
from cdp.models.holdout import collect_holdout
from cdp.models.model_runs import model_run_rows
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.models.snapshots import build_snapshots
from cdp.models.sufficient import collect_statistics
from cdp.models.train import (
    DatasetVersion,
    Decision,
    choose_horizon_weeks,
    decide_promotion,
    find_first_purchase,
    is_training_due,
    train_value,
    training_cuts,
    training_fingerprint,
)
from cdp.models.value import INPUTS, ValueParameters, score_value

AS_OF = date(2025, 12, 29)
FIRST = AS_OF - timedelta(weeks=52)


def made_lines(people: int = 1500, seed: int = 3) -> pd.DataFrame:
    """Order lines of a BG/NBD company over 52 weeks; everybody joins in the first half year."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(people):
        rate, leaves, level = rng.gamma(0.9, 1 / 5.0), rng.beta(0.8, 3), rng.gamma(4, 10)
        day = float(rng.integers(0, 182))
        while day < 364:
            found.append((f"r{i}", int(day), round(float(rng.gamma(5, level / 5)) + 0.01, 2)))
            if day > 0 and rng.random() < leaves:
                break
            day += rng.exponential(7 / rate)
    return pd.DataFrame(found, columns=["record_id", "day", "amount"])


@pytest.fixture(scope="module")
def snapshots(spark):
    lines = made_lines()
    start = datetime.combine(FIRST, datetime.min.time(), tzinfo=UTC)
    at = [start + timedelta(days=d, hours=12) for d in lines["day"].tolist()]
    frame = spark.createDataFrame(
        [(r, t, t, Decimal(str(a)), False) for r, t, a in zip(lines["record_id"], at, lines["amount"], strict=True)],
        "record_id string, ordered_at timestamp, received_at timestamp, amount decimal(18,4), is_cancelled boolean",
    )
    people = frame.selectExpr("record_id", "concat('p', record_id) AS person_id").distinct()
    built = build_snapshots(frame, people, as_of_dates=training_cuts(AS_OF, 13)).cache()
    yield built
    built.unpersist()


@pytest.fixture(scope="module")
def trained(snapshots):
    return train_value(snapshots, as_of=AS_OF, horizon_weeks=13)


def test_statistics_are_the_counts_of_the_snapshots(snapshots):
    _, cut, end = training_cuts(AS_OF, 13)
    stats = collect_statistics(snapshots, as_of_dates=(cut, end))
    rows = snapshots.where(f"as_of = date'{end}'").toPandas()
    by_hand = rows.groupby(["repeat_purchases", "recency_weeks", "age_weeks"]).size()
    ours = stats[end].purchases
    assert stats[end].n_people == len(rows) and len(ours) == len(by_hand)
    assert ours["people"].tolist() == by_hand.tolist()
    assert stats[end].values["people"].sum() == len(rows)
    total = (stats[end].values["n"] * stats[end].values["m"] * stats[end].values["people"]).sum()
    assert total == pytest.approx(rows["spend"].sum(), rel=1e-3)
    assert stats[cut].n_people == snapshots.where(f"as_of = date'{cut}'").count()


def test_holdout_is_what_people_of_the_cut_did_later(snapshots):
    before, cut, end = training_cuts(AS_OF, 13)
    holdout = collect_holdout(snapshots, before=before, cut=cut, end=end)
    wide = snapshots.toPandas().pivot(index="person_id", columns="as_of", values=["purchase_days", "spend"])
    wide = wide[wide["purchase_days"][cut].notna()].fillna(0)
    assert list(holdout.columns) == [*INPUTS, "actual_purchases", "actual_spend", "last_purchases", "last_spend"]
    assert len(holdout) == len(wide)
    assert holdout["actual_purchases"].sum() == (wide["purchase_days"][end] - wide["purchase_days"][cut]).sum()
    assert holdout["actual_spend"].sum() == pytest.approx((wide["spend"][end] - wide["spend"][cut]).sum())
    assert holdout["last_purchases"].sum() == (wide["purchase_days"][cut] - wide["purchase_days"][before]).sum()
    assert len(collect_holdout(snapshots, before=before, cut=cut, end=end, max_people=50)) == 50


def test_a_trained_model_forecasts_the_later_period_better_than_repeating_the_last(trained):
    metrics = trained.metrics
    assert abs(metrics["purchases_bias"]) < 0.15
    assert metrics["purchases_rmse"] < metrics["last_period_purchases_rmse"]
    assert metrics["churn_auc"] > max(0.7, metrics["recency_churn_auc"] - 0.02)
    assert metrics["churn_brier"] < metrics["churn_brier_of_base_rate"]
    assert metrics["churn_ece"] < 0.06
    assert metrics["spend_gini"] > 0.3
    assert 0.85 < metrics["spend_coverage"] <= 1
    assert trained.params.as_of == "2025-12-29" and trained.backtest_params.as_of == "2025-09-29"
    assert set(trained.figures) == {"calibration.png", "frequency.png"}


def test_training_twice_gives_the_same_parameters_whatever_the_partitions(snapshots, trained):
    again = train_value(snapshots.repartition(5, "spend"), as_of=AS_OF, horizon_weeks=13)
    assert again.params == trained.params and again.metrics == trained.metrics


def test_scores_of_a_day_have_the_shape_and_the_numbers(snapshots, trained):
    models = {
        "churn": ScoringModel("cdp.churn", "4", trained.params),
        "ltv": ScoringModel("cdp.ltv", "7", trained.params),
    }
    frame = score_snapshots(snapshots, models, as_of=AS_OF)
    assert [(f.name, f.dataType) for f in frame.schema] == [(f.name, f.dataType) for f in PREDICTIONS.schema]
    rows = frame.toPandas()
    today = snapshots.where(f"as_of = date'{AS_OF}'").toPandas()
    assert len(rows) == 2 * len(today) and not rows.duplicated(["person_id", "model", "as_of"]).any()
    churn, ltv = (rows[rows["model"] == k].set_index("person_id") for k in ("churn", "ltv"))
    expected = score_value(today.set_index("person_id"), trained.params, horizon_weeks=13)
    assert np.allclose(churn["score"], expected["p_churn"].loc[churn.index], rtol=1e-12)
    assert np.allclose(ltv["score"], expected["ltv"].loc[ltv.index], rtol=1e-12)
    assert ((rows["lo"] <= rows["score"]) & (rows["score"] <= rows["hi"])).all()
    assert churn["score"].between(0, 1).all() and (ltv["score"] >= 0).all()
    assert set(churn["model_version"]) == {"4"} and set(ltv["model_version"]) == {"7"}
    assert rows["reasons"].map(len).min() >= 1 and set(rows["as_of"]) == {AS_OF}


def test_a_thin_history_is_refused_with_the_cut_and_what_to_do(spark, rows):
    one = {
        "person_id": "p",
        "as_of": AS_OF,
        "repeat_purchases": 0,
        "recency_weeks": 0.0,
        "age_weeks": 3.0,
        "purchase_days": 1,
        "mean_value": 5.0,
        "spend": 5.0,
    }
    with pytest.raises(ModelError, match=r"at the test cut 2025-09-29: .*0 people with a purchase.*Load"):
        train_value(rows(SNAPSHOTS, [one]), as_of=AS_OF, horizon_weeks=13)


def test_training_is_due_weekly_and_without_a_champion():
    day = date(2026, 1, 10)
    assert is_training_due(None, day, has_champion=True)
    assert is_training_due(day, day, has_champion=False)
    assert not is_training_due(day, day, has_champion=True)
    assert not is_training_due(date(2026, 1, 4), day, has_champion=True)
    assert is_training_due(date(2026, 1, 3), day, has_champion=True)
    assert not is_training_due(date(2026, 2, 1), day, has_champion=True)


def test_first_purchase_is_that_of_the_oldest_customer(snapshots):
    assert find_first_purchase(snapshots, as_of=AS_OF) == FIRST
    assert find_first_purchase(snapshots, as_of=date(2020, 1, 1)) is None


def test_rows_of_the_ledger_say_what_was_decided(trained, spark, rows):
    made = model_run_rows(
        trained,
        Decision(True, "good"),
        run_id="r1",
        versions={"cdp.ltv": "2", "cdp.churn": "3"},
        fingerprint="f",
        trained_at=datetime(2025, 12, 29, 6, tzinfo=UTC),
    )
    found = rows(MODEL_RUNS, made).collect()
    assert [(r.model, r.model_version, r.as_of, r.is_champion) for r in found] == [
        ("cdp.churn", "3", AS_OF, True),
        ("cdp.ltv", "2", AS_OF, True),
    ]
    assert ValueParameters.from_json(found[0].parameters) == trained.params
    assert json.loads(found[0].metrics) == trained.metrics


def test_the_horizon_is_a_quarter_of_the_history_and_at_most_a_season():
    assert choose_horizon_weeks(date(2024, 1, 1), date(2026, 1, 1)) == 13
    assert choose_horizon_weeks(date(2025, 9, 1), date(2025, 12, 1)) == 3
    for first in (None, date(2025, 11, 1)):
        with pytest.raises(ModelError, match="8 are needed"):
            choose_horizon_weeks(first, date(2025, 12, 1))


def test_promotion_needs_the_floors_and_a_challenger_needs_more_than_the_first():
    assert decide_promotion({"churn_auc": 0.8, "purchases_bias": -0.06}, has_champion=True).is_promoted
    assert not decide_promotion({"churn_auc": 0.4, "purchases_bias": 0.0}, has_champion=False).is_promoted
    far_off = {"churn_auc": 0.8, "purchases_bias": 0.7}
    assert decide_promotion(far_off, has_champion=False).is_promoted
    refused = decide_promotion(far_off, has_champion=True)
    assert not refused.is_promoted and "+70%" in refused.reason


def test_fingerprint_depends_on_the_inputs_and_not_on_their_order():
    one, two, newer = (DatasetVersion("a", "/a", 1), DatasetVersion("b", "/b", 1), DatasetVersion("b", "/b", 2))

    def of(*datasets, horizon=13):
        return training_fingerprint(datasets, as_of=AS_OF, horizon_weeks=horizon)

    assert of(one, two) == of(two, one)
    assert len({of(one, two), of(one, newer), of(one, two, horizon=12), of(one)}) == 4


def test_without_a_champion_there_are_no_scores(snapshots):
    assert score_snapshots(snapshots, {}, as_of=AS_OF).count() == 0
