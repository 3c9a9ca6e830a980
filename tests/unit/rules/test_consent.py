"""Consent: deny wins, then latest wins; against a plain Python reading of the rule on random timelines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession

from cdp.contracts.silver.consents import CONSENTS
from cdp.rules.consent import consent_states, gate

START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = (("email", "a@x.org"), ("email", "b@x.org"), ("loyalty_id", "7"))


def statement(
    number: int, record: str, hour: int, state: str, keys: tuple[Any, ...] = (), **more: Any
) -> dict[str, Any]:
    return {
        "consent_id": f"c{number:05}",
        "source": "consents",
        "record_id": record,
        "identifiers": [Row(type=t, value=v) for t, v in keys],
        "purpose": "email_marketing",
        "state": state,
        "basis": "consent",
        "proof": f"proof {number}",
        "valid_from": START + timedelta(hours=hour),
        "received_at": START + timedelta(hours=hour),
        **more,
    }


def ask(
    spark: SparkSession,
    rows: Callable[..., DataFrame],
    statements: list[dict[str, Any]],
    hour: int = 100,
    known_hour: int | None = None,
) -> dict[str, tuple[str, str]]:
    pairs = [("r1", "ann"), ("r2", "ann"), ("r3", "bob")]
    person_records = spark.createDataFrame(pairs, "record_id STRING, person_id STRING")
    known_at = None if known_hour is None else START + timedelta(hours=known_hour)
    as_of = START + timedelta(hours=hour)
    found = consent_states(rows(CONSENTS, statements), person_records, as_of=as_of, known_at=known_at)
    return {r["person_id"]: (r["state"], r["proof"]) for r in found.collect()}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([(1, "r1", 1, "granted", KEYS[:1])], ("granted", "proof 1"), id="granted"),
        pytest.param(
            [(1, "r1", 1, "denied", KEYS[:1]), (2, "r2", 2, "granted", KEYS[:1])],
            ("granted", "proof 2"),
            id="the same address later, through another record",
        ),
        pytest.param(
            [(1, "r1", 1, "denied", KEYS[:1]), (2, "r2", 2, "granted", KEYS[1:2])],
            ("denied", "proof 1"),
            id="another address does not undo a denial",
        ),
        pytest.param(
            [(1, "r1", 1, "granted", KEYS[:1]), (2, "r1", 1, "denied", KEYS[:1])],
            ("denied", "proof 2"),
            id="at equal times deny",
        ),
        pytest.param(
            [(1, "r1", 1, "granted", KEYS[:1]), (2, "r2", 3, "granted", KEYS[1:2])],
            ("granted", "proof 2"),
            id="the newest grant gives the proof",
        ),
        pytest.param(
            [(1, "r1", 1, "denied", KEYS[:2]), (2, "r1", 2, "granted", KEYS[:1])],
            ("denied", "proof 1"),
            id="a denial by two addresses stands for each",
        ),
        pytest.param(
            [(1, "r1", 1, "granted"), (2, "r1", 200, "denied")],
            ("granted", "proof 1"),
            id="the future does not count",
        ),
    ],
)
def test_the_rule(
    spark: SparkSession, rows: Callable[..., DataFrame], statements: list[Any], expected: tuple[str, str]
) -> None:
    assert ask(spark, rows, [statement(*s) for s in statements]) == {"ann": expected}


def test_a_sources_default_counts_only_where_nothing_was_said(
    spark: SparkSession, rows: Callable[..., DataFrame]
) -> None:
    default = {"basis": "source_default: licence of the data set"}
    statements = [
        statement(1, "r1", 1, "denied", KEYS[:1]),
        statement(2, "r1", 5, "granted", KEYS[:1], **default),
        statement(3, "r3", 5, "granted", KEYS[2:], **default),
    ]
    assert ask(spark, rows, statements) == {"ann": ("denied", "proof 1"), "bob": ("granted", "proof 3")}


def test_what_was_known_then(spark: SparkSession, rows: Callable[..., DataFrame]) -> None:
    late = {"received_at": START + timedelta(hours=50)}
    statements = [statement(1, "r1", 1, "denied"), statement(2, "r1", 2, "granted", **late)]
    assert ask(spark, rows, statements, hour=10, known_hour=10) == {"ann": ("denied", "proof 1")}
    assert ask(spark, rows, statements, hour=10) == {"ann": ("granted", "proof 2")}


def test_the_gate_denies_by_default(spark: SparkSession) -> None:
    members = spark.createDataFrame([("ann", 1), ("bob", 2), ("cat", 3), ("dan", 4)], "person_id STRING, n INT")
    states = spark.createDataFrame(
        [("ann", "ads", "granted"), ("bob", "ads", "denied"), ("cat", "email", "granted"), ("dan", "ads", None)],
        "person_id STRING, purpose STRING, state STRING",
    )
    allowed, withheld = gate(members, states, "ads")
    assert [tuple(r) for r in allowed.collect()] == [("ann", 1)]
    assert sorted(tuple(r) for r in withheld.collect()) == [
        ("bob", 2, "denied"),
        ("cat", 3, "unknown"),
        ("dan", 4, "unknown"),
    ]


timeline = st.lists(
    st.tuples(
        st.integers(0, 1),  # which of the person's two records
        st.integers(0, 6),  # hour: few, so that times tie
        st.sampled_from(["granted", "denied"]),
        st.sets(st.sampled_from(KEYS), max_size=2),
        st.sampled_from(["consent", "consent", "source_default"]),
    ),
    max_size=6,
)


def oracle(person: int, statements: list[Any], hour: int) -> tuple[str, datetime] | None:
    """The rule of the module, read aloud."""
    for is_default in (False, True):
        newest: dict[Any, tuple[datetime, bool]] = {}
        for record, at, state, keys, basis in statements:
            if at > hour or (basis == "source_default") != is_default:
                continue
            for key in keys or {("record", f"r{person}-{record}")}:
                said = (START + timedelta(hours=at), state == "denied")
                newest[key] = max(newest.get(key, said), said)
        if newest:
            denials = [time for time, is_denied in newest.values() if is_denied]
            return ("denied", max(denials)) if denials else ("granted", max(t for t, _ in newest.values()))
    return None


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(timeline, min_size=60, max_size=60), st.integers(0, 6))
def test_random_timelines(
    spark: SparkSession, rows: Callable[..., DataFrame], timelines: list[list[Any]], hour: int
) -> None:
    statements, pairs, number = [], [], 0
    for person, said in enumerate(timelines):
        pairs += [(f"r{person}-{record}", f"p{person}") for record in (0, 1)]
        for record, at, state, keys, basis in said:
            number += 1
            statements.append(statement(number, f"r{person}-{record}", at, state, tuple(sorted(keys)), basis=basis))
    person_records = spark.createDataFrame(pairs, "record_id STRING, person_id STRING")
    found = consent_states(rows(CONSENTS, statements), person_records, as_of=START + timedelta(hours=hour))
    answers = {r["person_id"]: (r["state"], r["valid_from"].astimezone(UTC)) for r in found.collect()}
    expected = {f"p{n}": oracle(n, said, hour) for n, said in enumerate(timelines)}
    assert answers == {person: answer for person, answer in expected.items() if answer is not None}
