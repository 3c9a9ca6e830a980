"""A night: all jobs in one session, each when what it reads is made and only if that changed; a line per job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from rich.console import Console

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.ops.runs import RUNS
from cdp.core.errors import CdpError, ContractError, TransientError
from cdp.rules.definitions import has_definitions
from cdp.runtime.catalogue import LoadedJob, load_jobs, order_jobs, sort_jobs, urgent_first
from cdp.runtime.config import Configuration
from cdp.runtime.interpreted import interpret_few
from cdp.runtime.job import Job, JobContext, clear_checkpoints
from cdp.runtime.lineup import check_definitions, check_expressions
from cdp.runtime.runlog import Finished, RunRecorder, fingerprint, input_versions
from cdp.tables.store import Lake

Clock = Callable[[], datetime]

#: Small jobs wait for planning and commits, each in one thread: two side by side keep two cores busy.
JOBS_AT_ONCE = 2


def utc_now() -> datetime:
    """The wall clock in UTC: the one place that reads it; everything else gets times passed."""
    return datetime.now(UTC)


@dataclass
class NightResult:
    """What a night did: jobs run and left out as unchanged, and what a person must know."""

    run_date: date
    ran: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_night(
    lake: Lake,
    configuration: Configuration,
    run_date: date,
    *,
    finished: Finished,
    console: Console,
    clock: Clock = utc_now,
) -> NightResult:
    """Run all jobs for ``run_date``; a job whose code, settings and inputs are as in its last run is left out.

    Jobs that do not need each other's tables run side by side. ``finished`` is what
    :func:`cdp.runtime.runlog.finished_runs` gives before the night.

    That the night has begun is noted before a job writes anything: a backfill that is killed and started again from an
    earlier date must not take for that date what this night has accepted.
    After a failure or a kill the same call goes on where it stopped: finished jobs are unchanged then. When a job
    fails, those that run beside it come to their end, no other starts, and its error is raised; each is in ops.runs.
    """
    jobs, result, start = load_jobs(), NightResult(run_date), time.monotonic()
    runner = _Runner(lake, configuration, run_date, clock, finished)
    interpret_few(lake.spark, held=finished.records)
    if finished.latest_night is None or finished.latest_night < run_date:
        runner.begin()
    order = [loaded.job.name for loaded in order_jobs(jobs)]
    with console.status("") as status:
        for name, context, seconds in runner.run_all(jobs, lambda names: status.update(", ".join(names))):
            for line in _lines(order, name, context, seconds):
                console.print(line, highlight=False, markup=False)
            if context is None:
                result.unchanged.append(name)
            else:
                if new := context.rows_written.get(LANDED_RECORDS.full_name):
                    interpret_few(lake.spark, held=finished.records, new=new)
                result.ran.append(name)
                result.problems += context.problems
    result.seconds = time.monotonic() - start
    return result


def run_one(
    lake: Lake, configuration: Configuration, loaded: LoadedJob, run_date: date, *, clock: Clock = utc_now
) -> JobContext:
    """Run one job whether or not anything changed, and note it in ops.runs.

    A job that nothing is configured for is left out as in a night, and the context's notes say so: to a scheduler that
    runs every job by itself it is done.
    """
    check_expressions(lake.spark, check_definitions(configuration))
    runner = _Runner(lake, configuration, run_date, clock, Finished())
    ((_, context, _),) = runner.run_all({loaded.job.name: loaded})
    if context is None:
        context = runner.context_of(loaded.job)
        context.note(f"nothing to do: there is no file in conf/{loaded.job.configured_by}")
    return context


#: What is known of a job that ended: its name, its context (None where nothing had changed) and its seconds.
Ended = tuple[str, JobContext | None, float]


@dataclass(frozen=True)
class _Started:
    """A job that runs: what it works with, and what will be noted of it."""

    loaded: LoadedJob
    context: JobContext
    noted: dict[str, Any]
    is_done: bool
    clock_start: float

    def run(self) -> float:
        """Do the job's work; gives its seconds."""
        try:
            self.loaded.main(self.context)
        finally:
            self.context.release()
        return self.seconds()

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.clock_start


