"""Collecting a night from tiny tables gives exact counts, and costs few Spark jobs."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.unit.reports.night_rows import EARLIER, SECRET, TONIGHT, Build, made_frames

from cdp.reports.collect import collect_night
from cdp.reports.facts.audiences import AudienceFacts, DeliveryFacts, SegmentFacts
from cdp.reports.facts.identity import ChangeFacts, GenericFacts, PeopleFacts, RefusedLinks
from cdp.reports.facts.night import NightFacts, RunFacts
from cdp.reports.facts.purchases import CreditFacts, RecommendationFacts
from cdp.reports.facts.scores import ProvedFacts, ScoreCell
from cdp.reports.facts.sources import RefusalFacts, SchemaChangeFacts, SetAsideFile, SourceFacts
from cdp.reports.page import render_page

JOBS = "the report of a night"


@pytest.fixture(scope="module")
def frames(rows: Build, spark: SparkSession) -> dict[str, DataFrame]:
    return made_frames(rows, spark)


@pytest.fixture(scope="module")
def night(frames: dict[str, DataFrame], spark: SparkSession) -> NightFacts:
    spark.sparkContext.setJobGroup(JOBS, "count")
    try:
        return collect_night(**frames, run_date=TONIGHT, run_id="r7b", currency="EUR")
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)


def test_files_count_by_their_newest_state_and_records_add_up(night: NightFacts) -> None:
    crm, web = night.sources
    assert crm == SourceFacts(
        "crm",
        files=1,
        repeated=1,
        read=10,
        accepted=7,
        duplicate=2,
        refused=1,
        all_read=110,
        all_accepted=97,
        all_duplicate=6,
        all_refused=7,
    )
    assert crm.unaccounted == 0
    # a file that came late, in an old folder, but was decided on tonight, is tonight's; one record of it is lost
    assert (web.files, web.waiting, web.quarantined, web.read, web.unaccounted) == (1, 1, 1, 5, 1)
    assert night.schema_changes == (SchemaChangeFacts("web", "tel", "new", "string", "", "phone", False),)
    assert night.set_aside == (SetAsideFile("web", "web/2026-01-07/d", "the gzip stream ends too early"),)


def test_refusals_count_records_by_source_field_and_code(night: NightFacts) -> None:
    assert night.refusals == (
        RefusalFacts("crm", "email", "missing", "it is missing", 2, 3),
        RefusalFacts("crm", "born", "bad_time", "it is bad_time", 1, 1),
        RefusalFacts("web", "", "not_json", "it is not_json", 0, 1),
    )


def test_people_are_the_active_ones(night: NightFacts) -> None:
    people = night.people
    assert (people.active, people.known, people.anonymous, people.new, people.records) == (4, 2, 2, 2, 69)
    filled = {b.label: (b.known, b.anonymous) for b in people.bands if b.known or b.anonymous}
    assert filled == {"1": (1, 1), "6-10": (1, 0), "> 50": (0, 1)}
    assert night.changes == (ChangeFacts("merge", "a value ties them", 2, 5),)
    assert night.refused_links == (
        RefusedLinks("ties together too many people, limit 1", 2, ("p1", "p2")),
        RefusedLinks("policy one_value: two", 1, ("p2",)),
    )
    assert [(n.run_date, n.measure("people", 0.0)) for n in night.identity_nights] == [
        ("2026-01-06", 2.0),
        ("2026-01-07", 3.0),
    ]
    assert night.generic_values == (
        GenericFacts("phone", "ties together too many people, limit 1", 2, 13, 7),
        GenericFacts("email", "role address", 1, 5, 0),
    )


def test_scores_of_tonight_fall_into_cells(night: NightFacts) -> None:
    assert len(night.scores.cells) == 2
    assert night.scores.cells[1] == ScoreCell(
        2, 23, 2, pytest.approx(0.26), pytest.approx(501.0), "high value", 5, 250.0
    )
    assert night.scores.cells[0] == ScoreCell(19, None, 1, 1.0, 0.0)
    assert (night.scores.people, night.scores.horizon_weeks, night.scores.churn_version) == (3, 13, "3")
    assert night.scores.mean_churn == pytest.approx(1.26 / 3)
    assert night.segments == (SegmentFacts("loyal", 2, 15.5),)
    assert night.recommendations == (
        RecommendationFacts("products", "repeat", 1, 2, 0.5, "chance", "P2", "2026-01-05"),
        RecommendationFacts("products", "explore", 3, 2, pytest.approx(0.2), "chance", "P1", "2026-01-05"),
    )
    assert night.credits == (
        CreditFacts("marketing", "2026-01-05", "google", "", (("markov", 3.0),), 30.0),
        CreditFacts("marketing", "2026-01-05", "email", "welcome", (("first", 1.0), ("markov", 2.0)), 20.0),
    )
    (model,) = night.models
    assert (model.model, model.version, model.metrics) == ("churn", "2", (("churn_auc", 0.71),))
    assert model.groups == ((10, 0.1, 0.2), (10, 0.8, 0.7))
    assert model.proved == ProvedFacts(EARLIER.isoformat(), 4, 9, (("auc", 0.7),))


def test_audiences_deliveries_and_runs_are_as_of_tonight(night: NightFacts) -> None:
    assert night.audiences == (AudienceFacts("loyal", 3, 1, 1),)
    assert night.deliveries == (
        DeliveryFacts("email_csv", "loyal", "delivered", "csv", 2, 1, 1, 3, "abababababab", "out/x.csv"),
    )
    assert night.runs == (RunFacts("ingest.land", "done", 2.0, 19, ""), RunFacts("ingest.accept", "done", 3.5, 11, ""))


def test_no_value_of_personal_data_reaches_facts_or_page(night: NightFacts) -> None:
    assert SECRET not in repr(night)
    assert SECRET not in render_page(night)


def test_empty_tables_give_an_empty_night(frames: dict[str, DataFrame], spark: SparkSession) -> None:
    empty = {name: frame.limit(0) for name, frame in frames.items()}
    empty["traits"] = spark.createDataFrame([], "person_id STRING, as_of DATE")
    facts = collect_night(**empty, run_date=TONIGHT)
    assert facts == NightFacts(run_date=TONIGHT)
    assert facts.people == PeopleFacts()


def test_a_night_costs_few_spark_jobs(night: NightFacts, spark: SparkSession) -> None:
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup(JOBS)
    assert night.sources and 0 < len(jobs) <= 14
