"""The MLflow door: fresh SQLite met by six processes, logging, reuse, aliases, and a model that loads without us."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from cdp.core.errors import ModelError
from cdp.models import registry
from cdp.models.histories import INPUTS
from cdp.models.logged_model import EXAMPLE
from cdp.models.registry import (
    champion_versions,
    find_run,
    load_champion,
    log_and_register,
    promote,
    version_at,
)
from cdp.models.tracking import open_tracking
from cdp.models.train import DatasetVersion
from cdp.models.tries import VALUE, list_tries, trainings_of_value, tries_of
from cdp.models.value import FORM

NAMES = {"churn": "cdp.churn", "ltv": "cdp.ltv"}
DATASETS = [DatasetVersion("silver.order_lines", "/lake/silver/order_lines", 7)]


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri, where = f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts")
    # Real processes, forked from one that has imported MLflow already: six imports alone would take 20 s of two cores.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "cdp.models.tracking"])
    with ProcessPoolExecutor(6, mp_context=context) as six:
        answers = [six.submit(open_tracking, uri, artifact_location=where) for _ in range(6)]
        assert len({a.result(timeout=120) for a in answers}) == 1, "all six see the same experiment"
    return open_tracking(uri, artifact_location=where)


@pytest.fixture(scope="module")
def run(tracking, trained):
    return log_and_register(tracking, trained, names=NAMES, datasets=DATASETS, fingerprint="f1")


def test_a_run_holds_metrics_data_version_pictures_and_a_card(tracking, trained, run):
    import mlflow

    client = mlflow.MlflowClient(tracking.uri)
    logged = client.get_run(run.run_id)
    assert logged.data.metrics == pytest.approx(trained.metrics)
    assert logged.data.params[f"{trained.params.frequency}_r"] == str(trained.params.model.r)
    assert {f.path for f in client.list_artifacts(run.run_id)} >= {"losses.json", "later_periods.json"}
    card = client.get_model_version("cdp.churn", run.versions["cdp.churn"]).description
    assert trained.chosen in card and "as of 3 past days" in card
    assert registry.load_text(run.run_id, "cards/cdp.churn.md") == card
    source = logged.inputs.dataset_inputs[0].dataset
    assert source.name == "silver.order_lines" and '"delta_table_version": 7' in source.source
    assert {f.path for f in client.list_artifacts(run.run_id, "figures")} == {
        f"figures/{name}.png" for name in ("calibration", "gains", "deciles", "backtest", "frequency", "importance")
    }
    nested = client.search_runs([tracking.experiment_id], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    assert {(n.data.tags["cdp.candidate"], n.data.tags["cdp.cut"]) for n in nested} == {
        (candidate, cut) for candidate in ("layers", "baseline") for cut in trained.losses.sums
    }
    biases = [n.data.metrics["spend_bias"] for n in nested if n.data.tags["cdp.candidate"] == "baseline"]
    assert sum(biases) / 3 == pytest.approx(trained.baseline.metrics["spend_bias"])
    assert "Not for subscriptions" in client.get_model_version("cdp.churn", run.versions["cdp.churn"]).description


def test_equal_inputs_find_the_run_and_its_versions(tracking, run):
    assert find_run(tracking, "f1") == run
    assert find_run(tracking, "f2") is None
    tries = list_tries(tracking)
    assert trainings_of_value(tries) == [(date(2026, 1, 5), 13)]
    assert [dict(t.versions) for t in tries_of(tries, VALUE, FORM)] == [run.versions]


def test_aliases_move_and_the_champion_has_the_same_parameters(tracking, trained, run):
    name = "cdp.ltv"
    assert load_champion(tracking, name) is None and load_champion(tracking, "cdp.unheard_of") is None
    first = run.versions[name]
    assert version_at(tracking, name, "challenger") == first
    promote(tracking, name, first, reason="first")
    promote(tracking, name, first, reason="again")
    assert version_at(tracking, name, "challenger") is None
    champion = load_champion(tracking, name)
    assert (champion.version, champion.run_id, champion.params) == (first, run.run_id, trained.params)
    made = log_and_register(tracking, trained, names={"ltv": name}, datasets=DATASETS, fingerprint="f3")
    second = made.versions[name]
    assert load_champion(tracking, name).version == first, "registering promotes nothing"
    assert version_at(tracking, name, "challenger") == second
    promote(tracking, name, second, reason="better")
    assert [version_at(tracking, name, a) for a in ("champion", "previous", "challenger")] == [second, first, None]
    assert champion_versions(tracking) == {name: second}


def test_a_fresh_process_without_this_package_scores_another_horizon_too(tracking, run, tmp_path):
    # None in sys.modules makes an import of the package fail, as on a machine that has only MLflow
    code = f"""
