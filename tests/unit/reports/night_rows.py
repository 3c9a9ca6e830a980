"""Rows of a night's tables with everything in them that the report tells, and what it must not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.channel_credits import CHANNEL_CREDITS
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.recommendations import RECOMMENDATIONS
from cdp.contracts.ops.deliveries import DELIVERIES
from cdp.contracts.ops.files import FILES
from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.contracts.ops.identity_measures import IDENTITY_MEASURES
from cdp.contracts.ops.model_performance import MODEL_PERFORMANCE
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.ops.runs import RUNS
from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identity_links import IDENTITY_LINKS

TONIGHT, BEFORE, EARLIER, TOMORROW = (date(2026, 1, d) for d in (7, 6, 5, 8))
NOW = datetime(2026, 1, 8, 2, 0, tzinfo=UTC)
SECRET = "marie.curie@example.org"
Build = Callable[..., DataFrame]


def _file(file_id: str, source: str, state: str, day: date, run_id: str = "r7", **more: Any) -> dict[str, Any]:
    at = "accepted_at" if state == "accepted" else "landed_at"
    when = NOW + timedelta(minutes=1 if state == "accepted" else 0)
    return {
        "file_id": file_id,
        "source": source,
        "path": f"{source}/{day}/{file_id}",
        "state": state,
        "run_id": run_id,
        "delivered_on": day,
        at: when,
        **more,
    }


def _counts(read: int, accepted: int, duplicate: int, refused: int) -> dict[str, int]:
    return {"rows_read": read, "rows_accepted": accepted, "rows_duplicate": duplicate, "rows_refused": refused}


FILE_ROWS = [
    _file("a", "crm", "landed", EARLIER, "r5"),
    _file("a", "crm", "accepted", EARLIER, "r5", **_counts(100, 90, 4, 6)),
    _file("a", "crm", "duplicate", TONIGHT, reason="the same content as crm/2026-01-05/a"),
    _file("b", "crm", "landed", TONIGHT),
    _file("b", "crm", "accepted", TONIGHT, **_counts(10, 7, 2, 1)),
    _file("c", "web", "landed", TONIGHT),
    _file("late", "web", "landed", EARLIER, "r7"),
    _file("late", "web", "accepted", EARLIER, "r7", **_counts(5, 4, 0, 0)),
    _file("d", "web", "quarantined", TONIGHT, reason="the gzip stream ends too early"),
    _file("old", "web", "quarantined", EARLIER, "r5", reason="an empty file"),
    _file("e", "pos", "landed", TOMORROW, "r8"),
]


def _reason(field: str | None, code: str) -> dict[str, Any]:
    return {"field": field, "code": code, "message": f"it is {code}"}


def _refused(number: int, day: date, *reasons: dict[str, Any], source: str = "crm") -> dict[str, Any]:
    return {
        "landed_id": f"b:{number}",
        "source": source,
        "file_id": "b",
        "record_no": number,
        "raw": SECRET.encode(),
        "reasons": list(reasons),
        "delivered_on": day,
        "run_id": f"r{day.day}",
    }


REFUSED_ROWS = [
    _refused(1, TONIGHT, _reason("email", "missing"), _reason("born", "bad_time")),
    _refused(2, TONIGHT, _reason("email", "missing"), _reason("email", "missing")),
    _refused(3, EARLIER, _reason("email", "missing")),
    _refused(4, EARLIER, _reason(None, "not_json"), source="web"),
]

PEOPLE_ROWS = [
    {"person_id": "p1", "status": "active", "is_known": True, "n_records": 1, "born_on": TONIGHT},
    {"person_id": "p2", "status": "active", "is_known": True, "n_records": 7, "born_on": date(2025, 12, 1)},
    {"person_id": "p3", "status": "active", "is_known": False, "n_records": 1, "born_on": date(2025, 12, 1)},
    {"person_id": "p4", "status": "active", "is_known": False, "n_records": 60, "born_on": TONIGHT},
    {"person_id": "p5", "status": "merged", "is_known": True, "n_records": 3, "merged_into": "p1"},
]


def _prediction(person: str, model: str, score: float, day: date = TONIGHT, version: str = "3") -> dict[str, Any]:
    return {
        "person_id": person,
        "model": model,
        "as_of": day,
        "score": score,
        "horizon_weeks": 13,
        "model_version": version,
        "method": "bgnbd+gamma_gamma" if model == "ltv" else "bgnbd",
    }


PREDICTION_ROWS = [
    _prediction("p1", "churn", 0.12),
    _prediction("p1", "ltv", 250.0) | {"segment": "high value", "value_band": 5},
    _prediction("p2", "churn", 0.14),
    _prediction("p2", "ltv", 251.0) | {"segment": "high value", "value_band": 5},
    _prediction("p3", "churn", 1.0),
    _prediction("p3", "ltv", 0.0),
    _prediction("p4", "churn", 0.5, EARLIER, "2"),
]


RECOMMENDATION_ROWS = [
    {"list": "products", "person_id": person, "as_of": EARLIER, "rank": rank, "rank_in_part": place, "item_id": item}
    | {"part": part, "score": score, "score_kind": "chance"}
    for person, rank, part, place, item, score in (
        ("p1", 1, "repeat", 1, "P2", 0.5),
        ("p1", 2, "explore", 1, "P1", 0.2),
        ("p1", 3, "repeat", 2, "P9", 0.1),
        ("p2", 1, "explore", 1, "P1", 0.1),
        ("p3", 1, "explore", 1, "P0", 0.3),
    )
]


CREDIT_ROWS = [
    {"attribution": "marketing", "as_of": EARLIER, "model": model, "channel": channel, "campaign": campaign}
    | {"conversions": orders, "value": 10 * orders, "is_best_memory": model == "markov_2"}
    for model, channel, campaign, orders in (
        ("first", "email", "welcome", 1.0),
        ("decay", "email", "welcome", 9.0),
        ("markov_1", "email", "welcome", 8.0),
        ("markov_2", "email", "welcome", 2.0),
        ("markov_2", "google", "", 3.0),
    )
]


def _stay(audience: str, person: str, entered: date, left: date | None = None) -> dict[str, Any]:
    return {"audience": audience, "person_id": person, "entered_on": entered, "left_on": left}


MEMBER_ROWS = [
    _stay("loyal", "p1", EARLIER),
    _stay("loyal", "p2", TONIGHT),
    _stay("loyal", "p3", EARLIER, TONIGHT),
    _stay("loyal", "p4", EARLIER, BEFORE),
    _stay("loyal", "p9", EARLIER, TOMORROW),
    _stay("new", "p1", TOMORROW),
    _stay("gone", "p1", EARLIER, BEFORE),
]


def _run(job: str, run_id: str, day: date, minute: int, state: str = "done", **more: Any) -> dict[str, Any]:
    started = datetime(2026, 1, day.day, 1, minute, tzinfo=UTC)
    return {"run_id": run_id, "job": job, "run_date": day, "state": state, "started_at": started, **more}


RUN_ROWS = [
    _run("ingest.land", "r5", EARLIER, 0, seconds=9.0),
    _run("nightly", "r7", TONIGHT, 0, "begun", seconds=None),
    _run("ingest.land", "r7", TONIGHT, 0, seconds=2.0, rows=json.dumps({"bronze.landed_records": 15, "ops.files": 4})),
    _run("ingest.accept", "r7", TONIGHT, 1, "failed", seconds=1.0, message="out of memory"),
    _run("ingest.accept", "r7b", TONIGHT, 5, seconds=3.5, rows=json.dumps({"silver.events": 11})),
    _run("ingest.accept", "r8", TOMORROW, 5, seconds=99.0),
]

MODEL_ROWS = [
    {
        "model": "churn",
        "model_version": version,
        "as_of": day,
        "is_champion": champion,
        "decided": f"v{version}",
        "metrics": json.dumps({"churn_auc": 0.7 + number / 100, "churn_groups": [[10, 0.1, 0.2], [10, 0.8, 0.7]]}),
        "trained_at": NOW,
    }
    for number, (version, day, champion) in enumerate(
        [("1", EARLIER, True), ("2", TONIGHT, True), ("3", TONIGHT, False), ("4", TOMORROW, True)]
    )
]


SCHEMA_ROWS = [
    {"source": "web", "field": field, "kind": kind, "type": "string", "delivered_on": day, "run_id": run, **more}
    for field, kind, day, run, more in (
        ("tel", "new", TONIGHT, "r7b", {"renamed": "phone", "is_mapped": False}),
        ("old", "missing", EARLIER, "r6", {}),
        ("id", "first", TONIGHT, "r7b", {}),
    )
]


def _change(kind: str, before: list[str], after: list[str], day: date) -> dict[str, Any]:
    return {
        "history_id": f"{kind} of {before[0]}",
        "run_date": day,
        "kind": kind,
        "person_id": before[0],
        "predecessor_ids": before,
        "successor_ids": after,
        "reason": "a value ties them",
    }


HISTORY_ROWS = [
    _change("merge", ["p1", "p5", "p6"], ["p1"], TONIGHT),
    _change("merge", ["p2", "p7"], ["p2"], TONIGHT),
    _change("split", ["p3"], ["p3", "p4"], EARLIER),
]


def _generic(kind: str, value: str, why: str, n_people: int, n_records: int) -> dict[str, Any]:
    return {"identifier_type": kind, "value": value, "reason": why, "n_people": n_people, "n_records": n_records}


GENERIC_ROWS = [
    _generic("phone", SECRET, "ties together 7 people, limit 1", 7, 9),
    _generic("phone", "2", "ties together 3 people, limit 1", 3, 4),
    _generic("email", "info@x", "role address", 0, 5),
]


def _link(record: str, kind: str, value: str, refused: str | None = None) -> dict[str, Any]:
    return {
        "record_id": record,
        "identifier_type": kind,
        "value": value,
        "rule": "declared:x",
        "is_active": not refused,
        "evidence": json.dumps({"refused": refused} if refused else {}),
    }


LINK_ROWS = [
    _link("r1", "phone", SECRET, "ties together 7 people, limit 1"),
    _link("r2", "phone", SECRET, "ties together 3 people, limit 1"),
    _link("r2", "record", "r4", "policy one_value: two"),
    _link("r3", "email", "a@x"),
]

OWNER_ROWS = [
    {"identifier_type": "record", "value": record, "person_id": person, "valid_from": NOW, "known_to": gone}
    for record, person, gone in (("r1", "p1", None), ("r2", "p2", None), ("r2", "p9", NOW))
]

MEASURE_ROWS = [
    {"measure": "people", "run_date": day, "value": value}
    for day, value in ((TONIGHT, 3.0), (BEFORE, 2.0), (TOMORROW, 9.0))
]

TRAIT_ROWS = [("p1", TONIGHT, 10.0, "loyal"), ("p2", TONIGHT, 5.5, "loyal"), ("p3", TONIGHT, 0.0, None)]


def _delivery(number: str, day: date, **more: Any) -> dict[str, Any]:
    named = {"delivery_id": number, "destination": "email_csv", "audience": "loyal", "run_date": day}
    return {**named, "state": "delivered", **more}


DELIVERY_ROWS = [
    _delivery("1", TONIGHT, path="out/x.csv", format="csv", n_members=2, n_added=1, n_removed=1, n_withheld=3)
    | {"sha256": "ab" * 32},
    _delivery("0", BEFORE),
]


def _performance(measure: str, value: float | None, people: int, day: date, scored: date) -> dict[str, Any]:
    found = {"measure": measure, "value": value, "people": people, "horizon_weeks": 4}
    return {"model": "churn", "as_of": day, "scored_as_of": scored, **found}


PERFORMANCE_ROWS = [
    _performance("auc", 0.7, 9, TONIGHT, EARLIER),
    _performance("brier", None, 9, TONIGHT, EARLIER),
    _performance("auc", 0.1, 8, TOMORROW, TONIGHT),
]


def made_frames(rows: Build, spark: SparkSession) -> dict[str, DataFrame]:
    """The tables that the report reads, by the name of collect_night's argument."""
    return {
        "files": rows(FILES, FILE_ROWS),
        "schema_changes": rows(SCHEMA_CHANGES, SCHEMA_ROWS),
        "refused_records": rows(REFUSED_RECORDS, REFUSED_ROWS),
        "people": rows(PEOPLE, PEOPLE_ROWS),
        "identity_history": rows(IDENTITY_HISTORY, HISTORY_ROWS),
        "generic_values": rows(GENERIC_VALUES, GENERIC_ROWS),
        "identity_links": rows(IDENTITY_LINKS, LINK_ROWS),
        "person_identifiers": rows(PERSON_IDENTIFIERS, OWNER_ROWS),
        "identity_measures": rows(IDENTITY_MEASURES, MEASURE_ROWS),
        "traits": spark.createDataFrame(
            TRAIT_ROWS, "person_id STRING, as_of DATE, spend_365d DOUBLE, rfm_segment STRING"
        ),
        "predictions": rows(PREDICTIONS, PREDICTION_ROWS),
        "recommendations": rows(RECOMMENDATIONS, RECOMMENDATION_ROWS),
        "channel_credits": rows(CHANNEL_CREDITS, CREDIT_ROWS),
        "audience_members": rows(AUDIENCE_MEMBERS, MEMBER_ROWS),
        "deliveries": rows(DELIVERIES, DELIVERY_ROWS),
        "runs": rows(RUNS, RUN_ROWS),
        "model_runs": rows(MODEL_RUNS, MODEL_ROWS),
        "model_performance": rows(MODEL_PERFORMANCE, PERFORMANCE_ROWS),
    }
