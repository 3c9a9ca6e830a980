"""A job in rounds: one run after another, none beside a night, and an orderly end when the process is told to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from cdp.contracts.ops.runs import RUNS
from cdp.core.errors import TransientError
from cdp.runtime.catalogue import LoadedJob
from cdp.runtime.config import load_configuration
from cdp.runtime.job import Job, JobContext
from cdp.runtime.lock import night_lock
from cdp.runtime.rounds import run_in_rounds
from cdp.tables.store import Lake


def test_rounds_go_on_until_the_process_is_told_to_stop(lake: Lake, tmp_path: Path) -> None:
    configuration = load_configuration(env="ci", overrides={"home": str(tmp_path)})
    rounds: list[int] = []
    told: list[JobContext | TransientError] = []

    def main(context: JobContext) -> None:
        rounds.append(len(rounds))
        context.rows_written["bronze.landed_records"] = 3 - len(rounds)
        if len(rounds) == 2:
            raise TransientError("the source is away")
        if len(rounds) == 3:
            context.rows_written.clear()
            os.kill(os.getpid(), signal.SIGTERM)

    loaded = LoadedJob(Job("a.look", looks_outside=True), main, "", "")
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    run_in_rounds(lake, configuration, loaded, every_seconds=0, told=told.append)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert len(rounds) == 3
    assert [str(t) if isinstance(t, TransientError) else t.job.name for t in told] == ["a.look", "the source is away"]
    assert lake.version(RUNS) == -1


def test_there_is_no_round_beside_a_night(lake: Lake, tmp_path: Path) -> None:
    configuration = load_configuration(env="ci", overrides={"home": str(tmp_path)})
    told: list[JobContext | TransientError] = []

    def stop(said: JobContext | TransientError) -> None:
        told.append(said)
        os.kill(os.getpid(), signal.SIGINT)

    loaded = LoadedJob(Job("a.look", looks_outside=True), lambda context: None, "", "")
    with night_lock(configuration.settings.state):
        run_in_rounds(lake, configuration, loaded, every_seconds=0, told=stop)
    assert len(told) == 1 and "another run holds" in str(told[0])
