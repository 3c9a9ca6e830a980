"""The model of a list: learned, judged beside the champion, registered, proved at the gate and read back whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cdp.core.errors import ModelError
from cdp.models.gain import Gain
from cdp.models.model_runs import model_run_row
from cdp.models.promotion import Asker, settle
from cdp.models.recommendation import explore_part, repeat_part
from cdp.models.recommendation.purchase_log import PurchaseLog, collect_purchases
from cdp.models.recommendation.pyfunc_model import made_up_pairs
from cdp.models.recommendation.ranking_logit import fit_logit
from cdp.models.recommendation.recommend import Recommender, view_at
from cdp.models.recommendation.recommendations import rank_purchases, recommend_purchases
from cdp.models.recommendation.registered import (
    RECOMMENDER_FILE,
    list_tags,
    load_lists,
    log_list,
    tries_of_list,
)
from cdp.models.recommendation.spec import ListSpec
from cdp.models.recommendation.train import LISTS, POPULAR, YARDSTICKS, decide, train_list
from cdp.models.registry import find_run, load_text, version_at
from cdp.models.tracking import client_of, open_tracking
from cdp.models.train import DatasetVersion, training_fingerprint
from cdp.models.tries import list_tries, trainings_of_value
from cdp.models.versions import compare_versions, list_versions

AS_OF = date(2026, 1, 5)
SPEC = ListSpec(description="What each buys next.", item="product_id", k=5, purpose="personalisation", owner="crm")
ASKER = Asker("night", datetime(2026, 1, 5, tzinfo=UTC))
NAME = "cdp.recommendations.products"
DATASETS = [DatasetVersion("silver.order_lines", "/lake/silver/order_lines", 7)]


def made(customers: int = 150, days: int = 250, seed: int = 3) -> PurchaseLog:
    """Everybody likes eight items of one of three tastes, some of them weekly and some now and then."""
    random = np.random.default_rng(seed)
    rows = []
    for c in range(customers):
        liked, weekly = random.choice(20, 8, replace=False) + 20 * (c % 3), random.choice([0.05, 0.2, 0.7], 8)
        for week in range(days // 7):
            for item in liked[random.random(8) < weekly]:
                rows.append((f"c{c}", AS_OF - timedelta(days=7 * week + int(random.integers(1, 8))), f"item {item}"))
    columns = map(list, zip(*rows, strict=True))
    return collect_purchases(pa.table(dict(zip(("customer_id", "at", "item_id"), columns, strict=True))))


@pytest.fixture(scope="module")
def log():
    return made()


@pytest.fixture(scope="module")
def trained(log):
    return train_list(log, as_of=AS_OF)


def test_three_earlier_days_say_how_good_the_lists_were_beside_simple_ones(log, trained):
    figures, days = trained.metrics, {str(AS_OF - timedelta(days=28 * n)) for n in (1, 2, 3)}
    assert all(set(trained.candidates[name]) == days for name in (LISTS, YARDSTICKS, POPULAR))
    assert figures["cuts"] == 3 and figures["ndcg_at_10_all"] > 0.5 and figures["ndcg_at_10_all_sd"] < 0.1
    assert figures["gain_ndcg_at_10_all_over_popular_low"] > 0.1, "tastes differ, so what all buy is a poor list"
    assert figures["calibration_error"] < 0.05, "a chance is one"
    popular = figures["ndcg_at_10_all"] - figures["gain_ndcg_at_10_all_over_popular"]
    assert figures["popular_ndcg_at_10_all"] == pytest.approx(popular, abs=0.01)
    assert figures["yardsticks_ndcg_at_10_new"] <= figures["ndcg_at_10_new"]
    verb = recommend_purchases(log, AS_OF - timedelta(days=1), 10).summary["metrics"]
    assert verb["ndcg_at_10_all"]["mean"] == pytest.approx(figures["ndcg_at_10_all"])
    assert verb["calibration_error"]["mean"] == pytest.approx(figures["calibration_error"])
    assert (trained.customers, trained.items) == (150, 60) and next(iter(trained.importance)).startswith("repeat: own_")
    assert decide(trained).is_promoted and "NDCG@10 0." in decide(trained).reason


def test_the_champion_is_judged_on_the_same_days_and_a_worse_version_is_refused(log, trained):
    again = train_list(log, as_of=AS_OF, champion=trained.recommender)
    assert abs(again.champion_gains["ndcg_shortfall_all"].mean) < 0.05 and decide(again).is_promoted
    backwards = replace(trained.recommender.repeat, weights=-trained.recommender.repeat.weights)
    poor = train_list(log, as_of=AS_OF, champion=Recommender(backwards, trained.recommender.explore))
    assert poor.champion_gains["ndcg_shortfall_all"].low > 0.2, "a champion that ranks the wrong way round"
    worse = replace(trained, champion_gains={"ndcg_shortfall_all": Gain(-0.2, -0.3, -0.1)})
    assert decide(worse).reason.startswith("refused: ndcg_shortfall_all 20.0% worse than the champion")


def test_nothing_after_the_day_counts_and_a_short_history_is_told(log):
    day = AS_OF - timedelta(days=40)
    known = log.until((day - timedelta(days=1) - date(1970, 1, 1)).days)
    whole, cut = (train_list(part, as_of=day) for part in (log, known))
    assert whole.metrics == cut.metrics and whole.recommender.to_json() == cut.recommender.to_json()
    for short in (made(days=49), log.until(0)):
        with pytest.raises(ModelError, match="fewer than 8 weeks of purchases"):
            train_list(short, as_of=AS_OF)
    young = train_list(made(days=63), as_of=AS_OF)
    assert list(young.figures) == ["importance.png"] and decide(young).is_promoted
    assert decide(young).reason.startswith("too little history to be judged")


def test_the_model_ranks_the_same_once_it_was_text(log, trained):
    back = Recommender.from_json(trained.recommender.to_json())
    ours, theirs = (rank_purchases(log, AS_OF, 5, model).rows for model in (trained.recommender, back))
    assert ours.equals(theirs) and ours.num_rows > 150 * 8


def test_every_feature_has_its_name(log):
    view = view_at(log, (AS_OF - date(1970, 1, 1)).days)
    assert repeat_part.repeat_features(view.pairs, view.habits, np.arange(3)).shape[1] == len(repeat_part.FEATURES)
    found = explore_part.explore_candidates(view.near, view.habits, np.arange(3), 5)
    assert found.features.shape[1] == len(explore_part.FEATURES)
    np.testing.assert_allclose(found.features[:, explore_part.BUYERS], np.log(view.habits.buyers[found.item]))


def test_a_push_is_the_mean_distance_from_the_mean_on_the_log_odds():
    z = np.random.default_rng(0).normal(size=(20_000, 2))
    fitted = fit_logit(z, np.ones(len(z)), columns=(0, 1), is_curved=True)
    logit = replace(fitted, weights=np.array([0.5, 1.0, 0.0, 0.3, -0.2]))
    sizes = logit.push_sizes()
    assert sizes[0] == pytest.approx(np.abs(z[:, 0] + 0.3 * (z[:, 0] ** 2 - 1)).mean(), rel=0.03)
    assert sizes[1] == pytest.approx(np.abs(0.2 * (z[:, 1] ** 2 - 1)).mean(), rel=0.03)


def test_a_version_is_registered_proved_at_the_gate_and_read_back(trained, tmp_path):
    import mlflow

    tracking = open_tracking(f"sqlite:///{tmp_path}/mlflow.db", artifact_location=str(tmp_path / "artifacts"))
    tags = list_tags("products", SPEC)
    mark = training_fingerprint(tags, DATASETS, as_of=AS_OF, horizon_weeks=4)
    run = log_list(tracking, "products", SPEC, trained, datasets=DATASETS, fingerprint=mark)
    assert find_run(tracking, mark) == run and run.versions == {NAME: "1"}
    tries = list_tries(tracking)
    assert [t.as_of for t in tries_of_list(tries, "products", SPEC)] == [AS_OF] and trainings_of_value(tries) == []
    assert tries_of_list(tries, "products", SPEC.model_copy(update={"item": "category"})) == []
    assert load_lists(tracking, tries, {"products": SPEC}) == {}, "a challenger ranks nothing"

    attempt = settle(tracking, NAME, "1", decide(trained), asker=ASKER)
    assert attempt.is_moved and version_at(tracking, NAME, "champion") == "1"
    (found,) = load_lists(tracking, tries, {"products": SPEC, "other": SPEC}).values()
    assert (found.name, found.version) == (NAME, "1")
    assert found.recommender.to_json() == trained.recommender.to_json()
    facts = {"as_of": trained.as_of, "metrics": trained.metrics, "parameters": trained.describe()}
    row = model_run_row(attempt, **facts, run_id=run.run_id, fingerprint=mark, trained_at=ASKER.at)
    assert row["is_champion"] and row["model"] == NAME and '"customers": 150' in row["parameters"]

    logged = client_of(tracking).get_run(run.run_id)
    assert logged.data.metrics == pytest.approx(trained.metrics)
    assert logged.inputs.dataset_inputs[0].dataset.name == "silver.order_lines"
    pictures = {f.path for f in client_of(tracking).list_artifacts(run.run_id, "figures")}
    assert pictures == {f"figures/{n}.png" for n in ("backtest", "calibration", "gains", "deciles", "importance")}
    nested = client_of(tracking).search_runs([tracking.experiment_id], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    assert len(nested) == 9, "three candidates on three days"
    (version,) = list_versions(tracking, [NAME])
    assert "What each buys next." in version.card and "| ndcg_at_10_new |" in version.card
    assert compare_versions(version, version)["ndcg_shortfall_all"].mean == 0
    loaded = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    chance = loaded.predict(made_up_pairs(trained.recommender))["chance"]
    assert chance.between(0, 1).all() and chance[0] != chance[3]
    assert {c.name for c in loaded.metadata.signature.inputs.inputs} > {"part", "own_gap", "likeness_to_own"}


def test_a_version_whose_numbers_were_changed_is_refused_at_the_gate(trained, tmp_path):
    tracking = open_tracking(f"sqlite:///{tmp_path}/mlflow.db", artifact_location=str(tmp_path / "artifacts"))
    run = log_list(tracking, "products", SPEC, trained, datasets=[], fingerprint="f")
    (file,) = Path(tmp_path, "artifacts").rglob(RECOMMENDER_FILE)
    other = replace(trained.recommender.repeat, weights=trained.recommender.repeat.weights + 0.1)
    file.write_text(Recommender(other, trained.recommender.explore).to_json())
    assert load_text(run.run_id, RECOMMENDER_FILE) != trained.recommender.to_json()
    attempt = settle(tracking, NAME, "1", decide(trained), asker=ASKER)
    assert not attempt.is_moved and "does not score made-up customers as its stored parameters do" in attempt.reason
    file.write_text("{")
    attempt = settle(tracking, NAME, "1", decide(trained), asker=ASKER)
    assert not attempt.is_moved and f"its artifact {RECOMMENDER_FILE} is missing or damaged" in attempt.reason
