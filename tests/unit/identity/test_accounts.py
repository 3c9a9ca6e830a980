"""The company accounts of the lake: who tells of which, under ids that stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from cdp.contracts.gold.account_members import ACCOUNT_MEMBERS
from cdp.contracts.gold.accounts import ACCOUNTS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.identity.accounts import AccountTables, resolve_accounts, told_of_accounts
from cdp.identity.rules import AccountRules, IdentityRules
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources, stated_of_people
from cdp.rules.definitions import load_definitions
from cdp.runtime.config import load_configuration

DAY = datetime(2026, 1, 5, tzinfo=UTC)
_TOLD = pa.schema([("person_id", pa.string()), ("kind", pa.string()), ("value", pa.string()), ("n", pa.int64()),
                   ("known_from", pa.timestamp("us", tz="UTC"))])  # fmt: skip
_NOTHING = pa.table({"account_id": pa.array([], pa.string()), "told_by": pa.array([], pa.list_(pa.string()))})


def told(*rows: tuple[str, str, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"person_id": p, "kind": k, "value": v, "n": 1, "known_from": DAY.replace(day=5 + at)}
         for at, (p, k, v) in enumerate(rows)], schema=_TOLD)  # fmt: skip


def by_name(tables: AccountTables) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in tables.accounts.to_pylist()}


FIRST = [
    ("ann", "organisation_name", "Acme Ltd."),
    ("bob", "organisation_name", "ACME Limited"),
    ("cy", "organisation_name", "Acme Ltd."),
    ("cy", "email_domain", "acme.com"),
    ("dee", "email_domain", "acme.com"),
    ("eve", "organisation_name", "Zenith Optics GmbH"),
    ("fay", "organisation_name", "n/a"),
]


def test_an_account_has_the_name_most_people_give_and_says_what_stands_for_it() -> None:
    tables = resolve_accounts(told(*FIRST), _NOTHING, b"key")
    accounts = by_name(tables)
    assert set(accounts) == {"Acme Ltd.", "Zenith Optics GmbH"}
    acme = accounts["Acme Ltd."]
    assert (acme["n_people"], acme["born_on"]) == (4, date(2026, 1, 5)) and acme["account_id"].startswith("a_")
    assert acme["told_by"] == [
        {"kind": "organisation_name", "value": "acme"},
        {"kind": "email_domain", "value": "acme.com"},
    ]
    members = {(r["account_id"], r["person_id"]): r for r in tables.members.to_pylist()}
    assert {person for account, person in members if account == acme["account_id"]} == {"ann", "bob", "cy", "dee"}
    assert members[acme["account_id"], "dee"]["told_by"] == "email_domain"
    assert members[acme["account_id"], "cy"]["known_from"] == datetime(2026, 1, 7, tzinfo=UTC)
    assert tables.accounts.column_names == ACCOUNTS.column_names
    assert tables.members.column_names == ACCOUNT_MEMBERS.column_names


def test_ids_stay_from_night_to_night_and_are_given_once() -> None:
    first = resolve_accounts(told(*FIRST), _NOTHING, b"key")
    again = resolve_accounts(told(*FIRST), first.accounts, b"key")
    assert again.accounts.equals(first.accounts) and again.members.equals(first.members)
    acme, zenith = (by_name(first)[name]["account_id"] for name in ("Acme Ltd.", "Zenith Optics GmbH"))
    # the name is another one now, but the domain is still there; a number comes before it
    renamed = [("cy", "organisation_name", "Apex"), ("cy", "email_domain", "acme.com"), ("cy", "account_id", "17"),
               ("dee", "organisation_name", "Apex"), ("dee", "email_domain", "acme.com"), FIRST[5]]  # fmt: skip
    later = by_name(resolve_accounts(told(*renamed), first.accounts, b"key"))
    assert (later["Apex"]["account_id"], later["Zenith Optics GmbH"]["account_id"]) == (acme, zenith)
    # what came apart: the part that shares most values keeps the id, the other has a new one
    apart = [FIRST[0], ("bob", "email_domain", "acme.com"), ("eve", "organisation_name", "Acme Ltd.")]
    parts = resolve_accounts(told(*apart), first.accounts, b"key").accounts.to_pylist()
    ids = {row["name"]: row["account_id"] for row in parts}
    assert acme in ids.values() and len(set(ids.values())) == 2
    assert resolve_accounts(told(*FIRST), _NOTHING, b"other").accounts["account_id"] != first.accounts["account_id"]


def test_nobody_tells_of_a_company() -> None:
    empty = resolve_accounts(told(), _NOTHING, b"key")
    assert (empty.accounts.num_rows, empty.members.num_rows) == (0, 0)


def test_the_newest_version_of_a_record_tells_and_public_providers_do_not(rows: Callable[..., DataFrame]) -> None:
    def version(record: str, day: int, name: str | None, *, gone: bool = False, number: str | None = None) -> Any:
        held = [{"type": "account_id", "value": number}] if number else []
        at = DAY.replace(day=day)
        return {"record_id": record, "valid_from": at, "change_no": "", "received_at": at, "organisation_name": name,
                "identifiers": held, "is_deleted": gone, "landed_id": "l", "source": "crm"}  # fmt: skip

    customers = rows(
        CUSTOMER_RECORDS,
        [version("r1", 1, "Old Ltd"), version("r1", 3, "Acme", number="17"), version("r2", 2, "Gone", gone=True),
         version("r3", 2, None)],
    )  # fmt: skip
    held = [("record", "r1", "ann"), ("record", "r2", "bob"), ("record", "r3", "cy"), ("email", "cy@acme.com", "cy")]
    held += [("email", address, "ann") for address in ("ann@yahoo.co.uk", "ann@web.de", "a@webb.de")]
    identifiers = rows(
        PERSON_IDENTIFIERS, [{"identifier_type": t, "value": v, "person_id": p, "known_from": DAY} for t, v, p in held]
    )
    rules = AccountRules(public_mail_domains=("yahoo", "web.de"))
    found = told_of_accounts(customers, identifiers, rules).collect()
    assert {(r.person_id, r.kind, r.value) for r in found} == {
        ("ann", "organisation_name", "Acme"),
        ("ann", "account_id", "17"),
        ("ann", "email_domain", "webb.de"),
        ("cy", "email_domain", "acme.com"),
    }
    [number] = [r for r in found if r.kind == "account_id"]
    assert (number.n, number.known_from.day) == (1, 1)


def test_the_demo_has_private_customers_only() -> None:
    configuration = load_configuration()
    folders = {kind: configuration.definition_folders(kind) for kind in ("sources", "mappings", "identity")}
    sources = chosen_sources(load_definitions(folders["sources"], SourceSpec), configuration.settings.sources)
    stated = stated_of_people(sources.values(), load_definitions(folders["mappings"], MappingSpec))
    rules = load_definitions(folders["identity"], IdentityRules)["rules"].accounts
    assert "employer" in stated and stated.isdisjoint((*rules.names, "account_id"))
    assert "gmail" in rules.public_mail_domains
