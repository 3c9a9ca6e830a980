"""Models of conf/models: learned where there is something to learn, the base rate elsewhere, registered and proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.core.errors import ConfigError, ModelError
from cdp.models.declared.cuts import plan_cuts
from cdp.models.declared.registered import (
    MODEL_FILE,
    load_declared,
    log_declared,
    training_tags,
    tries_of_declared,
)
from cdp.models.declared.score import prediction_rows, score_people
from cdp.models.declared.spec import PropensitySpec, check_specs, chosen_features, definition_mark
from cdp.models.declared.train import decide, train_declared
from cdp.models.model_runs import model_run_row
from cdp.models.promotion import Asker, settle
from cdp.models.registry import VALUE_TAGS, find_run
from cdp.models.tracking import client_of, open_tracking
from cdp.models.train import training_fingerprint
from cdp.models.tries import VALUE, last_day, list_tries, noting_refusal, trainings_of_value, tries_of
from cdp.models.value import FORM
from cdp.models.versions import compare_versions, list_versions
from cdp.rules.definitions import load_definitions
from cdp.rules.measures import Measure

AS_OF = date(2026, 1, 5)
CUTS = [AS_OF - timedelta(weeks=4 * k) for k in range(6, 0, -1)]
SPEC = PropensitySpec(
    label={"table": "silver.events", "filter": "event_type = 'email'"},
    horizon_weeks=4,
    purpose="email_marketing",
    owner="crm",
    description="Whether a customer clicks.",
)
ASKER = Asker("night", datetime(2026, 1, 5, tzinfo=UTC))


def made(people: int = 700, *, signal: float = 1.5, first_label: int = 0, seed: int = 4) -> pd.DataFrame:
    """Rows of `cuts.collect_cuts`: opens push the label by `signal` log-odds each, silence is noise with gaps."""
    rng = np.random.default_rng(seed)
    found, before = [], np.zeros(people)
    keen = rng.poisson(0.8, people).astype(float)
    for number, day in enumerate(CUTS):
        label = (rng.random(people) < 1 / (1 + np.exp(2.5 - signal * keen))).astype(float) * (number >= first_label)
        silence = np.where(rng.random(people) < 0.2, np.nan, rng.gamma(2, 20, people))
        rows = {"person_id": [f"p{i:04}" for i in range(people)], "as_of": day, "opens": keen, "silence": silence}
        found.append(
            pd.DataFrame({**rows, "favourite": rng.choice(["Toys", "Wine"], people)}).assign(label=label, before=before)
        )
        before = label
    return pd.concat(found, ignore_index=True)


@pytest.fixture(scope="module")
def trained():
    return train_declared(made(), spec=SPEC, definition="d1", as_of=AS_OF)


def test_what_can_be_foretold_is_and_three_later_cuts_say_how_well(trained):
    figures = trained.metrics
    assert list(trained.cuts) == [str(day) for day in CUTS[-3:]] and trained.rows == 4200
    assert trained.declared.method in ("stack", "spline logistic")
    assert figures["auc"] > 0.7 and figures["auc"] > figures["last_period_auc"] and figures["auc_sd"] < 0.1
    assert figures["gain_log_loss_low"] > 0 and figures["brier"] < figures["base_rate_brier"]
    assert figures["calibration_error"] < 0.05 and abs(figures["bias"]) < 0.15
    assert trained.declared.features == ("favourite", "opens", "silence")
    assert next(iter(trained.importance)) == "opens" and trained.importance["opens"] > 0.5
    assert trained.candidates[trained.declared.method] == trained.cuts
    assert trained.candidates["base rate"][str(CUTS[-1])]["auc"] == 0.5
    assert decide(trained).is_promoted and "later cuts" in decide(trained).reason


def test_the_order_of_the_rows_does_not_matter(trained):
    shuffled = made().sample(frac=1, random_state=1)
    by_cut = shuffled.sort_values(["as_of", "person_id"], ignore_index=True)
    again = train_declared(by_cut, spec=SPEC, definition="d1", as_of=AS_OF)
    assert again.metrics == trained.metrics


def test_where_nothing_can_be_foretold_everybody_gets_the_base_rate():
    trained = train_declared(made(signal=0.0), spec=SPEC, definition="d1", as_of=AS_OF)
    assert trained.declared.method == "base rate" and "base rate for everybody" in trained.chosen
    scored = score_people(trained.declared, made(5))
    assert trained.importance == {} and list(trained.figures) == ["backtest.png"], "nobody is ranked"
    assert scored["probability"].nunique() == 1 and all(len(r) == 0 for r in scored["reasons"])
    assert scored["probability"][0] == pytest.approx(made(signal=0.0)["label"].mean(), rel=0.01)


def test_a_version_that_is_worse_than_the_champion_is_refused(trained):
    noise = train_declared(made().assign(opens=1.0), spec=SPEC, definition="d1", as_of=AS_OF)
    assert noise.declared.method == "base rate" and decide(noise).is_promoted, "a first one may be the base rate"
    later = train_declared(
        made().assign(opens=lambda rows: rows["opens"], silence=0.0), spec=SPEC, definition="d1", as_of=AS_OF,
        champion=trained.declared,
    )  # fmt: skip
    assert abs(later.champion_gains["brier"].mean) < 0.05 and decide(later).is_promoted
    worse = replace(noise, champion_gains={"brier": replace(later.champion_gains["brier"], mean=-0.2, high=-0.1)})
    assert decide(worse).reason == "refused: brier 20.0% worse than the champion's on later periods"


def test_too_little_history_and_labels_that_never_came_are_told():
    assert plan_cuts(date(2025, 7, 1), AS_OF, 4).cuts == tuple(CUTS[1:])
    assert (
        plan_cuts(date(2020, 1, 1), AS_OF, 4).dates[-1] == AS_OF
        and len(plan_cuts(date(2020, 1, 1), AS_OF, 4).cuts) == 6
    )
    with pytest.raises(ModelError, match="no purchase is known"):
        plan_cuts(None, AS_OF, 4)
    with pytest.raises(ModelError, match="2 past days have 4 weeks before and behind them, 4 are needed"):
        plan_cuts(date(2025, 10, 1), AS_OF, 4)
    with pytest.raises(ModelError, match="first seen behind 2025-11-10: 2 past days"):
        train_declared(made(first_label=4), spec=SPEC, definition="d1", as_of=AS_OF)
    with pytest.raises(ModelError, match="never happened"):
        train_declared(made(first_label=9), spec=SPEC, definition="d1", as_of=AS_OF)
    with pytest.raises(ModelError, match="fewer than 10 customers"):
        train_declared(made(people=25, signal=0.0), spec=SPEC, definition="d1", as_of=AS_OF)
    late = train_declared(made(first_label=1), spec=SPEC, definition="d1", as_of=AS_OF)
    assert late.rows == 3500, "the cut before the label was ever seen is left out"


def test_rows_of_predictions_have_probability_reasons_and_version(trained):
    from cdp.models.declared.score import DeclaredVersion

    people = made(40).head(40)
    rows = prediction_rows("email_click", DeclaredVersion("cdp.email_click", "3", trained.declared), people, AS_OF)
    assert list(rows.columns) == PREDICTIONS.column_names and len(rows) == 40
    assert rows["score"].between(0, 1).all() and rows["score"].nunique() > 3
    assert set(rows["model"]) == {"email_click"} and set(rows["model_version"]) == {"3"}
    assert any("opens = " in reason and "raises" in reason for reasons in rows["reasons"] for reason in reasons)
    without = prediction_rows("m", DeclaredVersion("cdp.m", "1", trained.declared), people.drop(columns="opens"), AS_OF)
    assert without["score"].notna().all()


def test_a_refused_training_counts_as_tried_under_its_definition_alone(tmp_path):
    tracking = open_tracking(f"sqlite:///{tmp_path}/mlflow.db", artifact_location=str(tmp_path / "artifacts"))
    for name, tags in (("click", training_tags("click", "d1")), ("value", VALUE_TAGS)):
        with (
            pytest.raises(ModelError, match="never happened; it is tried again as of 2026-01-12"),
            noting_refusal(tracking, name, tags, as_of=AS_OF, every_days=7),
        ):
            raise ModelError("never happened")
    client_of(tracking).create_run(tracking.experiment_id, tags={"cdp.model": "click", "cdp.as_of": "2026-01-06"})
    tries = list_tries(tracking)
    assert len(tries) == 2, "a killed one is none"
    for tried in (tries_of_declared(tries, "click", "d1"), tries_of(tries, VALUE, FORM)):
        assert last_day(tried) == AS_OF and [dict(t.versions) for t in tried] == [{}]
    assert tries_of_declared(tries, "click", "d2") == tries_of_declared(tries, "other", "d1") == []
    assert last_day([]) is None and trainings_of_value(tries) == []
    runs = client_of(tracking).search_runs([tracking.experiment_id], "attributes.status = 'FAILED'")
    assert [run.data.tags["cdp.refused"] for run in runs] == ["never happened"] * 2


def test_a_version_is_registered_proved_and_becomes_champion(trained, tmp_path):
    import mlflow

    tracking = open_tracking(f"sqlite:///{tmp_path}/mlflow.db", artifact_location=str(tmp_path / "artifacts"))
    mark = training_fingerprint(training_tags("click", "d1"), [], as_of=AS_OF, horizon_weeks=4)
    run = log_declared(tracking, "click", SPEC, trained, datasets=[], fingerprint=mark)
    assert find_run(tracking, mark) == run and run.versions == {"cdp.click": "1"}
    (tried,) = tries = list_tries(tracking)
    assert tries_of_declared(tries, "click", "d1") == tries and (tried.as_of, tried.run_id) == (AS_OF, run.run_id)
    assert dict(tried.versions) == run.versions and trainings_of_value(tries) == []
    _assert_pictures_and_nested_runs(tracking, run.run_id, trained)
    assert load_declared(tracking, tries, {"click": "d1"}) == {}, "registering promotes nothing"
    attempt = settle(tracking, "cdp.click", "1", decide(trained), asker=ASKER)
    assert attempt.is_moved, attempt.reason
    champion = load_declared(tracking, tries, {"click": "d1", "other": "d1"})["click"]
    people = made(50)
    assert np.array_equal(
        score_people(champion.declared, people)["probability"], score_people(trained.declared, people)["probability"]
    )
    assert load_declared(tracking, tries, {"click": "d2"}) == {}, "a score of another definition means something else"
    version = list_versions(tracking)[0]
    assert (version.name, version.aliases) == ("cdp.click", ("champion",)) and "email_marketing" in version.card
    assert (
        "Whether a customer clicks." in version.card and "| auc |" in version.card and "log-odds: opens" in version.card
    )
    assert compare_versions(version, version)["brier"].mean == 0
    served = mlflow.pyfunc.load_model("models:/cdp.click@champion").predict(people[["favourite", "opens", "silence"]])
    assert np.allclose(served["probability"], score_people(trained.declared, people)["probability"], rtol=1e-12)
    facts = {"as_of": trained.as_of, "metrics": trained.metrics, "parameters": trained.describe()}
    row = model_run_row(attempt, **facts, run_id=run.run_id, fingerprint=mark, trained_at=ASKER.at)
    folder = Path(mlflow.MlflowClient(tracking.uri).get_run(run.run_id).info.artifact_uri)
    (folder / MODEL_FILE).write_text("nonsense")
    with pytest.raises(ModelError, match=r"cdp.click \(version 1, .* missing or damaged"):
        load_declared(tracking, tries, {"click": "d1"})
    assert row["is_champion"] and '"horizon_weeks": 4' in row["parameters"] and "gain_auc" in row["metrics"]


def _assert_pictures_and_nested_runs(tracking, run_id, trained):
    client = client_of(tracking)
    assert {f.path for f in client.list_artifacts(run_id, "figures")} == {
        f"figures/{name}.png" for name in ("calibration", "gains", "deciles", "backtest", "importance")
    }
    nested = client.search_runs([tracking.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert {(n.data.tags["cdp.candidate"], n.data.tags["cdp.cut"]) for n in nested} == {
        (candidate, cut) for candidate in (trained.declared.method, "base rate") for cut in trained.cuts
    }
    rates = [n.data.metrics["brier"] for n in nested if n.data.tags["cdp.candidate"] == "base rate"]
    assert sum(rates) / 3 == pytest.approx(trained.metrics["base_rate_brier"])


def test_the_definitions_of_the_house_are_sound_and_wrong_ones_say_what_is_there():
    folder = Path(__file__).parents[4] / "conf" / "models"
    specs = load_definitions(folder, PropensitySpec)
    assert "email_click" in specs and specs["email_click"].missing_sources(["crm"]) == ["email"]
    measure = Measure(table="silver.events", aggregate="count(*)", type="bigint")
    features = dict.fromkeys(specs["email_click"].features, measure)
    check_specs(specs, features=features, sources=["email"])
    assert list(chosen_features(SPEC, features)) == sorted(features)
    with pytest.raises(ConfigError, match=r"models/mine.yaml: features: 'opens' is no trait with `is_feature: true`"):
        check_specs({"mine": SPEC.model_copy(update={"features": ("opens",)})}, features=features, sources=[])
    with pytest.raises(ConfigError, match=r"mine.yaml: sources: 'mail' is no source; did you mean 'email'"):
        check_specs({"mine": SPEC.model_copy(update={"sources": ("mail",)})}, features=features, sources=["email"])
    with pytest.raises(ConfigError, match="'churn' cannot be a model's name"):
        check_specs({"churn": SPEC}, features=features, sources=[])
    one, other = (definition_mark(SPEC, {"a": m}) for m in (measure, measure.model_copy(update={"window_days": 7})))
    assert one != other and one == definition_mark(SPEC.model_copy(update={"owner": "else"}), {"a": measure})
