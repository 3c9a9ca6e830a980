"""The past cuts of a declared model: who is in them, what was known on the day, and what came within the horizon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from tests.unit.models.declared.test_declared import SPEC, made

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.declared.cuts import collect_history, plan_cuts
from cdp.models.declared.score import DeclaredVersion, score_people
from cdp.models.declared.train import train_declared
from cdp.models.drift import measure_drift
from cdp.models.scoring import score_snapshots
from cdp.models.snapshots import build_snapshots
from cdp.rules.measures import Measure

AS_OF = date(2026, 1, 5)
PLAN = plan_cuts(date(2025, 8, 18), AS_OF, 4)
OPENS = Measure(
    table="silver.events",
    filter="event_name = 'opened'",
    aggregate="count(*)",
    window_days=90,
    default=0,
    type="bigint",
)


def at(day: date, days: int = 0, hours: int = 12) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=UTC) + timedelta(days=days, hours=hours)


def event(number: str, record: str, when: datetime, name: str, received: datetime | None = None):
    row = {"event_id": number, "record_id": record, "event_type": "email", "event_name": name}
    return {**row, "event_at": when, "received_at": received or when}


def order(record: str, when: datetime):
    row = {"order_line_id": f"{record}{when}", "order_id": f"{record}{when}", "source": "pos", "record_id": record}
    row |= {"amount": Decimal(9), "is_return": False, "is_cancelled": False}
    return {**row, "ordered_at": when, "received_at": when}


@pytest.fixture(scope="module")
def tables(spark, rows):
    """Ann buys early, bob before the third cut, cat never; their e-mails are around the second cut.

    A record with purchases and e-mails of bob's was tied to him in the middle of the horizon of the third cut.
    """
    cut = PLAN.cuts[1]
    bought = [("a", at(date(2025, 8, 18))), ("b", at(PLAN.cuts[2], -3)), ("late", at(PLAN.cuts[0], -3))]
    lines = rows(ORDER_LINES, [order(*one) for one in bought])
    events = [
        event("1", "a", at(cut, -1), "opened"),
        event("2", "a", at(cut, 0), "opened"),
        event("3", "a", at(cut, -2), "opened", received=at(cut, 1)),
        event("4", "a", at(cut, 27, 23), "clicked"),
        event("5", "b", at(AS_OF, -1), "clicked", received=at(AS_OF, 0, 23)),
        event("6", "c", at(cut, 1), "clicked"),
        event("7", "late", at(PLAN.cuts[2], -1), "opened"),
        event("8", "late", at(PLAN.cuts[2], -1), "clicked"),
        event("9", "late", at(PLAN.cuts[2], 1), "clicked"),
    ]
    then, late = PLAN.cuts[0], PLAN.cuts[2] + timedelta(days=14)
    owners = [("a", "ann", then), ("b", "bob", then), ("c", "cat", then), ("late", "bob", late)]
    people = spark.createDataFrame(owners, "record_id string, person_id string, joined_on date")
    return lines, rows(EVENTS, events), people, build_snapshots(lines, people, as_of_dates=[AS_OF])


def collect(tables) -> pd.DataFrame:
    lines, known, people, snapshots = tables
    clicked = SPEC.model_copy(
        update={"label": SPEC.label.model_copy(update={"filter": "event_name = 'clicked'"})}
    ).outcome
    found = {"silver.events": known, "silver.order_lines": lines}
    return collect_history(
        snapshots, people, found, features={"opens": OPENS}, outcome=clicked, horizon_weeks=4, as_of=AS_OF
    )


def test_a_cut_has_its_customers_what_was_known_and_what_came_within_the_horizon(tables):
    assert len(PLAN.cuts) == 4
    found = collect(tables)
    by_key = {(r.person_id, PLAN.cuts.index(r.as_of)): (r.opens, r.before, r.label) for r in found.itertuples()}
    assert by_key == {
        ("ann", 0): (0.0, 0.0, 0.0),
        ("ann", 1): (1.0, 0.0, 1.0),
        ("ann", 2): (3.0, 1.0, 0.0),
        ("ann", 3): (3.0, 0.0, 0.0),
        ("bob", 2): (0.0, 0.0, 1.0),
        ("bob", 3): (1.0, 1.0, 1.0),
    }
    assert found["opens"].dtype == np.float64 and found["as_of"].is_monotonic_increasing


def test_all_models_score_in_one_pass_with_drift_of_each(spark, tables):
    trained = train_declared(made(300), spec=SPEC, definition="d", as_of=AS_OF)
    version = DeclaredVersion("cdp.click", "2", trained.declared)
    people = made(30).head(30).drop(columns=["label", "before"])
    bought = {"purchase_dates": [[date(2025, 9, 1)]] * 30, "purchase_amounts": [[9.0]] * 30}
    frame = spark.createDataFrame(
        people.assign(as_of=AS_OF, silence=1.0, **bought),
        "person_id string, as_of date, opens double, silence double, favourite string, "
        "purchase_dates array<date>, purchase_amounts array<double>",
    )
    scored = score_snapshots(frame, {}, as_of=AS_OF, declared={"click": version})
    assert scored.columns == PREDICTIONS.column_names
    found = {r.person_id: r for r in scored.collect()}
    expected = score_people(trained.declared, people.assign(silence=1.0))["probability"]
    assert [found[p].score for p in people["person_id"]] == pytest.approx(expected.tolist())
    one = found[people["person_id"][0]]
    assert (one.model, one.model_name, one.horizon_weeks, one.value_band, one.lo) == (
        "click",
        "cdp.click",
        4,
        None,
        None,
    )
    drift = measure_drift(frame, scored, {}, as_of=AS_OF, declared={"click": version})
    assert {r["measure"]: r["people"] for r in drift} == {"opens": 30, "silence": 30, "click": 30}
    assert {r["model"] for r in drift} == {"cdp.click"} and next(r for r in drift if r["measure"] == "silence")[
        "psi"
    ] > 1


def test_a_number_in_text_drifts_as_it_was_read_in_training(spark):
    found = made(300)
    size = pd.Series(np.arange(len(found)) % 40).astype(str)
    size[::90], size[1::450] = "n/a", "1e200"
    found = found.assign(size=size)
    version = DeclaredVersion("cdp.click", "2", train_declared(found, spec=SPEC, definition="d", as_of=AS_OF).declared)
    assert version.declared.references["size"].edges
    newest = found[found["as_of"] == found["as_of"].max()]
    people = newest[["person_id", "size"]].assign(as_of=AS_OF, opens=1.0, silence=1.0)
    frame = spark.createDataFrame(people, "person_id string, size string, as_of date, opens double, silence double")
    scored = spark.createDataFrame([("click", 0.5)], "model string, score double")
    drift = {r["measure"]: r for r in measure_drift(frame, scored, {}, as_of=AS_OF, declared={"click": version})}
    known = newest[~newest["size"].isin(["n/a", "1e200"])]
    assert drift["size"]["people"] == len(known) < len(newest) and drift["size"]["psi"] == pytest.approx(0, abs=1e-12)
