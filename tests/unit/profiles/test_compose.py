"""Golden records: which value survives, where it comes from, and what must not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from pyspark.sql import DataFrame

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.profiles.compose import CONTENT, compose_profiles
from cdp.profiles.retention import next_expiry, rows_in_time
from cdp.profiles.signs import gather_signs
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.rules.person_records import person_records

Build = Callable[..., DataFrame]
CONF = Path(__file__).parents[3] / "conf" / "survivorship" / "profile.yaml"
POLICY = SurvivorshipPolicy.model_validate(yaml.safe_load(CONF.read_text(encoding="utf-8")))


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def record(record_id: str, day: int, **values: Any) -> dict[str, Any]:
    source = record_id.partition(":")[0]
    base = {"record_id": record_id, "source": source, "valid_from": at(day), "received_at": at(day), "landed_id": "f:1"}
    return {**base, **values}


RECORDS = [
    record("crm:1", 1, given_name="Ana", family_name="Ruiz", street_address="1 Old Road", city="Leeds", postcode="LS1",
           birth_date=date(1980, 3, 7), attributes='{"pet":"dog","children":2}', email="old@x.com"),
    record("crm:1", 5, given_name="Ana", family_name="Ruiz-Hall", street_address="2 New Road", city="York",
           postcode="YO1", birth_date=date(1980, 3, 7), attributes='{"pet":"cat","children":2}', email="ana@x.com"),
    record("crm:2", 6, given_name="Anna", family_name=" ", city="Hull", birth_date=date(1980, 7, 3), phone="  "),
    record("web:u1", 4, birth_date=date(1980, 3, 7), gender="f"),
    record("demographics:d", 9, given_name="ANA", family_name="RUIZ", postcode="ZZ9", region="North",
           attributes='{"income_band":"50-75k","pet":"fish"}'),
]  # fmt: skip
RECORDS[4]["received_at"] = at(2)


def compose(
    rows: Build,
    *,
    run_date: date = date(2026, 1, 20),
    records: list[dict[str, Any]] = RECORDS,
    policy: SurvivorshipPolicy = POLICY,
) -> dict[str, Any]:
    owners = {r["record_id"]: "p_ana" for r in records} | {"web:c9": "p_device", "email:e1": "p_mail"}
    held = [
        {"identifier_type": "record", "value": r, "person_id": p, "source": "x", "valid_from": at(1)}
        for r, p in owners.items()
    ]
    held += [
        {"identifier_type": "phone", "value": n, "person_id": "p_ana", "source": "web", "valid_from": at(d)}
        for n, d in (("+441", 3), ("+442", 2))
    ]
    held.append(
        {"identifier_type": "email", "value": "m@x", "person_id": "p_mail", "source": "email", "valid_from": at(3)}
    )
    seen = [
        {"record_id": r, "identifier_type": "x", "value": r, "first_seen_at": at(1), "last_seen_at": at(11)}
        for r in owners
    ]
    people = [{"person_id": p, "status": "active", "n_records": 1} for p in ("p_ana", "p_device", "p_mail")]
    people.append({"person_id": "p_old", "status": "merged", "merged_into": "p_ana"})
    owners_of, in_time = rows(PERSON_IDENTIFIERS, held), rows(CUSTOMER_RECORDS, records)
    in_time = rows_in_time(in_time, retention={"demographics": 60}, run_date=run_date)
    signs = gather_signs(rows(PEOPLE, people), owners_of, in_time, rows(IDENTIFIERS, seen))
    profiles = compose_profiles(signs, person_records(owners_of), in_time, policy=policy)
    kinds = {f.name: f.dataType for f in PROFILES.schema}
    assert [(f.name, f.dataType) for f in profiles.schema] == [(n, kinds[n]) for n in (*CONTENT, "made_of")]
    return {r["person_id"]: r.asDict(recursive=True) for r in profiles.collect()}


def test_the_golden_record_of_three_people(rows: Build) -> None:
    profiles = compose(rows)
    assert profiles.keys() == {"p_ana", "p_device", "p_mail"}
    ana = profiles["p_ana"]
    # a name needs both parts, the newest own record that has them wins; bought data fill gaps only
    assert (ana["given_name"], ana["family_name"]) == ("Ana", "Ruiz-Hall")
    # one address from one record: the region of the bought record stays out
    assert (ana["street_address"], ana["city"], ana["postcode"], ana["region"]) == ("2 New Road", "York", "YO1", None)
    # two of three say so, though the newest record swaps day and month
    assert ana["birth_date"] == date(1980, 3, 7)
    assert json.loads(ana["attributes"]) == {"children": 2, "income_band": "50-75k", "pet": "cat"}
    assert (ana["email"], ana["phone"], ana["gender"]) == ("ana@x.com", "+441", "f")
    assert (ana["n_records"], ana["first_seen_at"].day, ana["last_seen_at"].day) == (4, 1, 11)
    chosen = {entry["attribute"]: entry for entry in ana["chosen"]}
    assert list(chosen) == sorted(chosen)
    assert (chosen["city"]["record_id"], chosen["city"]["rule"]) == ("crm:1", "most_recent")
    assert chosen["birth_date"]["rule"] == "most_frequent" and chosen["phone"]["rule"] == "identifier"
    assert chosen["attributes.income_band"]["source"] == "demographics"
    assert not {"region", "middle_name"} & chosen.keys()
    # web says so, and one of two records of crm
    assert chosen["birth_date"]["confidence"] == pytest.approx((0.5 + 1 + 0.5) / 3, abs=5e-4)
    # bought data name another pet, but are heard only where own data say nothing; a few days make little difference
    alone = ("gender", "attributes.pet", "attributes.income_band")
    assert [chosen[a]["confidence"] for a in alone] == pytest.approx([0.75] * 3, abs=5e-3)
    # +442 belongs to the same person and comes from the same source
    assert chosen["phone"]["confidence"] == 0.5

    device, mail = profiles["p_device"], profiles["p_mail"]
    assert (device["n_records"], device["given_name"], device["chosen"]) == (0, None, [])
    assert device["last_seen_at"].day == 11
    assert mail["email"] == "m@x" and mail["chosen"][0]["source"] == "email"


def test_a_record_that_its_source_deleted_states_nothing(rows: Build) -> None:
    gone = [*RECORDS, record("crm:1", 7, is_deleted=True)]
    ana = compose(rows, records=gone)["p_ana"]
    assert (ana["given_name"], ana["street_address"], ana["n_records"]) == ("ANA", None, 3)
    back = compose(rows, records=[*gone, record("crm:1", 8, is_deleted=False, given_name="Ana", family_name="Hall")])
    assert (back["p_ana"]["family_name"], back["p_ana"]["n_records"]) == ("Hall", 4)


def test_bought_data_are_gone_after_their_retention(rows: Build) -> None:
    last_day = compose(rows, run_date=date(2026, 3, 3))["p_ana"]
    day_after = compose(rows, run_date=date(2026, 3, 4))["p_ana"]
    assert "income_band" in last_day["attributes"]
    assert "income_band" not in day_after["attributes"]
    assert "demographics" not in {entry["source"] for entry in day_after["chosen"]}
    assert (last_day["n_records"], day_after["n_records"]) == (4, 3)


def test_the_next_expiry_is_the_first_night_that_leaves_something_out(rows: Build) -> None:
    records = rows(CUSTOMER_RECORDS, RECORDS)
    nights = [date(2026, 2, 1), date(2026, 3, 3), date(2026, 3, 4)]
    found = [next_expiry(records, retention={"demographics": 60}, run_date=night) for night in nights]
    assert found == [date(2026, 3, 4), date(2026, 3, 4), date.max]
    assert next_expiry(records, retention={}, run_date=nights[0]) == date.max


def test_the_order_of_records_does_not_matter(rows: Build) -> None:
    assert compose(rows, records=RECORDS[::-1]) == compose(rows)


def test_confidence_is_how_far_the_sources_agree(rows: Build) -> None:
    """All cases are keys of one person's attributes, each stated by some of six sources, f two years ago."""
    said: dict[str, dict[str, str]] = {
        "alone": {"a:1": "x"},
        "copies": {"a:1": "x", "a:2": "x", "a:3": "X"},
        "two": {"a:1": "x", "b:1": "x"},
        "five": {f"{s}:1": "x" for s in "abcde"},
        "contradicted": {"a:1": "y", "b:1": "x"},
        "outvoted": {"a:1": "y", "b:1": "y", "c:1": "x"},
        "torn": {"a:1": "x", "a:2": "y"},
        "changed": {"a:1": "x", "f:1": "y"},
        "old": {"f:1": "x"},
    }
    records = []
    for name in sorted({name for stated in said.values() for name in stated}):
        stated = {key: values[name] for key, values in said.items() if name in values}
        written = datetime(2024 if name == "f:1" else 2026, 1, 10, tzinfo=UTC)
        records.append({**record(name, 10, attributes=json.dumps(stated)), "valid_from": written})
    ana = compose(rows, records=records)["p_ana"]
    chosen = {entry["attribute"]: entry["confidence"] for entry in ana["chosen"]}
    found = {key: chosen[f"attributes.{key}"] for key in said}
    quarter = 0.5 ** (731 / 365)
    assert found == {
        "alone": 0.75,
        "copies": 0.75,
        "two": 0.833,
        "five": 0.917,
        "contradicted": 0.5,
        "outvoted": 0.375,
        "torn": 0.5,
        "changed": round(1.5 / (2 + quarter), 3),
        "old": round((quarter + 0.5) / (quarter + 1), 3),
    }


