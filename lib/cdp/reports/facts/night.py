"""All that the page of one night shows: its parts put together, and the runs of its jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cdp.reports.facts.audiences import (
    AudienceFacts,
    DeliveryFacts,
    SegmentFacts,
    read_audiences,
    read_deliveries,
    read_segments,
)
from cdp.reports.facts.identity import (
    ChangeFacts,
    GenericFacts,
    IdentityNight,
    PeopleFacts,
    RefusedLinks,
    read_changes,
    read_generic_values,
    read_identity_nights,
    read_people,
    read_refused_links,
)
from cdp.reports.facts.purchases import CreditFacts, RecommendationFacts, read_credits, read_recommendations
from cdp.reports.facts.rows import Row, Rows
from cdp.reports.facts.scores import ModelFacts, ScoreFacts, read_models, read_scores
from cdp.reports.facts.sources import (
    RefusalFacts,
    SchemaChangeFacts,
    SetAsideFile,
    SourceFacts,
    read_refusals,
    read_schema_changes,
    read_set_aside,
    read_sources,
)


@dataclass(frozen=True)
class RunFacts:
    """The latest run of one job for this night, in the order in which they began."""

    job: str
    state: str
    seconds: float
    rows: int
    message: str


@dataclass(frozen=True)
class NightFacts:
    """All that the page of one night shows. Every part may be empty: the page then says so in its place."""

    run_date: date
    run_id: str = ""
    currency: str = ""
    sources: tuple[SourceFacts, ...] = ()
    set_aside: tuple[SetAsideFile, ...] = ()
    schema_changes: tuple[SchemaChangeFacts, ...] = ()
    refusals: tuple[RefusalFacts, ...] = ()
    people: PeopleFacts = field(default_factory=PeopleFacts)
    changes: tuple[ChangeFacts, ...] = ()
    generic_values: tuple[GenericFacts, ...] = ()
    refused_links: tuple[RefusedLinks, ...] = ()
    identity_nights: tuple[IdentityNight, ...] = ()
    scores: ScoreFacts = field(default_factory=ScoreFacts)
    models: tuple[ModelFacts, ...] = ()
    recommendations: tuple[RecommendationFacts, ...] = ()
    credits: tuple[CreditFacts, ...] = ()
    segments: tuple[SegmentFacts, ...] = ()
    audiences: tuple[AudienceFacts, ...] = ()
    deliveries: tuple[DeliveryFacts, ...] = ()
    runs: tuple[RunFacts, ...] = ()


def night_facts(
    found: Mapping[str, Rows], log: Rows, *, owner: Mapping[str, str], run_date: date, run_id: str, currency: str
) -> NightFacts:
    """Put a night together.

    ``found``: the rows of each section of :func:`cdp.reports.collect.collect_night`, in any order, nulls left out,
    an empty list for one without rows. ``log``: rows of the run log. ``owner``: record id -> person id for the
    records of refused links that have a person.
    """
    return NightFacts(
        run_date=run_date,
        run_id=run_id,
        currency=currency,
        sources=read_sources(found["files"]),
        set_aside=read_set_aside(found["set_aside"]),
        schema_changes=read_schema_changes(found["schema_changes"]),
        refusals=read_refusals(found["refusals"]),
        people=read_people(found["people"]),
        changes=read_changes(found["changes"]),
        generic_values=read_generic_values(found["generic_values"]),
        refused_links=read_refused_links(found["refused_links"], owner),
        identity_nights=read_identity_nights(found["identity_measures"]),
        scores=read_scores(found["scores"]),
        models=read_models(found["champions"], found["performance"]),
        recommendations=read_recommendations(found["recommendations"]),
        credits=read_credits(found["credits"]),
        segments=read_segments(found["segments"]),
        audiences=read_audiences(found["audiences"]),
        deliveries=read_deliveries(found["deliveries"]),
        runs=read_runs(log, run_date),
    )


def read_runs(log: Rows, run_date: date) -> tuple[RunFacts, ...]:
    """The latest run of each job on this date that has ended."""
    latest: dict[str, Row] = {}
    ended = (r for r in log if r["run_date"] == run_date and r["state"] != "begun")
    for row in sorted(ended, key=lambda r: (r["started_at"], r["run_id"])):
        latest[row["job"]] = row
    return tuple(
        RunFacts(
            job=r["job"],
            state=r["state"],
            seconds=r["seconds"] or 0.0,
            rows=sum(json.loads(r["rows"] or "{}").values()),
            message=r["message"] or "",
        )
        for r in sorted(latest.values(), key=lambda r: (r["started_at"], r["job"]))
    )
