"""Fixtures of the tier with processes of its own: the command line, a small company, a lake of three nights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.collectors import RunningCollector

ROOT = Path(__file__).parents[2]
_PIP = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
NIGHTS = ("2026-01-05", "2026-01-06", "2026-01-07")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder belongs to the tier that runs without the in-process session."""
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.integration)


def skip_or_fail(reason: str) -> None:
    """Skip with the reason; fail where everything is required (CI)."""
    if os.environ.get("CDP_REQUIRE_ALL"):
        pytest.fail(f"required here, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cdp() -> Run:
    """``cdp("nightly", "--run-date", D, ...)`` as a process; the settings of small machines."""

    def run(
        *arguments: str, env: dict[str, str] | None = None, timeout: int = 560, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cdp.cli", *arguments]
        env = {**os.environ, **(env or {})}
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=env, cwd=cwd)

    return run


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[RunningCollector]:
    """A running collector; ended after the test."""
    running = RunningCollector(tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def company(cdp: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of a made company of 300 customers: a history of 52 weeks and three nights."""
    out = tmp_path_factory.mktemp("company") / "input"
    done = cdp(
        "sample", "--customers", "300", "--history-weeks", "52", "--nights", "3", "--seed", "7", "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheels")
    subprocess.run([*_PIP, "wheel", "--no-deps", "-w", str(out), str(ROOT)], check=True)
    return next(out.glob("cdp-*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds the project in the installed wheel, not in this checkout."""
    site = tmp_path_factory.mktemp("installed") / "site"
    subprocess.run([*_PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return {"PYTHONPATH": str(site)}


def _run_nights(cdp: Run, home: Path, company: Path, first: str, last: str) -> None:
    place = ["--home", str(home), "--input", str(company), "--env", "ci"]
    done = cdp("nightly", "--from", first, "--to", last, *place)
    assert done.returncode in (0, 6), done.stdout + done.stderr


@pytest.fixture(scope="session")
def first_night(cdp: Run, company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a lake after the first night; nobody changes it."""
    home = tmp_path_factory.mktemp("first") / "home"
    _run_nights(cdp, home, company, NIGHTS[0], NIGHTS[0])
    return home


@pytest.fixture(scope="session")
def three_nights(cdp: Run, company: Path, first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a lake after the three nights; tests that change it work on a copy."""
    home = tmp_path_factory.mktemp("three") / "home"
    shutil.copytree(first_night, home)
    _run_nights(cdp, home, company, NIGHTS[1], NIGHTS[-1])
    return home


@pytest.fixture
def lake_copy(three_nights: Path, tmp_path: Path) -> Path:
    """A copy of the three nights' home that a test may change."""
    home = tmp_path / "home"
    shutil.copytree(three_nights, home)
    return home
