"""Profile records in the shape of silver go through the engine and come back as links."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.identity.decisions import Side, StewardDecisions, decisions_in_force
from cdp.identity.explain import explain_pair, explain_person, mask
from cdp.identity.measures import measure_people
from cdp.identity.profile_records import MEANING, build_profiles
from cdp.identity.record_matches import MATCHED, Matches, match_profiles, matched_links
from cdp.identity.render_explanation import render_pair, render_person
from cdp.identity.rules import IdentityRules, Policy, ValueLimit

_LINK = {"probability": 0.95, "max_people": 1}
RULES = IdentityRules.model_validate(
    {"links": {"email": _LINK, "phone": _LINK, "loyalty_id": _LINK}, "known_types": [], "nicknames": {"bob": "robert"}}
)
_GIVEN = ["james", "mary", "robert", "linda", "david", "susan", "peter", "karen", "george", "nancy", "frank", "helen",
          "edward", "laura", "henry", "alice", "arthur", "julia", "walter", "emma"]  # fmt: skip
_FAMILY = [a + b for a in ("smith", "jones", "taylor", "brown", "wilson", "evans", "walker", "green", "wood", "harris")
           for b in ("", "son", "ley", "ford")]  # fmt: skip
_TYPE = pa.list_(pa.struct([("type", pa.string()), ("value", pa.string())]))


def version(record: str, day: int, *texts: str, **columns: Any) -> dict[str, Any]:
    """One version of a customer record, as `select_profiles` gives it."""
    at = datetime(2026, 1, day, tzinfo=UTC)
    held = [{"type": t.partition("=")[0], "value": t.partition("=")[2]} for t in texts]
    return {"record_id": record, "source": record.partition(":")[0], "valid_from": at, "change_no": "",
            "received_at": at, "node": zlib.crc32(record.encode()), "identifiers": held,
            **dict.fromkeys(MEANING), **columns}  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {"birth_date": pa.date32(), "identifiers": _TYPE, "node": pa.int64()}
    times = dict.fromkeys(("valid_from", "received_at"), pa.timestamp("us", tz="UTC"))
    shape = pa.schema([(name, {**kinds, **times}.get(name, pa.string())) for name in rows[0]])
    return pa.Table.from_pylist(rows, schema=shape)


def crowd() -> list[dict[str, Any]]:
    """200 people, half of them in a second source without birth date, some with a relative at their address."""
    draw, rows = np.random.default_rng(5), []
    for n in range(200):
        given, family = _GIVEN[draw.integers(20)], _FAMILY[draw.integers(40)]
        place = {"street_address": f"{draw.integers(1, 200)} {_FAMILY[draw.integers(40)]} road",
                 "postcode": f"{1000 + draw.integers(150)}"}  # fmt: skip
        born = date(1940 + int(draw.integers(60)), 1 + int(draw.integers(12)), 1 + int(draw.integers(28)))
        mail = f"email={given}.{family}{n}@mail.example"
        tel = f"phone=+4477{draw.integers(10**7, 10**8)}"
        rows.append(version(f"crm:{n}", 1, mail, tel, given_name=given, family_name=family, birth_date=born, **place))
        if n % 2:
            rows.append(version(f"bought:{n}", 2, mail, given_name=given, family_name=family,
                                postcode=place["postcode"]))  # fmt: skip
        if n % 3 == 0:
            rows.append(version(f"crm:kin{n}", 1, tel, given_name=_GIVEN[draw.integers(20)], family_name=family,
                                birth_date=date(1950 + int(draw.integers(55)), 5, 1 + n % 28), **place))  # fmt: skip
    return rows


ANN = {"given_name": "margaret", "family_name": "holloway", "birth_date": date(1971, 5, 17),
       "street_address": "8 orchard road", "postcode": "1222"}  # fmt: skip
STORY = [
    version("crm:ann", 1, "email=ann@mail.example", "phone=+447700900123", **ANN),
    version("crm:ann", 5, "phone=+447700900999", **{**ANN, "street_address": "9 mill lane", "postcode": "1111"}),
    version("shop:ann", 2, "email=ann@mail.example", **{**ANN, "family_name": "hollowey", "birth_date": None}),
    version("crm:joe", 1, "email=ann@mail.example", "phone=+447700900123",
            **{**ANN, "given_name": "joe", "birth_date": date(1999, 2, 2)}),
]  # fmt: skip


def run(rows: list[dict[str, Any]], decisions: StewardDecisions, rules: IdentityRules = RULES) -> Matches:
    profiles = build_profiles(table(rows), rules)
    assert profiles is not None
    return match_profiles(profiles, rules=rules, decisions=decisions)


@pytest.fixture(scope="module")
def found() -> Matches:
    return run([*crowd(), *STORY], StewardDecisions())


def person_of(found: Matches) -> dict[str, int]:
    return dict(zip(found.profiles.frame["record_id"], found.person.tolist(), strict=True))


def test_the_columns_that_are_compared_are_columns_of_silver() -> None:
    assert set(MEANING) <= set(CUSTOMER_RECORDS.column_names)


def test_a_record_has_its_newest_description_and_the_identifiers_of_all_versions() -> None:
    profiles = build_profiles(table(STORY), RULES)
    assert profiles is not None
    ann = profiles.frame.set_index("record_id").loc["crm:ann"]
    assert (ann["street_address"], ann["birth_date"]) == ("9 mill lane", "1971-05-17")
    assert (ann["phone 0"], ann["phone 1"], ann["email 0"]) == ("+447700900999", "+447700900123", "ann@mail.example")
    assert ann["known_from"].date() == date(2026, 1, 1)
    assert profiles.schema.columns["phone 1"].type == "phone" and "city" not in profiles.schema.columns
    assert build_profiles(table(STORY[:2]), RULES) is None


def test_of_two_versions_of_one_moment_the_later_change_counts_in_whatever_order_they_come() -> None:
    """As for the golden record: what is matched is what the profile shows."""
    moved = version("crm:ann", 5, change_no="2", **{**ANN, "street_address": "2 new lane"})
    first = version("crm:ann", 5, change_no="1", **ANN)
    joe = version("crm:joe", 1, given_name="joe")
    for rows in ([moved, first, joe], [first, moved, joe]):
        profiles = build_profiles(table(rows), RULES)
        assert profiles is not None
        assert profiles.frame.set_index("record_id")["street_address"]["crm:ann"] == "2 new lane"


def test_people_are_matched_and_a_family_is_not(found: Matches) -> None:
    person = person_of(found)
    assert person["crm:ann"] == person["shop:ann"] != person["crm:joe"]
    matched = [person[f"crm:{n}"] == person[f"bought:{n}"] for n in range(1, 200, 2)]
    kin = [person[f"crm:{n}"] == person[f"crm:kin{n}"] for n in range(0, 200, 3)]
    assert np.mean(matched) > 0.95 and np.mean(kin) < 0.05


def test_links_hold_each_person_together_and_name_no_value(found: Matches) -> None:
    links = matched_links(found)
    assert list(links.columns) == IDENTITY_LINKS.column_names
    assert len(links) == len(found.person) - len(np.unique(found.person)) and set(links["rule"]) == {MATCHED}
    person = person_of(found)
    assert all(person[a] == person[b] for a, b in zip(links["record_id"], links["value"], strict=True))
    assert (links["weight"] > 4.2).all() and (links["probability"] > 0.95).all()
    told = " ".join(links["evidence"])
    assert "holloway" not in told and "given name" in told and not links.duplicated(["record_id", "value"]).any()


def test_the_order_of_the_rows_changes_nothing(found: Matches) -> None:
    again = run([*reversed(STORY), *reversed(crowd())], StewardDecisions())
    assert matched_links(again).equals(matched_links(found))


def test_what_a_steward_keeps_apart_stays_apart(found: Matches) -> None:
    row = {"override_id": "o", "kind": "forbid", "records_a": ["shop:ann", "gone"], "records_b": ["crm:ann"],
           "revokes": [], "reason": "two people", "decided_at": datetime(2026, 1, 9, tzinfo=UTC)}  # fmt: skip
    parted = person_of(run([*crowd(), *STORY], decisions_in_force([row])))
    assert parted["crm:ann"] != parted["shop:ann"]
    whole = person_of(found)
    same = [r for r in whole if r not in ("crm:ann", "shop:ann", "crm:joe")]
    assert [parted[r] for r in same] == [whole[r] for r in same]


def _side(name: str, person: str) -> Side:
    return Side(name, person, (name,), (name,), name, is_person=False)


def test_a_pair_is_explained_by_its_waterfall(found: Matches) -> None:
    links = [
        {"record_id": r, "identifier_type": "email", "value": "ann@mail.example", "rule": "declared:email",
         "weight": 4.2, "probability": 0.95, "evidence": e, "is_active": active}
        for r, e, active in (("crm:ann", "{}", True), ("crm:joe", '{"refused":"told apart"}', False),
                             ("shop:ann", "{}", True))
    ]  # fmt: skip
    apart = explain_pair(_side("crm:ann", "p_1"), _side("crm:joe", "p_2"), links, found, StewardDecisions())
    assert not apart["is_one_person"] and apart["mean_weight"] < 0 < apart["threshold"] and apart["path"] == []
    [pair] = apart["pairs"]
    steps = {step["step"]: step["bits"] for step in pair["evidence"]}
    assert steps["given name"] < 0 < steps["family name"] and abs(sum(steps.values()) - pair["weight"]) < 0.1
    assert apart["shared"] == [{"type": "email", "value": "a***@mail.example", "ties": False, "why_not": "told apart"}]
    text = render_pair(apart)
    assert "are two people" in text and "given name different" in text and "ann@" not in text
    one = explain_pair(_side("crm:ann", "p_1"), _side("shop:ann", "p_1"), links, found, StewardDecisions())
    assert [(x["record"], x["to"]) for x in one["path"]] == [("crm:ann", "email"), ("shop:ann", "email")]
    assert json.loads(json.dumps(one)) == one


def test_a_person_is_explained_by_its_weakest_link(found: Matches) -> None:
    links = [row for row in matched_links(found).to_dict("records") if row["record_id"] == "shop:ann"]
    declared = {**links[0], "identifier_type": "email", "value": "ann@mail.example", "rule": "declared:email",
                "weight": 5.6, "evidence": "{}"}  # fmt: skip
    links += [{**declared, "record_id": record} for record in ("web:1", "shop:ann")]
    records = ("crm:ann", "shop:ann", "web:1")
    side = Side("p_1", "p_1", records, records, "crm:ann", is_person=True)
    told = explain_person(side, links, found, StewardDecisions())
    assert [x["weight"] for x in told["links"]] == sorted(x["weight"] for x in told["links"]) and len(
        told["links"]
    ) == 3
    assert told["weakest_link"] == told["links"][0] and told["refused"] == []
    assert "weakest link" in render_person(told) and "ann@mail" not in render_person(told)


def test_records_equal_to_one_that_is_kept_apart_bring_it_to_nobody() -> None:
    """Copies of a record are one person with it; where they fit the other side, the decision holds all the same."""
    full = {**ANN, "city": "bath"}
    plain = {name: value for name, value in full.items() if name != "street_address"}
    mail = "email=ann@mail.example"
    rows = [version("crm:a", 1, mail, **full), version("crm:b", 1, mail, **plain)]
    rows += [version(f"crm:{name}", 1, mail, **full) for name in ("c", "d")]
    row = {"override_id": "o", "kind": "forbid", "records_a": ["crm:a"], "records_b": ["crm:b"], "revokes": [],
           "reason": "two sisters", "decided_at": datetime(2026, 2, 1, tzinfo=UTC)}  # fmt: skip
    person = person_of(run([*crowd(), *rows], decisions_in_force([row])))
    assert person["crm:a"] != person["crm:b"] and person["crm:c"] == person["crm:d"]


def test_a_match_that_policy_refuses_is_kept_with_its_rule(found: Matches) -> None:
    policy = Policy(at_most={"email": ValueLimit(values=1, days=9)})
    moved = {**ANN, "street_address": "9 mill lane", "postcode": "1111"}
    second = version("crm:second", 9, "phone=+447700900999", "email=other@mail.example", **moved)
    rows, nobody = [*crowd(), *STORY, second], StewardDecisions()
    free, held = run(rows, nobody), run(rows, nobody, RULES.model_copy(update={"policy": policy}))
    assert person_of(free)["crm:second"] == person_of(free)["crm:ann"]
    person = person_of(held)
    ann, other = (np.array([person[name]]) for name in ("crm:ann", "crm:second"))
    rule = "policy at_most: more than 1 email values within 9 days"
    assert ann != other and held.forbids(ann, other) == [rule]
    links = matched_links(held)
    assert not links.duplicated(["record_id", "identifier_type", "value"]).any()
    about_second = (links["record_id"] == "crm:second") | (links["value"] == "crm:second")
    [refused] = links[~links["is_active"] & about_second].to_dict("records")
    assert {refused["record_id"], refused["value"]} <= {"crm:ann", "crm:second", "shop:ann"} and refused["weight"] > 0
    evidence = json.loads(refused["evidence"])
    assert evidence["refused"].startswith(rule) and evidence["steps"][0]["step"] == "prior"
    sides = [Side(n, f"p_{n}", ("crm:ann", "shop:ann") if n == "a" else ("crm:second",), (), n, is_person=True)
             for n in "ab"]  # fmt: skip
    told = explain_pair(sides[0], sides[1], [refused], held, nobody)
    assert told["refused"][0]["why"] == evidence["refused"] and f"refused by {rule}" in render_pair(told)


def test_values_are_masked() -> None:
    assert mask("email", "ann@mail.example") == "a***@mail.example"
    assert mask("phone", "+447700900123") == "+4***23" and mask("loyalty_id", "123") == "***"
    assert mask("record", "crm:1") == "crm:1"


def test_people_are_measured_without_truth(found: Matches) -> None:
    measured = measure_people(found, {"policy": 3, "a steward": 1}, date(2026, 1, 9))
    assert set(measured["run_date"].to_pylist()) == {date(2026, 1, 9)}
    told = dict(zip(measured["measure"].to_pylist(), measured["value"].to_pylist(), strict=True))
    assert (told["records"], told["links_refused"]) == (len(found.person), 4)
    assert told["people"] == len(set(found.person.tolist())) and told["largest_person"] >= 2
    assert told["impossible_share"] < 0.05 and told["one_link_share"] < 0.5 < told["expected_precision"] <= 1
    pairs = [n for name, n in told.items() if name.startswith("pairs_from_")]
    assert sum(pairs) == len(found.linked.clusters.left)
    assert told["held_from_-5"] == 0 < told["held_from_5"] + told["held_from_10"]
    assert measure_people(None, {}, date(2026, 1, 9)).num_rows == 0
