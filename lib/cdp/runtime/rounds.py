"""Run one job again and again until the process is told to stop: how streams are landed between the nights."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from cdp.core.errors import TransientError
from cdp.runtime.catalogue import LoadedJob
from cdp.runtime.config import Configuration
from cdp.runtime.job import JobContext
from cdp.runtime.lineup import check_definitions
from cdp.runtime.lock import night_lock
from cdp.runtime.night import Clock, explain_failure, utc_now
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
    (rounds that did nothing are not told), or why there was none: a round may fail for a while, and the next one goes
    on where it stopped. Rounds are no nights and do not stand in ops.runs; what they land does in ops.files.
    """
    check_definitions(configuration)
    with _told_to_stop() as stop:
        while not stop.is_set():
            try:
                with night_lock(configuration.settings.state):
                    context = _run_once(lake, configuration, loaded, clock())
                if context.problems or any(context.rows_written.values()):
                    told(context)
            except TransientError as error:
                told(error)
            stop.wait(every_seconds)


def _run_once(lake: Lake, configuration: Configuration, loaded: LoadedJob, now: datetime) -> JobContext:
    context = JobContext(loaded.job, lake, configuration, now.date(), uuid.uuid4().hex, now)
    try:
        loaded.main(context)
    except Exception as error:
        told = explain_failure(loaded.job.name, context.run_date, error)
        if told is error:
            raise
        raise told from error
    finally:
        context.release()
    return context


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
