"""Person ids stay the same from night to night, and every merge, split and retirement is written down.

A night costs seconds whatever its size, so the stories below, each about records of its own, share four nights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame

from cdp.identity.person_ids import person_id
from cdp.identity.rules import IdentityRules

from .conftest import Night, run_night

Build = Callable[..., DataFrame]
SECRET = b"a secret"
DAYS = {"crm:ana": 5, "web:ana": 6, "crm:bob": 1, "shop:ana": 8, "web:late": 20, "crm:late": 1}
DAYS |= {"part:a": 0, "part:b": 1, "part:c1": 2, "part:c2": 3, "chain:a": 1, "chain:b": 2, "chain:c": 3}

FIRST = {
    "crm:ana": ["email=ana@x"],
    "web:ana": ["email=ana@x", "anonymous_id=c1"],
    "crm:bob": ["email=bob@x"],
    "web:device": ["anonymous_id=c9"],
    "web:late": ["email=late@x"],
    "part:a": ["phone=1", "phone=2"],
    "part:b": ["phone=1"],
    "part:c1": ["phone=2"],
    "part:c2": ["phone=2"],
    "gone:1": ["email=gone@x"],
    "chain:a": ["email=a"],
    "chain:b": ["email=b"],
    "chain:c": ["email=c"],
}
SECOND = {record: values for record, values in FIRST.items() if record not in ("part:a", "gone:1")} | {
    "shop:ana": ["email=ana@x", "phone=9"],  # ties Ana to Bob by a phone
    "crm:bob": ["email=bob@x", "phone=9"],
    "crm:late": ["email=late@x"],  # known before the record that the person's id was made from
    "chain:x": ["email=b", "email=c"],
}
THIRD = SECOND | {"gone:1": ["email=gone@x"], "chain:y": ["email=a", "email=b"]}
THIRD_GENERIC = ("phone=9",)

BARE = {"record_id": "crm:bare", "source": "crm", "valid_from": datetime(2026, 1, 9, tzinfo=UTC), "identifiers": []}

Nights = tuple[Night, Night, Night]


@pytest.fixture(scope="module")
def nights(rows: Build, rules: IdentityRules) -> Nights:
    first = run_night(rows, rules, FIRST, days=DAYS, customers=[BARE])
    second = run_night(rows, rules, SECOND, first, days=DAYS, customers=[BARE], run_date=date(2026, 2, 2))
    third = run_night(
        rows,
        rules,
        THIRD,
        second,
        generic=THIRD_GENERIC,
        days=DAYS,
        customers=[BARE],
        run_date=date(2026, 2, 3),
        driver_edge_limit=0,  # by GraphFrames
    )
    return first, second, third


def test_the_first_night_makes_one_person_per_cluster(nights: Nights) -> None:
    first = nights[0]
    apart = [["crm:bob"], ["web:device"], ["web:late"], ["gone:1"], ["crm:bare"], ["chain:a"], ["chain:b"], ["chain:c"]]
    together = [["crm:ana", "web:ana"], ["part:a", "part:b", "part:c1", "part:c2"]]
    assert first.partition == {frozenset(records) for records in apart + together}
    ana = first.person(first.person_of["crm:ana"])
    assert ana["person_id"] == person_id(SECRET, "crm:ana")
    assert (ana["n_records"], ana["n_identifiers"], ana["is_known"], ana["born_on"]) == (2, 2, True, date(2026, 1, 6))
    assert first.person(first.person_of["web:device"])["is_known"] is False
    assert first.person(first.person_of["crm:bare"])["is_known"] is True
    device = [r for r in first.person_identifiers if (r["identifier_type"], r["value"]) == ("anonymous_id", "c1")]
    assert [(r["person_id"], r["source"]) for r in device] == [(ana["person_id"], "web")]
    assert first.history == []


def test_what_joined_a_person_is_known_from_the_last_link_of_the_way_there(nights: Nights) -> None:
    first, second, third = ({r["value"]: r["known_from"].day - 1 for r in n.person_identifiers} for n in nights)
    assert [first[v] for v in ("crm:ana", "ana@x", "web:ana", "c1")] == [5, 5, 6, 6]
    # by the phone of bob, who was known first, all of ana is his once her shop record has told it
    assert [second[v] for v in ("crm:bob", "9", "shop:ana", "ana@x", "crm:ana", "web:ana")] == [1, 1, 8, 8, 8, 8]
    assert [third[v] for v in ("crm:ana", "web:ana", "shop:ana")] == [5, 6, 8]
    assert [second[v] for v in ("crm:late", "web:late", "crm:bare")] == [1, 20, 8]


def test_a_merge_keeps_the_oldest_and_says_why(nights: Nights) -> None:
    first, second, _ = nights
    ana, bob = first.person_of["crm:ana"], first.person_of["crm:bob"]
    assert {second.person_of[r] for r in ("crm:ana", "web:ana", "shop:ana", "crm:bob")} == {bob}
    gone = second.person(ana)
    assert (gone["status"], gone["merged_into"], gone["n_records"]) == ("merged", bob, 0)
    [merge] = [h for h in second.history if h["person_id"] == bob]
    assert (merge["kind"], merge["predecessor_ids"], merge["successor_ids"]) == ("merge", sorted([ana, bob]), [bob])
    ties = json.loads(merge["evidence"])
    assert {tie["type"] for tie in ties} == {"email", "phone"}
    assert {"type": "phone", "records": ["crm:bob", "shop:ana"]} in ties


def test_a_value_that_becomes_generic_brings_back_who_was_merged(nights: Nights) -> None:
    first, _, third = nights
    ana, bob = first.person_of["crm:ana"], first.person_of["crm:bob"]
    assert third.person_of["crm:bob"] == bob
    assert third.person_of["crm:ana"] == third.person_of["web:ana"] == third.person_of["shop:ana"] == ana
    again, before = third.person(ana), first.person(ana)
    assert (again["status"], again["merged_into"], again["n_records"]) == ("active", None, 3)
    assert (again["born_on"], again["anchor_record_id"]) == (before["born_on"], before["anchor_record_id"])
    [split] = [h for h in third.history if h["person_id"] == bob]
    assert (split["kind"], split["predecessor_ids"]) == ("split", [bob])
    assert split["successor_ids"] == sorted([bob, ana])
    assert split["reason"] == "the value that tied the records became generic"
    assert json.loads(split["evidence"]) == [{"type": "phone", "records": ["crm:bob", "shop:ana"]}]


def test_an_older_record_that_arrives_later_does_not_move_the_id(nights: Nights) -> None:
    first, second, _ = nights
    assert second.person_of["crm:late"] == first.person_of["web:late"]
    assert second.person(second.person_of["crm:late"])["anchor_record_id"] == "web:late"


def test_the_largest_part_keeps_the_id_when_the_anchor_is_gone(nights: Nights) -> None:
    first, second, _ = nights
    whole = first.person_of["part:a"]
    assert second.person_of["part:c1"] == second.person_of["part:c2"] == whole
    assert second.person(whole)["anchor_record_id"] == "part:c1"
    assert second.person_of["part:b"] == person_id(SECRET, "part:b")
    [split] = [h for h in second.history if h["person_id"] == whole]
    assert (split["kind"], split["reason"]) == ("split", "the record, value or decision that tied the records is gone")


def test_a_person_without_records_is_retired_and_the_id_is_not_given_again(nights: Nights) -> None:
    first, second, third = nights
    gone = first.person_of["gone:1"]
    assert second.person(gone)["status"] == third.person(gone)["status"] == "retired"
    [retired] = [h for h in second.history if h["person_id"] == gone]
    assert (retired["kind"], retired["successor_ids"]) == ("retire", [])
    assert third.person_of["gone:1"] == person_id(SECRET, "gone:1", 1) != gone


def test_merged_into_names_the_last_survivor_of_a_chain(nights: Nights) -> None:
    first, second, third = nights
    a, b, c = (first.person_of[f"chain:{name}"] for name in "abc")
    assert second.person(c)["merged_into"] == b
    assert {third.person_of[f"chain:{name}"] for name in "abcxy"} == {a}
    assert third.person(b)["merged_into"] == third.person(c)["merged_into"] == a


def test_each_id_tells_since_which_night_it_stands_so(nights: Nights) -> None:
    first = nights[0]
    ids = {name: first.person_of[name] for name in ("crm:ana", "crm:bob", "gone:1", "chain:b", "chain:c")}
    ids["web:new"] = nights[2].person_of["gone:1"]
    since = {
        name: [n.person(p)["status_since"].day if any(r["person_id"] == p for r in n.people) else None for n in nights]
        for name, p in ids.items()
    }
    assert since == {
        "crm:ana": [1, 2, 3],  # born, merged and given back
        "crm:bob": [1, 1, 1],
        "gone:1": [1, 2, 2],
        "chain:b": [1, 1, 3],
        "chain:c": [1, 2, 3],  # merged into b, who was merged in turn
        "web:new": [None, None, 3],
    }


def test_the_same_night_again_changes_nothing(rows: Build, rules: IdentityRules, nights: Nights) -> None:
    third = nights[2]
    again = run_night(
        rows, rules, THIRD, third, generic=THIRD_GENERIC, days=DAYS, customers=[BARE], partitions=7,
        run_date=date(2026, 2, 3),
    )  # fmt: skip
    assert (again.people, again.person_identifiers, again.history) == (third.people, third.person_identifiers, [])


def test_a_night_killed_between_its_tables_ends_as_if_it_had_not(
    rows: Build, rules: IdentityRules, nights: Nights
) -> None:
    first, second, _ = nights
    killed = Night(people=first.people, person_identifiers=second.person_identifiers)
    again = run_night(rows, rules, SECOND, killed, days=DAYS, customers=[BARE], run_date=date(2026, 2, 2))
    assert (again.people, again.person_identifiers) == (second.people, second.person_identifiers)
    # what the killed run wrote down is found again under the same id, and append leaves it out
    assert {h["history_id"] for h in again.history} <= {h["history_id"] for h in second.history}


def test_what_is_decided_on_the_executors_is_the_same(rows: Build, rules: IdentityRules, nights: Nights) -> None:
    first, second, _ = nights
    again = run_night(
        rows, rules, SECOND, first, days=DAYS, customers=[BARE], run_date=date(2026, 2, 2), driver_pair_limit=1
    )
    assert again == second
