"""One person is found by any of their identifiers and explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame

from cdp.contracts.gold.account_members import ACCOUNT_MEMBERS
from cdp.contracts.gold.accounts import ACCOUNTS
from cdp.contracts.gold.household_members import HOUSEHOLD_MEMBERS
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ConfigError
from cdp.profiles.render import render_person
from cdp.profiles.show import PersonDescription, Tie, describe_person

Build = Callable[..., DataFrame]
NOON = datetime(2026, 1, 4, 12, tzinfo=UTC)
BEFORE = datetime(2025, 3, 9, tzinfo=UTC)


def link(record: str, kind: str, value: str, *, refused: str | None = None) -> dict[str, object]:
    evidence = '{"n_seen":1}' if refused is None else f'{{"refused":"{refused}"}}'
    return {
        "record_id": record,
        "identifier_type": kind,
        "value": value,
        "is_active": refused is None,
        "evidence": evidence,
    }


def describe(rows: Build, asked: str) -> PersonDescription:
    held = [
        ("record", "crm:1", "p_a"),
        ("record", "web:1", "p_a"),
        ("email", "ana@x", "p_a"),
        ("record", "crm:2", "p_b"),
    ]
    chosen = [(name, "crm", "crm:1", NOON, "most_recent", 0.625) for name in ("city", "attributes.pet")]
    return describe_person(
        asked,
        people=rows(
            PEOPLE,
            [
                {"person_id": "p_a", "status": "active", "n_records": 2, "is_known": True, "born_on": date(2026, 1, 1)},
                {"person_id": "p_b", "status": "active", "n_records": 1},
                {"person_id": "p_gone", "status": "merged", "merged_into": "p_a"},
            ],
        ),
        person_identifiers=rows(
            PERSON_IDENTIFIERS, [{"identifier_type": t, "value": v, "person_id": p} for t, v, p in held]
        ),
        identity_links=rows(
            IDENTITY_LINKS,
            [
                link("crm:1", "email", "ana@x"),
                link("web:1", "email", "ana@x"),
                link("crm:1", "phone", "+44", refused="ties together 3 people, limit 1"),
                link("crm:2", "email", "bob@x"),
            ],
        ),
        profiles=rows(
            PROFILES, [{"person_id": "p_a", "city": "York", "attributes": '{"pet":"cat"}', "chosen": chosen}]
        ),
        customer_records=rows(
            CUSTOMER_RECORDS,
            [
                {"record_id": r, "source": "crm", "valid_from": t, "change_no": "", "city": city}
                for r, t, city in (("crm:1", NOON, "York"), ("crm:1", BEFORE, "Hull"), ("crm:2", NOON, "Bath"))
            ],
        ),
        events=rows(
            EVENTS, [{"event_id": "1", "record_id": "web:1", "event_name": "Product Viewed", "event_at": NOON}]
        ),
        order_lines=rows(
            ORDER_LINES,
            [{"order_line_id": "1", "record_id": "crm:2", "product_name": "Pillow", "ordered_at": NOON}],
        ),
        consents=rows(CONSENTS, [{"consent_id": "1", "record_id": "web:1", "purpose": "ads", "state": "denied"}]),
        predictions=rows(
            PREDICTIONS,
            [
                {"person_id": "p_a", "model": "churn", "as_of": date(2026, 1, d), "score": s}
                for d, s in ((4, 0.5), (5, 0.25))
            ],
        ),
        accounts=rows(
            ACCOUNTS, [{"account_id": a, "name": n, "n_people": 3} for a, n in (("a_1", "Acme"), ("a_2", "B"))]
        ),
        household_members=rows(
            HOUSEHOLD_MEMBERS,
            [
                {"person_id": p, "household_id": h, "n_people": 2}
                for p, h in (("p_a", "h_1"), ("p_b", "h_2"), ("p_c", "h_1"))
            ],
        ),
        account_members=rows(
            ACCOUNT_MEMBERS,
            [{"account_id": a, "person_id": p, "told_by": "email_domain"} for a, p in (("a_1", "p_a"), ("a_2", "p_b"))],
        ),
    )


def test_a_person_is_found_by_identifier_and_explained(rows: Build) -> None:
    ana = describe(rows, "ana@x")
    assert (ana.person_id, ana.asked) == ("p_a", "ana@x")
    assert ana.ties == [
        Tie("email", "ana@x", ("crm:1", "web:1"), True),
        Tie("phone", "+44", ("crm:1",), False, "ties together 3 people, limit 1"),
    ]
    assert [e["what"] for e in ana.events] == ["Product Viewed"]
    assert [p["score"] for p in ana.predictions] == [0.25]
    assert [c["purpose"] for c in ana.consents] == ["ads"]
    assert [h["person_id"] for h in ana.household] == ["p_a", "p_c"]
    assert [(a["name"], a["n_people"], a["told_by"]) for a in ana.accounts] == [("Acme", 3, "email_domain")]
    assert [(o["attribute"], o["value"]) for o in ana.others] == [("city", "Hull")]
    text = render_person(ana)
    for shown in (
        "0.625",
        "Acme",
        "Hull",
        "email ana@x is in 2 records",
        "crm:1",
        "York",
        "cat",
        "0.25",
        "limit 1",
        "Product Viewed",
    ):
        assert shown in text
    assert "\x1b" not in text and "Pillow" not in text


def test_a_merged_id_leads_to_the_survivor_and_an_unknown_one_is_an_error(rows: Build) -> None:
    assert describe(rows, "p_gone").person_id == "p_a"
    with pytest.raises(ConfigError, match="no person has this id"):
        describe(rows, "nobody@x")


def test_a_profile_of_an_older_release_is_shown_without_confidence() -> None:
    chosen = [{"attribute": "city", "source": "crm", "record_id": "crm:1", "valid_from": NOON, "rule": "most_recent"}]
    empty: dict[str, list[dict[str, object]]] = {
        part: [] for part in ("identifiers", "predictions", "audiences", "consents", "events")
    }
    old = PersonDescription(
        "p_a", None, {"n_records": 1}, ties=[], profile={"city": "York", "chosen": chosen}, traits={}, **empty
    )
    shown = next(line for line in render_person(old).splitlines() if "York" in line)
    assert [cell.strip() for cell in shown.split("│")][-3:] == ["most_recent", "", ""]
