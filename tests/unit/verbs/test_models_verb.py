"""``cdp models``: what a person sees, what is kept of each attempt, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.unit.models.conftest import AS_OF, data_of, made_purchases

from cdp.cli import main
from cdp.models.registry import log_and_register
from cdp.models.tracking import open_tracking
from cdp.models.train import train_value
from cdp.runtime.config import load_configuration


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two versions of churn and no champion; nothing of ltv."""
    settings = load_configuration(env="ci", overrides={"home": str(tmp_path)}).settings
    tracking = open_tracking(settings.mlflow_tracking_uri, artifact_location=settings.model_artifacts)
    trained = train_value(data_of(made_purchases(400)), as_of=AS_OF, horizon_weeks=13)
    for fingerprint in ("one", "two"):
        log_and_register(tracking, trained, names={"churn": "cdp.churn"}, datasets=[], fingerprint=fingerprint)
    return tmp_path


def run(home: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(("models", *arguments, "--home", str(home), "--env", "ci"))
    return int(left.value.code or 0)


def test_versions_are_compared_explained_promoted_and_every_attempt_is_kept(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "promote", "cdp.churn", "1", "--reason", "the first") == 0
    assert run(home, "promote", "cdp.churn", "challenger", "--reason", "newer") == 0
    assert run(home, "promote", "cdp.churn", "9", "--reason", "a typo") == 3
    assert "cdp.churn has no version 9; there is 1, 2" in capsys.readouterr().err
    assert run(home, "rollback", "cdp.churn") == 0 and run(home, "rollback", "cdp.ltv") == 3
    capsys.readouterr()
    assert run(home, "list") == 0 and "1  champion" in capsys.readouterr().out
    assert run(home, "compare", "cdp.churn", "previous", "champion") == 0
    assert "churn_brier: gain of version 2 over 1 +0.00% (+0.00% to +0.00%)" in capsys.readouterr().out
    assert run(home, "explain", "cdp.churn") == 0 and "Not for subscriptions" in capsys.readouterr().out
    assert run(home, "explain", "cdp.ltv", "champion") == 3
    kept = spark.read.format("delta").load(f"{home}/lake/ops/model_promotions").orderBy("decided_at").collect()
    assert [(r.model, r.action, r.from_version, r.to_version, r.outcome) for r in kept] == [
        ("cdp.churn", "promote", None, "1", "moved"), ("cdp.churn", "promote", "1", "2", "moved"),
        ("cdp.churn", "promote", "2", "9", "refused"), ("cdp.churn", "rollback", "2", "1", "moved"),
        ("cdp.ltv", "rollback", None, None, "refused"),
    ]  # fmt: skip
    assert all(r.reason and r.decided_by for r in kept)


def test_where_nothing_is_registered_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "home", "list") == 0
    assert f"no model is registered yet in {tmp_path / 'home'}" in capsys.readouterr().out.replace("\n", "")
    for asked in (("compare", "cdp.churn"), ("promote", "cdp.churn", "1", "--reason", "x"), ("rollback", "cdp.churn"),
                  ("explain", "cdp.ltv"), ("explain", "cdp.ltv", "--person", "p")):  # fmt: skip
        assert run(tmp_path / "home", *asked) == 3
        assert "no model is registered yet in" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
