"""Run jobs that do not touch each other's tables at the same time, as if one came after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from cdp.contracts.ops.runs import RUNS
from cdp.runtime.catalogue import LoadedJob
from cdp.runtime.job import Job

#: Two jobs at a time: one plans, on one core, while the other one's tasks run; more would share the same memory.
LANES = 2


def must_wait(later: Job, earlier: Job) -> bool:
    """Whether ``later`` has to wait for ``earlier``: one writes a table that the other one reads or writes.

    Every job is noted in ops.runs, so a job that reads it waits for all before it.
    """
    writes = [{t.full_name for t in job.writes} for job in (later, earlier)]
    reads = [{t.full_name for t in job.reads + job.reads_previous} for job in (later, earlier)]
    return RUNS.full_name in reads[0] or bool(writes[1] & (reads[0] | writes[0]) or writes[0] & reads[1])


def run_in_lanes(ordered: Sequence[LoadedJob], run: Callable[[LoadedJob], None], *, lanes: int = LANES) -> None:
    """Call ``run`` for each job, up to ``lanes`` at a time, each after those before it that it must wait for.

    The first error is raised once the jobs that were running have ended; no job is begun after it.
    """
    waiting, running = list(ordered), dict[Future[None], LoadedJob]()
    failed: Exception | None = None
    with ThreadPoolExecutor(max_workers=lanes) as pool:
        while running or (waiting and not failed):
            before = list(running.values())
            for loaded in [] if failed else list(waiting):
                if len(running) < lanes and not any(must_wait(loaded.job, other.job) for other in before):
                    waiting.remove(loaded)
                    running[pool.submit(run, loaded)] = loaded
                before.append(loaded)
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                del running[future]
                error = future.exception()
                failed = failed or (error if isinstance(error, Exception) else None)
    if failed:
        raise failed
