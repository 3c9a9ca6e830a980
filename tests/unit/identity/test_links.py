"""Identifiers, generic values and links, from silver rows to the edges of the graph."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from pyspark.sql import DataFrame

from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.identity.generic import find_generic_values
from cdp.identity.identifiers import collect_identifiers
from cdp.identity.links import declare_links
from cdp.identity.rules import IdentityRules

from .conftest import identifier_rows

Build = Callable[..., DataFrame]
RULES_FILE = Path(__file__).parents[3] / "conf" / "identity" / "rules.yaml"


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def carried(*texts: str) -> list[tuple[str, str]]:
    return [(t.partition("=")[0], t.partition("=")[2]) for t in texts]


def customer(number: int, given: str | None, born: date | None, *texts: str, day: int = 1) -> dict[str, Any]:
    return {
        "record_id": f"crm:{number}",
        "source": "crm",
        "valid_from": at(day),
        "received_at": at(day),
        "given_name": given,
        "birth_date": born,
        "identifiers": carried(*texts),
    }


def test_identifiers_are_gathered_from_every_table_once(rows: Build) -> None:
    event = {"record_id": "web:a", "source": "web", "identifiers": carried("anonymous_id=c1", "user_id=u1")}
    found = collect_identifiers(
        events=rows(
            EVENTS,
            [
                {**event, "event_id": "1", "event_at": at(3), "received_at": at(9)},
                {**event, "event_id": "2", "event_at": at(4), "received_at": at(5)},
                {"event_id": "3", "source": "web", "event_at": at(1), "identifiers": []},
            ],
        ),
        order_lines=rows(ORDER_LINES, [{**event, "order_line_id": "1", "ordered_at": at(2)}]),
        customer_records=rows(
            CUSTOMER_RECORDS,
            [customer(1, "Ana", None, "email=old@x"), customer(1, "Ana", None, "email=new@x", day=7)],
        ),
        feedback=rows(FEEDBACK, []),
        consents=rows(CONSENTS, [{"record_id": "c:1", "source": "c", "valid_from": at(1), "identifiers": carried()}]),
    )
    rows_found = {(r.record_id, r.identifier_type, r.value): r for r in found.collect()}
    assert found.columns == IDENTIFIERS.column_names
    assert rows_found.keys() == {
        ("web:a", "anonymous_id", "c1"),
        ("web:a", "user_id", "u1"),
        ("crm:1", "email", "old@x"),
        ("crm:1", "email", "new@x"),
    }
    web = rows_found["web:a", "user_id", "u1"]
    assert (web.first_seen_at.day, web.last_seen_at.day, web.known_from.day, web.n_seen) == (2, 4, 2, 3)


def test_values_that_tie_people_together_are_generic(rows: Build, rules: IdentityRules) -> None:
    ana, bob = date(1980, 3, 7), date(2005, 1, 2)
    customers = [
        customer(1, "Ana", ana, "phone=family", "phone=own", "email=test@x", "email=n/a"),
        customer(2, "Bob", bob, "phone=family"),
        # one person in two spellings and with day and month swapped
        customer(3, "Ángela", date(1980, 7, 3), "phone=own"),
        customer(4, None, bob, "phone=own"),
        # given and family name swapped, a nickname, another family name since the wedding
        {**customer(5, "Tony", ana, "phone=swapped"), "family_name": "Kelly"},
        {**customer(6, "Kelly", ana, "phone=swapped"), "family_name": "Anthony"},
        {**customer(7, "Ana", ana, "phone=wed"), "family_name": "Ruiz"},
        {**customer(8, "Ana", ana, "phone=wed"), "family_name": "Hall"},
        # nobody knows when the second was born, but the names differ
        {**customer(9, "Ana", ana, "phone=couple"), "family_name": "Ruiz"},
        {**customer(10, "Bob", None, "phone=couple"), "family_name": "Ruiz"},
        # senior and junior: all equal but the birth date
        {**customer(11, "Ana", ana, "phone=junior"), "family_name": "Ruiz"},
        {**customer(12, "Ana", bob, "phone=junior"), "family_name": "Ruiz"},
    ]
    records = {f"crm:{c['record_id'][4:]}": [f"{t}={v}" for t, v in c["identifiers"]] for c in customers}
    records |= {f"web:{n}": ["anonymous_id=kiosk", f"user_id=u{n}"] for n in range(3)}
    records["web:9"] = ["anonymous_id=own", "user_id=u9"]
    found = find_generic_values(
        rows(IDENTIFIERS, identifier_rows(records)), rows(CUSTOMER_RECORDS, customers), rules=rules
    )
    assert found.columns == GENERIC_VALUES.column_names
    assert sorted((r.identifier_type, r.value, r.n_people, r.n_records, r.reason) for r in found.collect()) == [
        ("anonymous_id", "kiosk", 3, 3, "ties together 3 people, limit 1"),
        ("email", "n/a", 1, 1, "a word for nothing"),
        ("email", "test@x", 1, 1, "role address"),
        ("phone", "couple", 2, 2, "ties together 2 people, limit 1"),
        ("phone", "family", 2, 2, "ties together 2 people, limit 1"),
        ("phone", "junior", 2, 2, "ties together 2 people, limit 1"),
    ]


def test_generic_values_keep_their_links_but_inactive(rows: Build, rules: IdentityRules) -> None:
    identifiers = rows(IDENTIFIERS, identifier_rows({"crm:1": ["email=a@x", "phone=1", "hobby=chess"]}))
    generic = rows(GENERIC_VALUES, [{"identifier_type": "phone", "value": "1", "reason": "shared"}])
    links = declare_links(identifiers, generic, rules=rules)
    assert links.columns == [*IDENTITY_LINKS.column_names, "n_seen", "first_seen_at", "last_seen_at"]
    found = {r.identifier_type: r for r in links.collect()}
    assert {name: r.is_active for name, r in found.items()} == {"email": True, "phone": False}
    assert (found["email"].rule, found["email"].probability) == ("declared:email", 0.95)
    assert found["email"].weight == pytest.approx(4.248, abs=1e-3)
    assert "shared" in found["phone"].evidence and "a@x" not in found["email"].evidence


def test_the_shipped_rules_are_valid_and_catch_fillers(rows: Build) -> None:
    rules = IdentityRules.model_validate(yaml.safe_load(RULES_FILE.read_text(encoding="utf-8")))
    bad = ["email=test@test.com", "email=info@shop.example", "email=no-reply@x.com", "phone=+440000000000",
           "phone=123456789", "phone=+441234567890", "user_id=000000", "email=null", "loyalty_id=N/A"]  # fmt: skip
    good = ["email=testa@x.com", "email=informer@x.com", "phone=+447700900123", "user_id=U000123", "loyalty_id=900100"]
    records = {f"crm:{n}": [text] for n, text in enumerate(bad + good)}
    found = find_generic_values(rows(IDENTIFIERS, identifier_rows(records)), rows(CUSTOMER_RECORDS, []), rules=rules)
    assert sorted(f"{r.identifier_type}={r.value}" for r in found.collect()) == sorted(bad)


def test_rules_refuse_what_they_do_not_know() -> None:
    link = {"probability": 0.9, "max_people": 1}
    with pytest.raises(ValidationError, match="max_person"):
        IdentityRules.model_validate({"links": {"email": {**link, "max_person": 2}}, "known_types": []})
    with pytest.raises(ValidationError, match="not a regular expression"):
        pattern = {"types": ["email"], "pattern": "(", "reason": "x"}
        IdentityRules.model_validate({"links": {"email": link}, "known_types": [], "generic_patterns": [pattern]})