class _Runner:
    """Runs the jobs of one night, each only if something changed, and notes each run."""

    def __init__(
        self, lake: Lake, configuration: Configuration, run_date: date, clock: Clock, finished: Finished
    ) -> None:
        self._lake, self._configuration, self._run_date, self._clock = lake, configuration, run_date, clock
        self._finished = finished
        self._run_id = uuid.uuid4().hex
        self._recorder = RunRecorder(lake)

    def begin(self) -> None:
        """Note that the night has begun, before a job writes anything."""
        self._recorder.begin(self._run_id, self._run_date, self._clock())

    def context_of(self, job: Job) -> JobContext:
        """What the job works in, if it runs now."""
        return JobContext(job, self._lake, self._configuration, self._run_date, self._run_id, self._clock())

    def run_all(
        self, jobs: dict[str, LoadedJob], show_running: Callable[[list[str]], None] = lambda names: None
    ) -> Iterator[Ended]:
        """Run the jobs, each when those that it reads from have ended; gives each when it has ended."""
        sorter, order = sort_jobs(jobs), urgent_first(jobs)
        ready: list[str] = []
        running: dict[Future[float], _Started] = {}
        failures: list[Exception] = []
        with ThreadPoolExecutor(JOBS_AT_ONCE) as pool:
            while running or (sorter.is_active() and not failures):
                ready = sorted([*ready, *sorter.get_ready()], key=order.index)
                if ready and len(running) < JOBS_AT_ONCE and not failures:
                    name = ready.pop(0)
                    try:
                        started = self._start(jobs[name])
                    except Exception as unread:
                        failures.append(explain_failure(name, self._run_date, unread))
                        continue
                    if started is None:
                        sorter.done(name)
                        yield name, None, 0.0
                    else:
                        running[pool.submit(started.run)] = started
                    continue
                show_running([one.context.job.name for one in running.values()])
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    started = running.pop(future)
                    error = future.exception()
                    if isinstance(error, Exception):
                        failures.append(self._note_failure(started, error))
                        continue
                    sorter.done(started.context.job.name)
                    yield self._note(started, future.result())
        self._recorder.flush()
        clear_checkpoints(self._lake.spark)
        if failures:
            raise failures[0]

    def _start(self, loaded: LoadedJob) -> _Started | None:
        """None where nothing has changed since the job's last run, or nothing is there that it works by."""
        job = loaded.job
        if job.configured_by and not has_definitions(self._configuration.definition_folders(job.configured_by)):
            return None
        context = self.context_of(job)
        if RUNS in job.reads + job.reads_previous:
            self._recorder.flush()
        inputs = input_versions(job, self._lake)
        mark = fingerprint(context, inputs)
        last = self._finished.runs.get(job.name)
        is_done = last is not None and last.holds(job, mark, self._run_date)
        if is_done and not job.looks_outside:
            return None
        noted = {"mark": mark, "inputs": inputs, "started_at": context.now}
        return _Started(loaded, context, noted, is_done, time.monotonic())

    def _note(self, started: _Started, seconds: float) -> Ended:
        context = started.context
        is_idle = context.job.looks_outside and not any(context.rows_written.values())
        if is_idle and started.is_done:
            return context.job.name, context if context.problems else None, seconds
        self._recorder.record(context, state="done", seconds=seconds, **started.noted)
        return context.job.name, context, seconds

    def _note_failure(self, started: _Started, error: Exception) -> Exception:
        told = explain_failure(started.context.job.name, self._run_date, error)
        message = str(told)[:500]
        self._recorder.record(
            started.context, state="failed", seconds=started.seconds(), message=message, **started.noted
        )
        if told is not error:
            told.__cause__ = error
        return told


def _lines(order: list[str], name: str, context: JobContext | None, seconds: float) -> list[str]:
    """What a job did and what a person must know of it; its number is its place in the order."""
    done = "unchanged" if context is None else f"{seconds:6.1f} s  {_rows(context)}"
    told = f"[{order.index(name) + 1:>2}/{len(order)}] {name:<{max(map(len, order))}}  {done}"
    if context is None:
        return [told]
    return [told, *(f"        ! {p}" for p in context.problems), *(f"        - {note}" for note in context.notes)]


def explain_failure(job: str, run_date: date, error: Exception) -> Exception:
    """The error to show for a job that failed: our own as they are, Spark's by class and condition only.

    A JVM error's text may hold a row's values, so it is not passed on.
    """
    if isinstance(error, CdpError):
        return error
    if isinstance(error, PySparkException | Py4JJavaError):
        condition = _condition_of(error)
        kind = TransientError if condition.startswith("DELTA_CONCURRENT") else ContractError
        return kind(
            f"{job}, run date {run_date}: Spark stopped with {condition}; run it with --debug to see Spark's own text"
        )
    return error


def _condition_of(error: PySparkException | Py4JJavaError) -> str:
    if isinstance(error, Py4JJavaError):  # of a class that pyspark has no name for
        return str(error.java_exception.getClass().getName())
    return error.getCondition() or type(error).__name__


def _rows(context: JobContext) -> str:
    parts = [f"{table} {n:,}" for table, n in context.rows_written.items() if n]
    return ", ".join(parts) or "no change"