def with_rules(**changes: dict[str, Any]) -> SurvivorshipPolicy:
    """The bundled policy with other rules for these groups."""
    data = POLICY.model_dump()
    for group, rule in changes.items():
        data["groups"][group].update(rule)
    return SurvivorshipPolicy.model_validate(data)


def test_each_rule_has_its_winner(rows: Build) -> None:
    """The fullest address is not the newest, the verified e-mail neither, the most frequent is written in two ways."""
    records = [
        record("pos:1", 1, street_address="1 Road", city="Leeds", region="N", postcode="LS1", country="GB",
               email="old@x.com", attributes='{"email_verified": true}', given_name="ANA", family_name="Ruiz"),
        record("web:1", 3, postcode="YO1", city="York", email="new@x.com", given_name="Anna", family_name="Hall"),
        record("crm:1", 2, postcode="HU1", city="Hull", email="crm@x.com", given_name="Ana", family_name="Ruiz",
               attributes='{"email_verified": "no"}'),
    ]  # fmt: skip
    policy = with_rules(
        address={"rule": "most_complete"},
        email={"rule": "verified_first", "verified_by": "email_verified"},
        name={"rule": "most_frequent"},
    )
    ana = compose(rows, records=records, policy=policy)["p_ana"]
    chosen = {entry["attribute"]: entry for entry in ana["chosen"]}
    assert (ana["city"], ana["country"], ana["email"]) == ("Leeds", "GB", "old@x.com")
    # of the two that write it the same but for capitals, the newer
    assert (ana["given_name"], ana["family_name"]) == ("Ana", "Ruiz")
    # only a verified address may speak against a verified one
    assert (chosen["email"]["rule"], chosen["email"]["confidence"]) == ("verified_first", 0.75)
    assert (chosen["city"]["confidence"], chosen["family_name"]["confidence"]) == (0.375, 0.625)
    best_source = compose(rows, records=records, policy=with_rules(address={"rule": "source_priority"}))["p_ana"]
    assert (best_source["city"], best_source["email"]) == ("Hull", "new@x.com")


def test_verified_first_says_what_verifies() -> None:
    for changes in ({"rule": "verified_first"}, {"verified_by": "email_verified"}):
        with pytest.raises(ValidationError, match="verified_by and rule: verified_first go together"):
            with_rules(email=changes)


def test_a_policy_must_cover_every_column_once() -> None:
    groups = {name: group.model_dump() for name, group in POLICY.groups.items() if name != "phone"}
    with pytest.raises(ValidationError, match="in no group: phone"):
        SurvivorshipPolicy.model_validate({"groups": groups})
    with pytest.raises(ValidationError, match="in two groups: city"):
        SurvivorshipPolicy.model_validate({"groups": {**groups, "phone": {"columns": ["phone", "city"]}}})
