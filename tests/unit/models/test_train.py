"""Training: what it takes from Spark, past cuts as they were known, the two candidates, the decision; scoring."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from tests.unit.models.conftest import AS_OF, data_of, made_purchases

from cdp.contracts.gold.predictions import HORIZONS, PREDICTIONS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.core.dates import EPOCH
from cdp.core.errors import ModelError
from cdp.models import training_data
from cdp.models.candidates import fit_candidates
from cdp.models.card import write_card
from cdp.models.evaluate import last_period
from cdp.models.forecast.history import cut_at
from cdp.models.forecast.ledger import UNITS, Ledger, Pieces
from cdp.models.gain import Gain, Losses, gains_over
from cdp.models.histories import cut_of
from cdp.models.importance import STATISTICS, push_sizes
from cdp.models.model_runs import is_noted, model_run_rows
from cdp.models.promotion import Attempt
from cdp.models.pyfunc_model import ValueModel
from cdp.models.registry import VALUE_TAGS
from cdp.models.scorer import Scorer
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.models.snapshots import build_snapshots, purchase_pieces
from cdp.models.train import (
    DatasetVersion,
    beats,
    choose_horizon_weeks,
    decide_promotion,
    is_training_due,
    train_value,
    training_fingerprint,
)
from cdp.models.training_data import collect_training_data, measure_history
from cdp.models.value import ValueParameters

FIRST = AS_OF - timedelta(weeks=52)
JOINED = date(2025, 12, 5)
LINES = "record_id string, ordered_at timestamp, received_at timestamp, amount decimal(18,4), is_cancelled boolean"


def _frames(spark, rows):
    """Order lines of (record, ordered, received, amount) and whose record each is; "x+" joined who has "x" late."""
    lines = spark.createDataFrame([(r, o, g, Decimal(str(a)), False) for r, o, g, a in rows], LINES)
    person, joined_on = "rtrim('+', record_id)", f"if(record_id like '%+', DATE'{JOINED}', DATE'{EPOCH}')"
    owners = lines.selectExpr("record_id", f"concat('p', {person}) AS person_id", f"{joined_on} AS joined_on")
    return lines, owners.distinct()


@pytest.fixture(scope="module")
def frames(spark):
    start = datetime.combine(FIRST, datetime.min.time(), tzinfo=UTC)
    made = made_purchases()
    at = [start + timedelta(days=d, hours=12) for d in made["day"].tolist()]
    names = [f"{c:04}" for c in made["customer"].tolist()]
    return _frames(spark, zip(names, at, at, made["amount"].tolist(), strict=True))


@pytest.fixture(scope="module")
def snapshots(frames):
    built = build_snapshots(*frames, as_of_dates=[AS_OF]).cache()
    yield built
    built.unpersist()


def test_what_spark_collects_is_every_purchase_as_it_was_known(frames, snapshots, data):
    size = measure_history(snapshots, as_of=AS_OF)
    assert (size.first_purchase, size.people, size.share) == (FIRST, data.people, 1.0)
    assert size.purchase_days == len(data.ledger.day)
    found = collect_training_data(purchase_pieces(*frames, until=AS_OF), as_of=AS_OF, size=size)
    for name in ("customer", "day", "amount"):
        assert np.array_equal(getattr(found.ledger, name), getattr(data.ledger, name))
    assert found.group.min() >= 0 and found.group.max() < 200 and len(np.unique(found.group)) > 190


def test_above_the_bound_a_fixed_part_of_the_people_is_taken_and_told(frames, snapshots, monkeypatch):
    monkeypatch.setattr(training_data, "MAX_PEOPLE", 300)
    size = measure_history(snapshots, as_of=AS_OF)
    parts = [
        collect_training_data(purchase_pieces(*frames, until=AS_OF).repartition(n), as_of=AS_OF, size=size)
        for n in (1, 3)
    ]
    assert 200 < len(parts[0].group) < 400 and np.array_equal(parts[0].ledger.amount, parts[1].ledger.amount)
    trained = train_value(parts[0], as_of=AS_OF, horizon_weeks=13)
    assert any(f"{len(parts[0].group)} of 1,500" in w for w in trained.params.warnings)


def test_a_past_cut_knows_neither_later_purchases_nor_late_arrivals_nor_who_was_linked_later(spark):
    def at(days):
        return datetime(2025, 12, 1, 12, tzinfo=UTC) + timedelta(days=days)

    plain = [("a", at(-9), at(-9), 20), ("a", at(-3), at(-3), 0.1), ("b", at(-5), at(-5), 7)]
    late = [("a", at(-3), at(2), 5), ("a", at(1), at(1), 9), ("b", at(-5), at(3), -7), ("c", at(-4), at(5), 3)]
    late += [("a+", at(-8), at(-8), 50), ("a+", at(-3), at(-3), 6)]
    found = []
    for rows in (plain, plain + late):
        pieces = purchase_pieces(*_frames(spark, rows), until=date(2025, 12, 12))
        size = training_data.HistorySize(None, 3, 8)
        found.append(collect_training_data(pieces, as_of=date(2025, 12, 12), size=size).ledger)
    cut = (date(2025, 12, 1) - EPOCH).days - 1
    before, after = (cut_at(ledger, cut) for ledger in found)
    for name in ("customer", "x", "t_x", "age", "mean"):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    joined, end = (found[1].until((day - EPOCH).days - 1) for day in (JOINED, date(2025, 12, 12)))
    assert joined.amount[joined.customer == 0].tolist() == [20, 50, 11.1, 9]
    expected = [(0, 20), (0, 50), (0, 11.1), (0, 9), (2, 3)]
    assert list(zip(end.customer.tolist(), end.amount.tolist(), strict=True)) == expected


def test_a_trained_model_forecasts_later_periods_better_than_repeating_the_last(trained):
    metrics = trained.metrics
    assert metrics["cuts"] == 3 and len(trained.losses.sums) == 3
    assert abs(metrics["purchases_bias"]) < 0.15 and metrics["purchases_bias_sd"] >= 0
    assert metrics["purchases_rmse"] < metrics["last_period_purchases_rmse"]
    assert metrics["churn_auc"] > max(0.7, metrics["recency_churn_auc"] - 0.02)
    assert metrics["churn_brier"] < metrics["churn_brier_of_base_rate"]
    assert metrics["churn_ece"] < 0.06
    assert metrics["spend_gini"] > 0.3
    assert 0.85 < metrics["spend_coverage"] <= 1
    assert trained.params.as_of == AS_OF.isoformat()
    assert set(trained.figures) == {
        f"{name}.png" for name in ("calibration", "gains", "deciles", "backtest", "frequency", "importance")
    }


def test_training_twice_gives_the_same_parameters(data, trained):
    again = train_value(data, as_of=AS_OF, horizon_weeks=13, champion=trained.params)
    assert again.params == trained.params
    assert again.champion_gains and all(abs(g.mean) < 0.05 for g in again.champion_gains.values())


def test_the_layers_are_taken_where_they_beat_the_baseline_and_nowhere_else(trained):
    better, luck, worse = Gain(0.02, 0.01, 0.03), Gain(0.01, -0.01, 0.03), Gain(-0.02, -0.03, -0.01)
    assert beats({"a": better, "b": luck}) and not beats({"a": luck}) and not beats({"a": better, "b": worse})
    assert not beats({})
    is_layered = trained.chosen.startswith("the layers beat")
    assert is_layered == beats(trained.gains)
    if not is_layered:  # the baseline then is BG/NBD as it is
        assert trained.params.churn_method == "bgnbd" and trained.params.level_at(13).purchases == 0
        assert trained.metrics["purchases_rmse"] == trained.metrics["baseline_purchases_rmse"]


def test_one_amount_out_of_all_bounds_moves_nobody_else_and_its_limit_is_kept_with_the_version(data, trained):
    pieces = data.ledger.pieces
    slipped = replace(pieces, units=np.where(np.arange(len(pieces.day)) == 5, 10**9 * UNITS, pieces.units))
    made = train_value(replace(data, ledger=Ledger.of_pieces(slipped)), as_of=AS_OF, horizon_weeks=13)
    (told,) = [w for w in made.params.warnings if w.startswith("amount: 1 purchase days")]
    limit = made.params.amount_limit
    assert limit == pytest.approx(10_000 * np.median(data.ledger.amount), rel=0.001) and told in write_card("ltv", made)
    asked = pd.DataFrame({"days_ago": [[90.0, 2.0]] * 3, "amounts": [[20.0, a] for a in (30.0, limit, 1e9)]})
    kept = ValueParameters.from_json(made.params.to_json())
    usual, at_limit, beyond = Scorer(kept).score(cut_of(asked), horizon_weeks=13)["ltv"]
    assert usual == pytest.approx(
        Scorer(trained.params).score(cut_of(asked.head(1)), horizon_weeks=13)["ltv"][0], rel=0.5
    )
    assert beyond == at_limit  # by the version's limit: these three alone would have another
    served = ValueModel("ltv", kept).predict(None, asked)["ltv"]
    assert served.tolist() == [usual, at_limit, beyond]


def test_days_of_an_unknown_time_are_not_learned_from_nor_scored_by(data, trained):
    pieces, far = data.ledger.pieces, -25_567  # 1900-01-01
    first = np.concatenate([[True], np.diff(pieces.customer) != 0]) & (pieces.customer % 50 == 0)
    order = np.sort(np.concatenate([np.arange(len(pieces.day)), np.flatnonzero(first)]))
    is_added = np.concatenate([np.diff(order) == 0, [False]])
    day = np.where(is_added, far, pieces.day[order])
    known_on = np.where(is_added, far, pieces.known_on[order])
    with_far = Ledger.of_pieces(Pieces(pieces.customer[order], day, known_on, pieces.units[order]))
    made = train_value(replace(data, ledger=with_far), as_of=AS_OF, horizon_weeks=13)
    assert "time: 30 people have purchases up to 1900-01-01" in made.params.warnings[-1]
    assert replace(made.params, warnings=()) == replace(trained.params, warnings=())
    gone = float((AS_OF - date(1900, 1, 1)).days - 1)
    asked = pd.DataFrame(
        {"days_ago": [[9.0, 2.0], [gone, 9.0, 2.0], [gone]], "amounts": [[5.0] * n for n in (2, 3, 1)]}
    )
    scored = Scorer(made.params).score(cut_of(asked), horizon_weeks=13)
    assert scored["p_churn"][0] == scored["p_churn"][1] and scored["p_churn"][2] > 0.99


def test_gains_pair_people_and_need_shared_cuts(trained):
    losses = Losses.from_json(trained.losses.to_json())
    same = gains_over(losses, losses)
    assert {(g.mean, g.low, g.high) for g in same.values()} == {(0.0, 0.0, 0.0)}
    half = Losses({d: {n: s / 4 for n, s in by.items()} for d, by in losses.sums.items()}, losses.people)
    gains = gains_over(half, losses)
    assert gains["spend_rmse"].low == pytest.approx(0.5) and gains["churn_brier"].mean == pytest.approx(0.75)
    assert gains_over(Losses({}, {}), losses) == {}


def test_scores_with_a_learned_correction_are_those_of_training_one_by_one_and_grow_with_the_weeks(data, monkeypatch):
    monkeypatch.setattr("cdp.models.forecast.learned.choose_weights", lambda *_: _half())
    monkeypatch.setattr("cdp.models.forecast.learned.MIN_LEARNERS", 100)
    monkeypatch.setattr("cdp.models.forecast.learned.MIN_POSITIVES", 10)
    fitted = fit_candidates(data.ledger, as_of=(AS_OF - EPOCH).days - 1, horizon_weeks=13)
    params = fitted.layers.params
    assert set(params.boosters) == {"purchases", "spend", "any"}
    scorer = Scorer(type(params).from_json(params.to_json()))
    scored = scorer.score(fitted.now.cut, horizon_weeks=13)
    alone = cut_of(pd.DataFrame({"days_ago": [[90.0, 30.0, 2.0]], "amounts": [[10.0, 20.0, 40.0]]}))
    many = cut_of(pd.DataFrame({"days_ago": [[4.0], [90.0, 30.0, 2.0]], "amounts": [[1.0], [10.0, 20.0, 40.0]]}))
    first, second = (scorer.score(c, horizon_weeks=13).iloc[-1] for c in (alone, many))
    assert first.drop("push_on").tolist() == pytest.approx(second.drop("push_on").tolist(), rel=1e-12)
    total = fitted.now.terms["bgnbd"].expected.sum()
    assert scored["expected_purchases"].sum() == pytest.approx(total, rel=0.25)
    assert np.allclose(scorer.forecast(fitted.now.cut, 13).p_any, scored["p_any"])
    for name in ("expected_purchases", "p_any", "expected_spend"):
        columns = scored[[f"{name}_{w}w" for w in HORIZONS]].to_numpy()
        assert (np.diff(columns, axis=1) >= 0).all()
    assert (scored["push"].abs() > 0).any() and scored["push_on"].str.len().min() > 0
    assert max(push_sizes(params, fitted.now.cut).values()) > 0
    of_purchases = replace(params, weights=replace(params.weights, any=0.0))  # the correction has no say in who buys
    assert list(push_sizes(of_purchases, fitted.now.cut)) == list(STATISTICS)


def _half():
    from cdp.models.forecast.gate import Weights

    return Weights(0.5, (0.25, 0.25), 0.5)


def test_scores_of_a_day_have_the_shape_and_the_numbers(snapshots, trained, data):
    models = {
        "churn": ScoringModel("cdp.churn", "4", trained.params),
        "ltv": ScoringModel("cdp.ltv", "7", trained.params),
    }
    frame = score_snapshots(snapshots, models, as_of=AS_OF)
    assert [(f.name, f.dataType) for f in frame.schema] == [(f.name, f.dataType) for f in PREDICTIONS.schema]
    rows = frame.toPandas().sort_values("person_id")
    assert len(rows) == 2 * data.people and not rows.duplicated(["person_id", "model", "as_of"]).any()
    churn, ltv = (rows[rows["model"] == k].set_index("person_id") for k in ("churn", "ltv"))
    expected = Scorer(trained.params).score(cut_at(data.ledger, (AS_OF - EPOCH).days - 1), horizon_weeks=13)
    assert np.allclose(churn["score"], expected["p_churn"], rtol=1e-9)
    assert np.allclose(ltv["score"], expected["ltv"], rtol=1e-9)
    assert np.allclose(ltv["expected_spend_52w_hi"], expected["expected_spend_52w_hi"], rtol=1e-9)
    assert churn["p_any_13w"].isna().all() and np.allclose(churn["p_any"], 1 - churn["score"])
    assert ((rows["lo"] <= rows["score"]) & (rows["score"] <= rows["hi"])).all()
    assert churn["score"].between(0, 1).all() and (ltv["score"] >= 0).all()
    assert set(churn["model_version"]) == {"4"} and set(ltv["model_version"]) == {"7"}
    assert rows["reasons"].map(len).min() >= 1 and set(rows["as_of"]) == {AS_OF}


def test_a_thin_history_is_refused_with_what_to_do():
    few = made_purchases(people=20)
    with pytest.raises(ModelError, match=r"20 people with a purchase.*Load"):
        train_value(data_of(few), as_of=AS_OF, horizon_weeks=13)


def test_repeating_the_last_period_is_what_was_bought_in_it(data):
    cut = cut_at(data.ledger, (AS_OF - EPOCH).days - 92)
    last = last_period(cut, 13)
    recent = (data.ledger.day > cut.as_of - 91) & (data.ledger.day <= cut.as_of)
    assert last.purchases.sum() == recent.sum() and last.spend.sum() == pytest.approx(data.ledger.amount[recent].sum())


def test_training_is_due_weekly_and_without_a_champion():
    day = date(2026, 1, 10)
    assert is_training_due(None, day)
    assert not is_training_due(day, day)
    assert is_training_due(day, day, is_noted=False)
    assert not is_training_due(date(2026, 1, 4), day)
    assert is_training_due(date(2026, 1, 3), day)
    assert not is_training_due(date(2026, 2, 1), day)


def test_a_training_that_a_kill_left_without_its_row_is_not_noted(rows):
    day, names = date(2026, 1, 10), ["cdp.churn", "cdp.ltv"]
    written = rows(MODEL_RUNS, [{"model": "cdp.churn", "model_version": "1", "as_of": day}])
    assert not is_noted(lambda: written, names, as_of=day, last_trained=day)
    assert is_noted(lambda: written, names[:1], as_of=day, last_trained=day)
    assert is_noted(lambda: written, names, as_of=day, last_trained=date(2026, 1, 9))


def test_there_is_no_history_before_the_first_purchase(snapshots):
    assert measure_history(snapshots, as_of=date(2020, 1, 1)) == training_data.HistorySize(None, 0, 0)


def test_rows_of_the_ledger_say_what_was_decided(trained, spark, rows):
    at = datetime(2026, 1, 5, 6, tzinfo=UTC)
    attempts = [
        Attempt("cdp.churn", "promote", None, "3", "moved", "good", "models.train_value", at),
        Attempt("cdp.ltv", "promote", "1", "2", "refused", "bad", "models.train_value", at),
    ]
    made = model_run_rows(trained, attempts, run_id="r1", fingerprint="f", trained_at=at)
    found = rows(MODEL_RUNS, made).collect()
    assert [(r.model, r.model_version, r.as_of, r.is_champion, r.decided) for r in found] == [
        ("cdp.churn", "3", AS_OF, True, "good"),
        ("cdp.ltv", "2", AS_OF, False, "bad"),
    ]
    assert json.loads(found[0].parameters)["frequency"] == trained.params.frequency
    assert json.loads(found[0].metrics) == trained.metrics


def test_the_horizon_is_a_quarter_of_the_history_and_at_most_a_season():
    assert choose_horizon_weeks(date(2024, 1, 1), date(2026, 1, 1)) == 13
    assert choose_horizon_weeks(date(2025, 9, 1), date(2025, 12, 1)) == 3
    for first in (None, date(2025, 11, 1)):
        with pytest.raises(ModelError, match="8 are needed"):
            choose_horizon_weeks(first, date(2025, 12, 1))


def test_promotion_needs_the_floors_and_a_challenger_needs_more_than_the_first(trained):
    def of(gains=None, **figures):
        evaluation = replace(trained.evaluation, metrics=trained.evaluation.metrics | figures)
        return replace(trained, evaluation=evaluation, champion_gains=gains or {})

    assert decide_promotion(trained, has_champion=True).is_promoted
    assert not decide_promotion(of(churn_auc=0.4), has_champion=False).is_promoted
    assert decide_promotion(of(purchases_bias=0.7), has_champion=False).is_promoted
    refused = decide_promotion(of(purchases_bias=0.7), has_champion=True)
    assert not refused.is_promoted and "+70%" in refused.reason
    refused = decide_promotion(of(spend_bias=-0.6), has_champion=True)
    assert not refused.is_promoted and refused.reason.startswith("refused: expected spend off by -60%")
    better = decide_promotion(of({"spend_rmse": Gain(0.2, 0.1, 0.3)}, spend_bias=-0.6), has_champion=True)
    assert better.is_promoted and "though expected spend" in better.reason, "the champion is worse still"
    worse = decide_promotion(of({"churn_brier": Gain(-0.05, -0.08, -0.02)}), has_champion=True)
    assert not worse.is_promoted and "churn_brier 5.0% worse than the champion's" in worse.reason
    assert decide_promotion(of({"churn_brier": Gain(-0.005, -0.02, 0.01)}), has_champion=True).is_promoted


def test_fingerprint_depends_on_the_inputs_and_not_on_their_order():
    one, two, newer = (DatasetVersion("a", "/a", 1), DatasetVersion("b", "/b", 1), DatasetVersion("b", "/b", 2))

    def of(*datasets, horizon=13, tags=VALUE_TAGS):
        return training_fingerprint(tags, datasets, as_of=AS_OF, horizon_weeks=horizon)

    assert of(one, two) == of(two, one)
    assert len({of(one, two), of(one, newer), of(one, two, horizon=12), of(one), of(one, tags={})}) == 5


def test_without_a_champion_there_are_no_scores(snapshots):
    assert score_snapshots(snapshots, {}, as_of=AS_OF).count() == 0
