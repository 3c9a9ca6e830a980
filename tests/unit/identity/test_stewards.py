"""What stewards decide holds night after night, and taking it back gives the people of before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame

from cdp.identity.rules import IdentityRules

from .conftest import Night, Row, run_night

Build = Callable[..., DataFrame]
RECORDS = {
    "crm:ann": ["email=ann@x"],
    "web:ann": ["email=ann@x", "anonymous_id=c1"],
    "crm:bob": ["email=bob@x", "phone=7"],
    "web:bob": ["email=bob@x"],
    "crm:cat": ["phone=9", "email=cat@x"],
    "crm:dan": ["phone=9"],
    "web:cat": ["email=cat@x"],
}
Nights = tuple[Night, Night, Night]


def decision(number: int, kind: str, a: list[str], b: list[str], revokes: list[str] | None = None) -> Row:
    return {"override_id": f"o{number}", "kind": kind, "records_a": a, "records_b": b, "revokes": revokes or [],
            "reason": "asked them", "decided_at": datetime(2026, 2, number, tzinfo=UTC)}  # fmt: skip


MERGED = [decision(1, "merge", ["crm:bob"], ["crm:ann"])]
TAKEN_BACK = [*MERGED, decision(2, "unmerge", [], [], ["o1"]), decision(3, "unmerge", ["crm:dan"], ["crm:cat"])]


@pytest.fixture(scope="module")
def nights(rows: Build, rules: IdentityRules) -> Nights:
    first = run_night(rows, rules, RECORDS)
    second = run_night(rows, rules, RECORDS, first, decisions=MERGED, run_date=date(2026, 2, 2))
    third = run_night(rows, rules, RECORDS, second, decisions=TAKEN_BACK, run_date=date(2026, 2, 3))
    return first, second, third


def test_a_merge_makes_one_person_and_says_who_decided(nights: Nights) -> None:
    first, second, _ = nights
    ann, bob = first.person_of["crm:ann"], first.person_of["crm:bob"]
    assert {second.person_of[r] for r in ("crm:ann", "web:ann", "crm:bob", "web:bob")} == {ann}
    assert (second.person(bob)["status"], second.person(bob)["merged_into"]) == ("merged", ann)
    [merge] = second.history
    assert (merge["kind"], merge["reason"]) == ("merge", "a steward decided that they are one person")
    assert merge["predecessor_ids"] == sorted([ann, bob])


def test_taking_a_merge_back_gives_the_people_and_identifiers_of_before(nights: Nights) -> None:
    first, _, third = nights

    two = {first.person_of["crm:ann"], first.person_of["crm:bob"]}

    def of_both(night: Night) -> tuple[list[Row], list[Row]]:
        people = [{**p, "status_since": None} for p in night.people if p["person_id"] in two]
        return people, [i for i in night.person_identifiers if i["person_id"] in two]

    assert of_both(third) == of_both(first)
    # Only since when one of them stands so is told: who kept another system in step has to put that person back.
    assert sorted(p["status_since"].day for p in third.people if p["person_id"] in two) == [1, 3]
    kinds = {(h["kind"], h["person_id"]) for h in third.history}
    assert ("split", first.person_of["crm:ann"]) in kinds


def test_a_record_that_was_taken_out_stays_out_also_when_all_is_rebuilt(
    rows: Build, rules: IdentityRules, nights: Nights
) -> None:
    first, _, third = nights
    assert first.person_of["crm:dan"] == first.person_of["crm:cat"] == first.person_of["web:cat"]
    assert third.person_of["crm:dan"] != third.person_of["crm:cat"] == third.person_of["web:cat"]
    [split] = [h for h in third.history if h["person_id"] == first.person_of["crm:cat"]]
    assert split["reason"] == "a value tied the records, but a steward keeps its records apart"
    rebuilt = run_night(rows, rules, RECORDS, decisions=TAKEN_BACK, partitions=3)
    assert rebuilt.partition == third.partition
