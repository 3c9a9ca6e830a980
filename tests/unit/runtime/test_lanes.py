"""Jobs side by side: which must wait for which, and what happens when one fails."""

from __future__ import annotations

import threading

import pytest

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.ops.runs import RUNS
from cdp.core.errors import CdpError, ConfigError
from cdp.runtime.catalogue import LoadedJob, load_jobs, order_jobs
from cdp.runtime.job import Job
from cdp.runtime.lanes import must_wait, run_in_lanes


def _loaded(job: Job) -> LoadedJob:
    return LoadedJob(job, lambda context: None, "", "")


def test_whoever_shares_a_written_table_waits() -> None:
    writes = Job("a.writes", writes=(PEOPLE,))
    reads = Job("b.reads", reads=(PEOPLE,), writes=(PROFILES,))
    looks_back = Job("c.looks_back", reads_previous=(PROFILES,), writes=(PREDICTIONS,))
    assert must_wait(reads, writes)
    assert must_wait(writes, reads), "who reads the old rows must have read them before they are replaced"
    assert must_wait(reads, looks_back) and must_wait(looks_back, reads)
    assert not must_wait(looks_back, writes)
    assert must_wait(Job("d.tells", reads_previous=(RUNS,)), looks_back), "every job is noted in ops.runs"


def test_the_nights_own_jobs_keep_their_order_where_it_matters() -> None:
    order = order_jobs(load_jobs())
    finished: list[str] = []
    lock = threading.Lock()

    def run(loaded: LoadedJob) -> None:
        with lock:
            earlier = [j for j in order[: order.index(loaded)] if must_wait(loaded.job, j.job)]
            assert {j.job.name for j in earlier} <= set(finished)
        with lock:
            finished.append(loaded.job.name)

    run_in_lanes(order, run)
    assert sorted(finished) == sorted(j.job.name for j in order) and finished[-1] == "ops.write_report"


def test_two_that_share_nothing_run_at_the_same_time() -> None:
    both_are_here = threading.Barrier(2, timeout=20)
    jobs = [_loaded(Job("a.one", writes=(PEOPLE,))), _loaded(Job("b.two", writes=(PROFILES,)))]
    run_in_lanes(jobs, lambda loaded: both_are_here.wait() and None)
    assert both_are_here.n_waiting == 0 and not both_are_here.broken


def test_after_a_failure_nothing_is_begun_and_what_runs_may_end() -> None:
    begun: list[str] = []
    ended: list[str] = []
    failed = threading.Event()

    def run(loaded: LoadedJob) -> None:
        begun.append(loaded.job.name)
        if loaded.job.name == "a.fails":
            failed.set()
            raise ConfigError("conf/traits/x.yaml: wrong")
        assert failed.wait(20)
        ended.append(loaded.job.name)

    jobs = [
        Job("a.fails", writes=(PEOPLE,)),
        Job("b.runs", writes=(PROFILES,)),
        Job("c.never", reads=(PROFILES,), writes=(PREDICTIONS,)),
    ]
    with pytest.raises(CdpError, match="wrong"):
        run_in_lanes([_loaded(job) for job in jobs], run)
    assert (sorted(begun), ended) == (["a.fails", "b.runs"], ["b.runs"])
