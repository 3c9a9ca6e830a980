"""A night in one process: what is noted, what is left out, what a failure says and does not say."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.gold.household_members import HOUSEHOLD_MEMBERS
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.model import TableContract
from cdp.contracts.ops.runs import RUNS
from cdp.core.errors import CdpError, ConfigError, ContractError, TransientError
from cdp.runtime import night
from cdp.runtime.catalogue import LoadedJob
from cdp.runtime.config import Configuration, load_configuration
from cdp.runtime.entry import outcome
from cdp.runtime.job import Job, JobContext
from cdp.runtime.night import explain_failure, run_night, run_one
from cdp.runtime.runlog import Finished, finished_runs
from cdp.tables.store import Lake

NIGHT = date(2026, 1, 5)
SECRET_VALUE = "ana.canary@example.com"
Rows = Callable[..., DataFrame]


class Ticking:
    """A clock that goes on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration(env="ci", overrides={"home": str(tmp_path)})


class Night:
    """Runs nights of given jobs, in the order that their records give."""

    def __init__(self, lake: Lake, configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lake, self.configuration, self.monkeypatch = lake, configuration, monkeypatch
        self.clock, self.said = Ticking(), io.StringIO()

    def run(self, *jobs: LoadedJob, run_date: date = NIGHT) -> night.NightResult:
        self.monkeypatch.setattr(night, "load_jobs", lambda: {j.job.name: j for j in jobs})
        console = Console(file=self.said, width=200)
        finished = finished_runs(self.lake)
        return run_night(self.lake, self.configuration, run_date, finished=finished, console=console, clock=self.clock)

    def noted(self) -> list[tuple[str, str]]:
        ordered = self.lake.read(RUNS).where("state != 'begun'").orderBy("started_at").collect()
        return [(r.job, r.state) for r in ordered]


@pytest.fixture
def nights(lake: Lake, configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> Night:
    return Night(lake, configuration, monkeypatch)


def _writer(rows: Rows, people: list[str]) -> LoadedJob:
    def main(context: JobContext) -> None:
        context.write(PEOPLE, rows(PEOPLE, [_person(p) for p in people]))

    return LoadedJob(Job("b.write_people", writes=(PEOPLE,), looks_outside=True), main, "", "")


def _reader(rows: Rows) -> LoadedJob:
    def main(context: JobContext) -> None:
        found = [r.person_id for r in context.read(PEOPLE).orderBy("person_id").collect()]
        context.write(
            HOUSEHOLD_MEMBERS,
            rows(HOUSEHOLD_MEMBERS, [{"person_id": p, "household_id": p, "n_people": 1} for p in found]),
        )

    return LoadedJob(
        Job("a.read_people", reads=(PEOPLE,), writes=(HOUSEHOLD_MEMBERS,), follows_date=False), main, "", ""
    )


def _person(person_id: str) -> dict[str, object]:
    return {
        "person_id": person_id, "born_on": NIGHT, "anchor_record_id": f"crm:{person_id}", "n_records": 1,
        "n_identifiers": 1, "is_known": True, "status": "active",
    }  # fmt: skip


def test_jobs_run_in_the_order_of_their_tables_and_are_noted(nights: Night, rows: Rows) -> None:
    result = nights.run(_reader(rows), _writer(rows, ["p1", "p2"]))
    assert result.ran == ["b.write_people", "a.read_people"]
    assert nights.noted() == [("b.write_people", "done"), ("a.read_people", "done")]
    noted = {r.job: r for r in nights.lake.read(RUNS).where("state = 'done'").collect()}
    assert json.loads(noted["a.read_people"].rows) == {"gold.household_members": 2}
    assert json.loads(noted["a.read_people"].inputs) == {"gold.people": nights.lake.version(PEOPLE)}
    assert len({r.run_id for r in noted.values()}) == 1
    assert "gold.household_members 2" in nights.said.getvalue()


def test_a_job_whose_inputs_are_unchanged_is_left_out(nights: Night, rows: Rows) -> None:
    jobs = (_reader(rows), _writer(rows, ["p1"]))
    nights.run(*jobs)
    version = nights.lake.version(RUNS)
    again = nights.run(*jobs)
    assert (again.ran, again.unchanged) == ([], ["b.write_people", "a.read_people"])
    assert nights.lake.version(RUNS) == version
    # Another date concerns only a job that follows the date; new rows concern both.
    assert nights.run(*jobs, run_date=date(2026, 1, 6)).unchanged == ["a.read_people"]
    assert nights.run(_reader(rows), _writer(rows, ["p1", "p2"])).unchanged == []


def test_a_result_that_holds_for_a_while_is_kept_until_its_day(nights: Night, rows: Rows) -> None:
    def main(context: JobContext) -> None:
        context.write(PEOPLE, rows(PEOPLE, [_person("p1")]))
        context.holds_until = date(2026, 1, 8)

    job = LoadedJob(Job("b.write_people", writes=(PEOPLE,)), main, "", "")
    ran = [bool(nights.run(job, run_date=date(2026, 1, day)).ran) for day in (5, 6, 7, 8, 9)]
    assert ran == [True, False, False, True, True]  # held on the 8th until the 8th: not for the 9th
    assert nights.run(job, run_date=date(2026, 1, 9)).unchanged == ["b.write_people"]


def test_the_night_knows_its_latest_date(nights: Night, rows: Rows) -> None:
    assert finished_runs(nights.lake) == Finished()
    nights.run(_writer(rows, ["p1"]), run_date=date(2026, 1, 6))
    nights.run(_writer(rows, ["p1"]), run_date=NIGHT)
    finished = finished_runs(nights.lake)
    assert finished.latest_night == date(2026, 1, 6)
    # The run for the earlier night came last: what the tables hold is of that one.
    assert {job: run.run_date for job, run in finished.runs.items()} == {"b.write_people": NIGHT}


def test_a_night_that_has_begun_is_the_latest_before_its_first_job_writes(nights: Night) -> None:
    """Else a backfill killed in it and started again from the date before takes its deliveries for that date."""
    seen: list[Finished] = []
    job = LoadedJob(Job("b.look", looks_outside=True), lambda context: seen.append(finished_runs(nights.lake)), "", "")
    nights.run(job)
    nights.run(job)
    nights.run(job, run_date=date(2026, 1, 6))
    assert [found.latest_night for found in seen] == [NIGHT, NIGHT, date(2026, 1, 6)]
    begun = nights.lake.read(RUNS).where("state = 'begun'").orderBy("run_date").collect()
    assert [(row.job, row.run_date) for row in begun] == [("nightly", NIGHT), ("nightly", date(2026, 1, 6))]


def test_records_that_were_landed_are_counted_over_the_nights(nights: Night, rows: Rows) -> None:
    def landing(*numbers: int) -> LoadedJob:
        records = [
            {"landed_id": f"f:{n}", "source": "s", "file_id": "f", "record_no": n, "raw": b"x", "delivered_on": NIGHT}
            for n in numbers
        ]
        job = Job("a.land", writes=(LANDED_RECORDS,), looks_outside=True)
        return LoadedJob(
            job, lambda context: context.write(LANDED_RECORDS, rows(LANDED_RECORDS, records)) and None, "", ""
        )

    nights.run(landing(1, 2))
    nights.run(landing(1, 2, 3), run_date=date(2026, 1, 6))
    assert finished_runs(nights.lake).records == 3


def test_a_job_that_fails_in_spark_is_noted_and_the_value_is_not_told(nights: Night, rows: Rows) -> None:
    def main(context: JobContext) -> None:
        broken = rows(PEOPLE, [_person(SECRET_VALUE)]).withColumn("n_records", F.col("person_id").cast("bigint"))
        context.write(PEOPLE, broken)

    with pytest.raises(ContractError) as told:
        nights.run(LoadedJob(Job("b.write_people", writes=(PEOPLE,)), main, "", ""), _reader(rows))
    assert "b.write_people, run date 2026-01-05: Spark stopped with CAST_INVALID_INPUT" in str(told.value)
    assert SECRET_VALUE not in str(told.value)
    assert nights.noted() == [("b.write_people", "failed")]
    row = nights.lake.read(RUNS).where("state = 'failed'").collect()[0]
    assert "CAST_INVALID_INPUT" in row.message and SECRET_VALUE not in row.message
    assert finished_runs(nights.lake) == Finished(latest_night=NIGHT)


def test_what_java_says_where_pyspark_has_no_name_for_it_is_not_told(spark: SparkSession) -> None:
    with pytest.raises(Py4JJavaError, match=SECRET_VALUE) as raised:
        spark._jvm.java.io.FileReader(SECRET_VALUE)  # type: ignore[union-attr]
    told = explain_failure("b.read", NIGHT, raised.value)
    assert isinstance(told, ContractError) and SECRET_VALUE not in str(told)
    assert str(told).startswith("b.read, run date 2026-01-05: Spark stopped with java.io.FileNotFoundException; run it")


def test_after_a_failure_the_night_goes_on_where_it_stopped(nights: Night, rows: Rows) -> None:
    def fail(context: JobContext) -> None:
        raise ConfigError("conf/traits/x.yaml: wrong")

    broken = LoadedJob(_reader(rows).job, fail, "", "")
    with pytest.raises(ConfigError, match="wrong"):
        nights.run(_writer(rows, ["p1"]), broken)
    mended = nights.run(_writer(rows, ["p1"]), _reader(rows))
    assert (mended.unchanged, mended.ran) == (["b.write_people"], ["a.read_people"])
    assert [state for _, state in nights.noted()] == ["done", "failed", "done"]


def test_jobs_that_do_not_need_each_other_run_side_by_side(nights: Night) -> None:
    both_run = threading.Barrier(2, timeout=60)
    jobs = [LoadedJob(Job(name), lambda context: both_run.wait() and None, "", "") for name in ("a.one", "b.other")]
    assert sorted(nights.run(*jobs).ran) == ["a.one", "b.other"]
    assert not both_run.broken


def test_beside_a_failure_the_work_comes_to_its_end_and_no_other_starts(nights: Night, rows: Rows) -> None:
    has_failed = threading.Event()

    def fail(context: JobContext) -> None:
        has_failed.set()
        raise ConfigError("conf/traits/x.yaml: wrong")

    def write(context: JobContext) -> None:
        assert has_failed.wait(60)
        context.write(PEOPLE, rows(PEOPLE, [_person("p1")]))

    mains = {Job("a.fails"): fail, Job("b.write_people", writes=(PEOPLE,)): write, Job("c.later"): fail}
    with pytest.raises(ConfigError, match="wrong"):
        nights.run(*[LoadedJob(job, main, "", "") for job, main in mains.items()])
    assert sorted(nights.noted()) == [("a.fails", "failed"), ("b.write_people", "done")]
    assert nights.lake.read(PEOPLE).count() == 1


def test_beside_a_table_that_cannot_be_read_the_work_comes_to_its_end_and_is_noted(
    nights: Night, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = nights.lake.version

    def version_or_trouble(table: TableContract) -> int:
        if table == HOUSEHOLD_MEMBERS:
            raise TransientError("the bucket does not answer")
        return version(table)

    monkeypatch.setattr(nights.lake, "version", version_or_trouble)
    unread = LoadedJob(Job("c.reads", reads=(HOUSEHOLD_MEMBERS,)), lambda context: None, "", "")
    with pytest.raises(TransientError, match="does not answer"):
        nights.run(_writer(rows, ["p1"]), unread)
    assert nights.noted() == [("b.write_people", "done")]


def test_a_broken_contract_names_the_table_and_writes_nothing(nights: Night, rows: Rows) -> None:
    def main(context: JobContext) -> None:
        context.write(PEOPLE, rows(PEOPLE, [_person(SECRET_VALUE), _person(SECRET_VALUE)]))

    with pytest.raises(ContractError, match=r"gold\.people") as told:
        nights.run(LoadedJob(Job("b.write_people", writes=(PEOPLE,)), main, "", ""))
    assert SECRET_VALUE not in str(told.value)
    assert nights.lake.read(PEOPLE).count() == 0


def test_one_job_alone_runs_whether_or_not_anything_changed(nights: Night, rows: Rows) -> None:
    writer = _writer(rows, ["p1"])
    for expected in ({"gold.people": 1}, {"gold.people": 0}):
        context = run_one(nights.lake, nights.configuration, writer, NIGHT, clock=nights.clock)
        assert context.rows_written == expected


def test_a_job_that_nothing_is_configured_for_does_not_start(nights: Night, rows: Rows, tmp_path: Path) -> None:
    writer = _writer(rows, ["p1"])
    planned = LoadedJob(replace(writer.job, configured_by="plans"), writer.main, "", "")
    assert nights.run(planned).unchanged == ["b.write_people"] and nights.noted() == []
    left_out = run_one(nights.lake, nights.configuration, planned, NIGHT, clock=nights.clock)
    # A scheduler that runs each job by itself must take it for done: no error, no problem, and a line that says why.
    assert (left_out.rows_written, left_out.problems, nights.noted()) == ({}, [], [])
    told = "b.write_people 2026-01-05: no change\n  - nothing to do: there is no file in conf/plans"
    assert outcome(left_out) == told
    (tmp_path / "mine" / "plans").mkdir(parents=True)
    (tmp_path / "mine" / "plans" / "one.yaml").write_text("{}")
    nights.configuration = load_configuration(env="ci", conf=str(tmp_path / "mine"), overrides={"home": str(tmp_path)})
    assert nights.run(planned).ran == ["b.write_people"]


def test_what_a_job_notes_is_a_line_and_no_problem(nights: Night) -> None:
    told = LoadedJob(Job("b.tell"), lambda context: context.note("as it should be"), "", "")
    assert nights.run(told).problems == [] and "        - as it should be\n" in nights.said.getvalue()


def test_a_job_may_use_only_the_tables_of_its_record(nights: Night, rows: Rows) -> None:
    def main(context: JobContext) -> None:
        context.read(HOUSEHOLD_MEMBERS)

    with pytest.raises(CdpError, match=r"uses gold\.household_members, which its record does not name in reads"):
        nights.run(LoadedJob(Job("b.sly"), main, "", ""))


def test_remade_rows_replace_only_what_the_condition_names(lake: Lake, rows: Rows) -> None:
    lake.write(PEOPLE, rows(PEOPLE, [_person("p1"), _person("p2") | {"status": "retired"}]))
    again = rows(PEOPLE, [_person("p3") | {"status": "retired"}])
    assert lake.replace_rows(PEOPLE, again, {"status": "retired"}).is_changed
    assert {r.person_id for r in lake.read(PEOPLE).collect()} == {"p1", "p3"}
    version = lake.version(PEOPLE)
    assert not lake.replace_rows(PEOPLE, again, {"status": "retired"}).is_changed
    assert lake.version(PEOPLE) == version
