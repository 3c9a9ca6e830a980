"""A tiny identity pipeline for the tests: records with identifiers in, people out, night after night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.identity.decisions import decisions_in_force
from cdp.identity.links import declare_links
from cdp.identity.people import resolve_people
from cdp.identity.person_ids import person_id_maker
from cdp.identity.rules import IdentityRules
from cdp.identity.settle import settle_links

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


@pytest.fixture(scope="session")
def rules() -> IdentityRules:
    """E-mail, phone and device join; all of a person counts by name and birth date."""
    link = {"probability": 0.95, "max_people": 1}
    return IdentityRules.model_validate(
        {
            "links": {
                "email": link,
                "phone": link,
                "user_id": link,
                "anonymous_id": {**link, "people_by": ["user_id"]},
            },
            "known_types": ["email", "phone", "user_id"],
            "nicknames": {"tony": "anthony"},
            "generic_words": ["null", "n/a"],
            "generic_patterns": [{"types": ["email"], "pattern": "^(test|info)@", "reason": "role address"}],
        }
    )


@dataclass
class Night:
    """The three tables of one night as plain rows."""

    people: list[Row] = field(default_factory=list)
    person_identifiers: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)

    @property
    def person_of(self) -> dict[str, str]:
        """record_id -> person_id."""
        return {r["value"]: r["person_id"] for r in self.person_identifiers if r["identifier_type"] == "record"}

    @property
    def partition(self) -> set[frozenset[str]]:
        """The sets of records that are one person."""
        people: dict[str, set[str]] = {}
        for record, person in self.person_of.items():
            people.setdefault(person, set()).add(record)
        return {frozenset(records) for records in people.values()}

    def person(self, person_id: str) -> Row:
        """The row of gold.people of this id."""
        return next(r for r in self.people if r["person_id"] == person_id)


def identifier_rows(records: dict[str, list[str]], days: dict[str, int] | None = None) -> list[Row]:
    """{"crm:1": ["email=a@x"]} as rows of silver.identifiers; `days` tells when a record was first known."""
    known = {record: START + timedelta(days=(days or {}).get(record, n)) for n, record in enumerate(records)}
    return [
        {
            "record_id": record,
            "identifier_type": text.partition("=")[0],
            "value": text.partition("=")[2],
            "source": record.partition(":")[0],
            "first_seen_at": known[record],
            "last_seen_at": known[record],
            "known_from": known[record],
            "n_seen": 1,
        }
        for record, texts in records.items()
        for text in texts
    ]


def run_night(
    rows: Callable[..., DataFrame],
    rules: IdentityRules,
    records: dict[str, list[str]],
    previous: Night | None = None,
    *,
    generic: tuple[str, ...] = (),
    days: dict[str, int] | None = None,
    customers: list[Row] | None = None,
    decisions: list[Row] | None = None,
    partitions: int | None = None,
    driver_edge_limit: int = 1_000_000,
    driver_pair_limit: int = 1_000_000,
    run_date: date = date(2026, 2, 1),
) -> Night:
    """Link these records and resolve them into people, after the night `previous`."""
    identifiers = rows(IDENTIFIERS, identifier_rows(records, days))
    if partitions:
        identifiers = identifiers.repartition(partitions)
    refused = [
        {"identifier_type": g.partition("=")[0], "value": g.partition("=")[2], "reason": "shared"} for g in generic
    ]
    declared = declare_links(identifiers, rows(GENERIC_VALUES, refused), rules=rules)
    links = settle_links(declared, None, decisions_in_force(decisions or [])).links
    before = previous or Night()
    result = resolve_people(
        links,
        identifiers,
        rows(CUSTOMER_RECORDS, customers or []),
        rows(PEOPLE, before.people),
        rows(PERSON_IDENTIFIERS, before.person_identifiers),
        rules=rules,
        run_date=run_date,
        make_person_ids=person_id_maker(b"a secret"),
        driver_edge_limit=driver_edge_limit,
        driver_pair_limit=driver_pair_limit,
    )
    frames = (result.people, result.person_identifiers, result.history)
    night = Night(*[sorted((r.asDict() for r in f.collect()), key=str) for f in frames])
    assert result.people.columns == PEOPLE.column_names
    assert result.person_identifiers.columns == PERSON_IDENTIFIERS.column_names
    result.release()
    return night
