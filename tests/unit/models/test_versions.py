"""Versions of a model: listed with what one compares, promoted only if they score, given back by name."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from cdp.core.errors import ModelError
from cdp.models.registry import client_of, load_champion, log_and_register, open_tracking, rollback
from cdp.models.versions import known_model, list_versions, promote_version

NAMES = {"churn": "cdp.churn", "ltv": "cdp.ltv"}


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


def test_versions_are_promoted_and_given_back(tracking, two_versions, trained):
    assert [(v.name, v.version) for v in list_versions(tracking)] == [
        ("cdp.churn", "2"), ("cdp.churn", "1"), ("cdp.ltv", "2"), ("cdp.ltv", "1"),
    ]  # fmt: skip
    promote_version(tracking, "cdp.ltv", "1", reason="the first one")
    promote_version(tracking, "cdp.ltv", "2", reason="better on the later period")
    newest, oldest = [v for v in list_versions(tracking) if v.name == "cdp.ltv"]
    assert (newest.aliases, oldest.aliases) == (("champion",), ("previous",))
    assert (newest.reason, newest.as_of) == ("better on the later period", str(date(2026, 1, 5)))
    assert newest.metrics == pytest.approx(trained.metrics)
    assert rollback(tracking, "cdp.ltv") == "1"
    assert load_champion(tracking, "cdp.ltv").version == "1"


def test_a_version_that_is_not_there_or_does_not_load_moves_no_alias(tracking, two_versions):
    promote_version(tracking, "cdp.churn", "1", reason="the first one")
    with pytest.raises(ModelError, match=r"cdp\.churn has no version 7; there is 1, 2"):
        promote_version(tracking, "cdp.churn", "7", reason="a typo")
    with pytest.raises(ModelError, match=r"no model 'cdp\.chum': did you mean 'cdp\.churn'"):
        known_model("cdp.chum")
    broken = client_of(tracking).get_model_version_download_uri("cdp.churn", "2")
    shutil.rmtree(Path(broken.removeprefix("file://")))
    with pytest.raises(ModelError, match=r"cdp\.churn version 2 does not load and score.*No alias was moved"):
        promote_version(tracking, "cdp.churn", "2", reason="it looks better")
    assert load_champion(tracking, "cdp.churn").version == "1"
