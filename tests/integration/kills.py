"""Start a run in its own process group and kill it with all its children, as a lost machine would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.05


def nights_command(home: Path, company: Path, first: str, last: str) -> list[str]:
    """The backfill that is killed and started again."""
    command = [sys.executable, "-m", "cdp.cli", "nightly", "--from", first, "--to", last]
    return [*command, "--home", str(home), "--input", str(company), "--env", "ci"]


def run_until(command: list[str], is_moment: Callable[[], bool], *, at_most_seconds: float = 900) -> int | None:
    """Kill -9 the run as soon as the moment has come; gives its exit code where it ended before, else None.

    AssertionError when neither happens in time.
    """
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + at_most_seconds
    try:
        while run.poll() is None and not is_moment():
            assert time.monotonic() < deadline, f"neither the moment nor the end came in {at_most_seconds} s"
            time.sleep(_LOOK_EVERY_SECONDS)
        return run.poll()
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def has_commit(lake: Path, table: str) -> Callable[[], bool]:
    """The moment at which a table's first rows are committed; ``table`` as ``layer/name``."""
    log = lake / table / "_delta_log"
    return lambda: bool(list(log.glob("*0001.json")))


def after_commits(lake: Path, commits: int, seconds: float) -> Callable[[], bool]:
    """The moment some seconds after the lake has so many commits more than now."""
    wanted = count_commits(lake) + commits
    due: list[float] = []

    def is_moment() -> bool:
        if not due and count_commits(lake) >= wanted:
            due.append(time.monotonic() + seconds)
        return bool(due) and time.monotonic() >= due[0]

    return is_moment


def count_commits(lake: Path) -> int:
    """The commits of all tables of a lake so far."""
    return sum(1 for _ in lake.glob("*/*/_delta_log/*.json"))