import sys
sys.modules["cdp"] = None
import mlflow, pandas as pd
mlflow.set_tracking_uri({tracking.uri!r})
model = mlflow.pyfunc.load_model("models:/cdp.churn/{run.versions["cdp.churn"]}")
data = pd.DataFrame({{"days_ago": [[210.0, 190.0, 150.0, 126.0]] * 2, "amounts": [[9.0] * 4] * 2}})
short, long = model.predict(data), model.predict(data, params={{"horizon_weeks": 26.0}})
assert list(short.columns) == ["p_churn", "lo", "hi", "p_alive", "expected_purchases", "method", "reasons"]
assert (long["p_churn"] < short["p_churn"]).all() and short["reasons"][0][0].startswith("last purchase 18 weeks")
assert short["p_churn"][0] == short["p_churn"][1]
print("scored")
"""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip().endswith("scored"), done.stderr[-2000:]


def test_a_champion_whose_artifact_is_gone_says_so(tracking, trained):
    made = log_and_register(tracking, trained, names={"ltv": "cdp.broken"}, datasets=DATASETS, fingerprint="f4")
    promote(tracking, "cdp.broken", made.versions["cdp.broken"], reason="first")
    import mlflow

    folder = mlflow.MlflowClient(tracking.uri).get_run(made.run_id).info.artifact_uri
    (Path(folder) / registry.PARAMETERS_FILE).unlink()
    with pytest.raises(ModelError, match=r"cdp.broken \(version .* cannot be read.*roll back"):
        load_champion(tracking, "cdp.broken")


def test_a_champion_of_an_earlier_release_is_trained_anew(tracking, trained):
    made = log_and_register(tracking, trained, names={"ltv": "cdp.old"}, datasets=DATASETS, fingerprint="f5")
    promote(tracking, "cdp.old", made.versions["cdp.old"], reason="first")
    import mlflow

    folder = mlflow.MlflowClient(tracking.uri).get_run(made.run_id).info.artifact_uri
    (Path(folder) / registry.PARAMETERS_FILE).write_text('{"bgnbd": {}, "frequency": "bgnbd"}')
    assert load_champion(tracking, "cdp.old") is None


def test_a_folder_that_was_moved_scores_with_its_own_champion(tracking, trained, run, tmp_path):
    import mlflow
    import pandas as pd

    name = "cdp.churn"
    promote(tracking, name, run.versions[name], reason="first")
    old, there, here = Path(tracking.uri.removeprefix("sqlite:///")).parent, tmp_path / "there", tmp_path / "here"
    shutil.copytree(old, there)
    try:
        copied = open_tracking(f"sqlite:///{there}/mlflow.db", artifact_location=str(there / "artifacts"))
        assert str(there) in mlflow.MlflowClient(copied.uri).get_run(run.run_id).info.artifact_uri
        there.rename(here)
        moved = open_tracking(f"sqlite:///{here}/mlflow.db", artifact_location=str(here / "artifacts"))
        assert load_champion(moved, name).params == trained.params
        scores = mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(pd.DataFrame(EXAMPLE)[list(INPUTS)])
        assert len(scores) == 4 and not there.exists()
        again = log_and_register(moved, trained, names={"churn": name}, datasets=DATASETS, fingerprint="f6")
        assert str(here) in mlflow.MlflowClient(moved.uri).get_run(again.run_id).info.artifact_uri
    finally:
        open_tracking(tracking.uri, artifact_location=str(old / "artifacts"))
    assert find_run(tracking, "f6") is None


def test_example_rows_are_made_up_and_complete():
    assert set(EXAMPLE) == set(INPUTS)
