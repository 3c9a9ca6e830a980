"""The order of a night comes from what jobs read and write; mistakes in it are named."""

from __future__ import annotations

import pytest

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.events import EVENTS
from cdp.core.errors import CdpError, ConfigError
from cdp.runtime.catalogue import LoadedJob, edges_of, find_job, load_jobs, order_jobs, urgent_first
from cdp.runtime.job import Job, JobContext


def _main(context: JobContext) -> None:
    raise AssertionError("ordering runs nothing")


def _jobs(*records: Job) -> dict[str, LoadedJob]:
    return {record.name: LoadedJob(record, _main, "", "") for record in records}


def test_writers_come_before_readers_and_ties_go_by_name() -> None:
    jobs = _jobs(
        Job("c.last", reads=(PROFILES,)),
        Job("b.middle", reads=(PEOPLE,), writes=(PROFILES,)),
        Job("z.first", writes=(PEOPLE,), reads_previous=(PROFILES,)),
        Job("a.alone"),
    )
    assert edges_of(jobs) == {"c.last": {"b.middle"}, "b.middle": {"z.first"}, "z.first": set(), "a.alone": set()}
    assert [loaded.job.name for loaded in order_jobs(jobs)] == ["a.alone", "z.first", "b.middle", "c.last"]


def test_a_job_that_replaces_a_table_comes_after_those_that_read_its_last_state() -> None:
    jobs = _jobs(
        Job("a.replaces", writes=(PEOPLE,)),
        Job("b.looks_back", reads_previous=(PEOPLE,)),
        Job("c.goes_on", reads_previous=(PROFILES,), writes=(PROFILES,)),
    )
    assert edges_of(jobs) == {"a.replaces": {"b.looks_back"}, "b.looks_back": set(), "c.goes_on": set()}


def test_the_job_that_most_others_wait_for_is_the_most_urgent() -> None:
    jobs = _jobs(
        Job("a.short", writes=(EVENTS,)),
        Job("b.long", writes=(PEOPLE,)),
        Job("c.middle", reads=(PEOPLE,), writes=(PROFILES,)),
        Job("d.last", reads=(PROFILES, EVENTS)),
    )
    assert urgent_first(jobs) == ["b.long", "a.short", "c.middle", "d.last"]


def test_a_circle_and_a_table_with_two_writers_are_named() -> None:
    circle = _jobs(Job("a.x", reads=(PEOPLE,), writes=(PROFILES,)), Job("b.y", reads=(PROFILES,), writes=(PEOPLE,)))
    with pytest.raises(CdpError, match=r"circle: .*a\.x.*b\.y|circle: .*b\.y.*a\.x"):
        order_jobs(circle)
    with pytest.raises(CdpError, match=r"silver\.events.*a\.x.*b\.y"):
        edges_of(_jobs(Job("a.x", writes=(EVENTS,)), Job("b.y", writes=(EVENTS,))))


def test_a_job_is_found_by_name_or_the_nearest_is_offered() -> None:
    assert find_job("ingest.land_files").path == "ingest/land_files.py"
    with pytest.raises(ConfigError, match=r"did you mean 'ingest\.land_files'"):
        find_job("ingest.land_file")


def test_every_job_has_a_docstring_and_its_own_place() -> None:
    for name, loaded in load_jobs().items():
        assert loaded.path == name.replace(".", "/") + ".py"
        assert len(loaded.doc.splitlines()[0]) > 20, name
