"""The registered versions: listed, compared, made champion by the gate, given back by name."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.models.conftest import AS_OF

from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.core.errors import ModelError
from cdp.models.promotion import Asker, promote_version, refuse_challenger, rollback
from cdp.models.registry import load_champion, log_and_register
from cdp.models.tracking import client_of, open_tracking
from cdp.models.versions import compare_versions, find_version, known_model, list_versions, load_importance

NAMES = {"churn": "cdp.churn", "ltv": "cdp.ltv"}
ASKER = Asker("ann", datetime(2026, 1, 6, tzinfo=UTC))


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    return open_tracking(f"sqlite:///{folder}/mlflow.db", artifact_location=str(folder / "artifacts"))


@pytest.fixture(scope="module")
def two_versions(tracking, trained):
    for fingerprint in ("first", "second"):
        log_and_register(tracking, trained, names=NAMES, datasets=[], fingerprint=fingerprint)


def test_nothing_is_listed_before_the_first_training(tmp_path):
    fresh = open_tracking(f"sqlite:///{tmp_path}/mlflow.db", artifact_location=str(tmp_path / "artifacts"))
    assert list_versions(fresh) == []
    refused = rollback(fresh, "cdp.ltv", asker=ASKER)
    assert not refused.is_moved and "no version carries the alias `previous`" in refused.reason


def test_versions_are_promoted_and_given_back(tracking, two_versions, trained):
    assert [(v.name, v.version) for v in list_versions(tracking)] == [
        ("cdp.churn", "2"), ("cdp.churn", "1"), ("cdp.ltv", "2"), ("cdp.ltv", "1"),
    ]  # fmt: skip
    first = promote_version(tracking, "cdp.ltv", "1", reason="the first one", asker=ASKER)
    second = promote_version(tracking, "cdp.ltv", "2", reason="better on later periods", asker=ASKER)
    assert (first.from_version, second.from_version, second.is_moved) == (None, "1", True)
    newest, oldest = [v for v in list_versions(tracking) if v.name == "cdp.ltv"]
    assert (newest.aliases, oldest.aliases) == (("champion",), ("previous",))
    assert (newest.reason, newest.as_of) == ("better on later periods", str(AS_OF))
    assert newest.metrics == pytest.approx(trained.metrics)
    back = rollback(tracking, "cdp.ltv", asker=ASKER)
    assert (back.from_version, back.to_version, back.is_moved) == ("2", "1", True)
    assert load_champion(tracking, "cdp.ltv").version == "1"
    assert find_version(tracking, "cdp.ltv", "previous").version == "2"


def test_two_versions_are_compared_on_what_both_were_tested_on(tracking, two_versions):
    newest, oldest = list_versions(tracking, ("cdp.churn",))
    gains = compare_versions(newest, oldest)
    assert {name: (g.low, g.high) for name, g in gains.items()} == dict.fromkeys(
        ("purchases_rmse", "spend_rmse", "churn_brier"), (0.0, 0.0)
    )
    assert all(sum(shares.values()) == pytest.approx(1) for shares in load_importance(newest).values())


def test_a_version_that_is_not_there_or_does_not_load_moves_no_alias(tracking, two_versions):
    assert promote_version(tracking, "cdp.churn", "1", reason="the first one", asker=ASKER).is_moved
    missing = promote_version(tracking, "cdp.churn", "7", reason="a typo", asker=ASKER)
    assert not missing.is_moved and missing.reason == "cdp.churn has no version 7; there is 1, 2"
    with pytest.raises(ModelError, match=r"no model 'cdp\.chum': did you mean 'cdp\.churn'"):
        known_model(tracking, "cdp.chum")
    with pytest.raises(ModelError, match=r"has no version 9; there is 2/challenger, 1/champion"):
        find_version(tracking, "cdp.churn", "9")
    broken = client_of(tracking).get_model_version_download_uri("cdp.churn", "2")
    shutil.rmtree(Path(broken.removeprefix("file://")))
    refused = promote_version(tracking, "cdp.churn", "2", reason="it looks better", asker=ASKER)
    assert not refused.is_moved and refused.reason.startswith("cdp.churn version 2 does not load and score")
    assert "No alias was moved" in refused.reason
    assert load_champion(tracking, "cdp.churn").version == "1"


def test_every_attempt_is_a_row_and_a_night_repeated_is_the_same_row(tracking, two_versions, rows):
    later = Asker("models.train_value", datetime(2026, 1, 7, tzinfo=UTC))
    one, two = (
        refuse_challenger(tracking, "cdp.ltv", "2", why="worse", asker=asker)
        for asker in (later, Asker(later.name, datetime(2026, 1, 8, tzinfo=UTC)))
    )
    refuse_challenger(tracking, "cdp.churn", "2", why="worse than the champion", asker=later)
    assert find_version(tracking, "cdp.churn", "2").reason == "worse than the champion"
    assert one.row(once=True)["promotion_id"] == two.row(once=True)["promotion_id"]
    assert one.row(once=False)["promotion_id"] != two.row(once=False)["promotion_id"]
    (found,) = rows(MODEL_PROMOTIONS, [one.row(once=True)]).collect()
    assert (found.model, found.action, found.outcome, found.reason) == ("cdp.ltv", "promote", "refused", "worse")


def test_the_gate_scores_by_spark_what_the_nights_score_with(tracking, trained, spark):
    made = log_and_register(tracking, trained, names=NAMES, datasets=[], fingerprint="third")
    asker = Asker("ann", ASKER.at, spark)
    name, version = "cdp.ltv", made.versions["cdp.ltv"]
    assert promote_version(tracking, name, version, reason="by Spark", asker=asker).is_moved
    other = client_of(tracking).get_model_version_download_uri(name, version).removeprefix("file://")
    (wrong,) = Path(other).glob("python_model.pkl")
    churn = client_of(tracking).get_model_version_download_uri("cdp.churn", made.versions["cdp.churn"])
    shutil.copy(Path(churn.removeprefix("file://")) / wrong.name, wrong)
    before = load_champion(tracking, name).version
    client_of(tracking).set_registered_model_alias(name, "champion", "1")
    refused = promote_version(tracking, name, version, reason="swapped", asker=asker)
    assert not refused.is_moved and before == version
    wrong.write_bytes(wrong.read_bytes()[:1000])
    cut_short = promote_version(tracking, name, version, reason="cut short", asker=asker)
    assert not cut_short.is_moved and "does not load and score: UnpicklingError" in cut_short.reason
    assert load_champion(tracking, name).version == "1"
