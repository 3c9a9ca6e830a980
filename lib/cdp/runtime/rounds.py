"""Run one job again and again until the process is told to stop: how streams are landed between the nights."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from cdp.core.errors import TransientError
from cdp.runtime.catalogue import LoadedJob
from cdp.runtime.config import Configuration
from cdp.runtime.job import JobContext
from cdp.runtime.lineup import check_definitions
from cdp.runtime.lock import night_lock
from cdp.runtime.night import Clock, run_if_changed, utc_now
from cdp.runtime.runlog import finished_runs
from cdp.tables.store import Lake


def run_in_rounds(
    lake: Lake,
    configuration: Configuration,
    loaded: LoadedJob,
    *,
    every_seconds: float,
    told: Callable[[JobContext | TransientError], None],
    clock: Clock = utc_now,
) -> None:
    """Run a job for the day that it is, then wait so long, until SIGTERM or SIGINT: a round that has begun is ended.

    Each round holds the lock of a night; while a night holds it, rounds are left out. ``told`` gets what a round did
    (rounds that found nothing are not told), or why there was none: a round may fail for a while, and goes on where
    it stopped.
    """
    check_definitions(configuration)
    with _told_to_stop() as stop:
        while not stop.is_set():
            try:
                with night_lock(configuration.settings.state):
                    today, finished = clock().date(), finished_runs(lake)
                    context = run_if_changed(lake, configuration, loaded, today, finished=finished, clock=clock)
                    if context is not None:
                        told(context)
            except TransientError as error:
                told(error)
            stop.wait(every_seconds)


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
