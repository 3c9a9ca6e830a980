"""The same calls against a real MLflow server, which keeps the artifacts at its own place, and a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.postgres import PASSWORD, USER, postgres

from cdp.models.promotion import Asker, promote_version
from cdp.models.registry import load_champion, log_and_register
from cdp.models.tracking import open_tracking
from cdp.models.train import TrainedValue
from cdp.models.versions import list_versions
from cdp.runtime.config import load_configuration

pytestmark = pytest.mark.integration
NAMES = {"churn": "cdp.churn", "ltv": "cdp.ltv"}
ASKER = Asker("a test", datetime(2026, 1, 5, tzinfo=UTC))


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server on loopback with a database and an artifact store of its own."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
               "--backend-store-uri", f"sqlite:///{tmp_path}/server.db",
               "--artifacts-destination", str(tmp_path / "store")]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            if _answers(address):
                break
            assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_versions_live_on_the_server(server: str, trained: TrainedValue, tmp_path: Path) -> None:
    settings = load_configuration(env="ci", overrides={"home": str(tmp_path), "mlflow_tracking_uri": server}).settings
    tracking = open_tracking(settings.mlflow_tracking_uri, artifact_location=settings.model_artifacts)
    made = log_and_register(tracking, trained, names=NAMES, datasets=[], fingerprint="f1")
    promote_version(tracking, "cdp.ltv", made.versions["cdp.ltv"], reason="first", asker=ASKER)
    champion = load_champion(tracking, "cdp.ltv")
    assert champion is not None and champion.params == trained.params
    assert {(v.name, v.aliases) for v in list_versions(tracking)} == {
        ("cdp.churn", ("challenger",)), ("cdp.ltv", ("champion",)),
    }  # fmt: skip
    assert list((tmp_path / "store").rglob("value_parameters.json")), "the server keeps them"
    assert not (tmp_path / "state").exists()


def test_versions_live_in_postgresql_that_six_processes_meet_fresh(trained: TrainedValue, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "cdp.models.registry"])
    with postgres(tmp_path / "postgres") as port:
        uri = f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        overrides = {"home": str(tmp_path / "home"), "mlflow_tracking_uri": uri}
        settings = load_configuration(env="ci", overrides=overrides).settings
        with ProcessPoolExecutor(6, mp_context=context) as six:
            answers = [six.submit(open_tracking, uri, artifact_location=settings.model_artifacts) for _ in range(6)]
            assert len({a.result(timeout=240) for a in answers}) == 1, "all six see the same experiment"
        tracking = open_tracking(uri, artifact_location=settings.model_artifacts)
        made = log_and_register(tracking, trained, names=NAMES, datasets=[], fingerprint="f1")
        promote_version(tracking, "cdp.ltv", made.versions["cdp.ltv"], reason="first", asker=ASKER)
        champion = load_champion(tracking, "cdp.ltv")
        assert champion is not None and champion.params == trained.params
        assert list((tmp_path / "home").rglob("value_parameters.json")), "beside the lake, not in the working folder"
