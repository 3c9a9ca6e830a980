"""Declared links, matches and decisions become one table of links."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from pyspark.sql import DataFrame

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.identity.decisions import StewardDecisions, decisions_in_force
from cdp.identity.links import declare_links
from cdp.identity.record_matches import FEWEST_RECORDS, beyond_the_driver, match_records
from cdp.identity.rules import Policy, ValueLimit
from cdp.identity.settle import settle_links

from .conftest import identifier_rows
from .test_record_matches import RULES, STORY, crowd

Build = Callable[..., DataFrame]


def test_a_family_value_ties_only_its_owner_and_matches_are_added(rows: Build) -> None:
    versions = [{k: v for k, v in row.items() if k != "node"} for row in [*crowd(), *STORY]]
    texts: dict[str, list[str]] = {}
    for row in versions:
        held = texts.setdefault(row["record_id"], [])
        held += [t for i in row["identifiers"] if (t := f"{i['type']}={i['value']}") not in held]
    identifiers = rows(IDENTIFIERS, identifier_rows(texts))
    declared = declare_links(identifiers, rows(GENERIC_VALUES, []), rules=RULES)
    customers = rows(CUSTOMER_RECORDS, [{**v, "landed_id": "l", "source_record_id": v["record_id"]} for v in versions])
    few = customers.limit(FEWEST_RECORDS - 1)  # from a handful of records nothing can be learned
    assert match_records(few, rules=RULES, decisions=StewardDecisions()) is None
    found = match_records(customers, rules=RULES, decisions=StewardDecisions())
    links = settle_links(declared, found, StewardDecisions()).links
    assert links.columns == IDENTITY_LINKS.column_names
    told = links.collect()
    assert len({(r.record_id, r.identifier_type, r.value) for r in told}) == len(told)
    family = {(r.record_id, r.value): r for r in told if r.record_id in ("crm:ann", "shop:ann", "crm:joe")}
    refused = [key for key, row in family.items() if not row.is_active]
    assert sorted(refused) == [("crm:joe", "+447700900123"), ("crm:joe", "ann@mail.example")]
    assert "tell apart" in json.loads(family["crm:joe", "ann@mail.example"].evidence)["refused"]
    assert ("shop:ann", "crm:ann") in family and family["shop:ann", "crm:ann"].rule == "matched:profile"
    assert family["shop:ann", "crm:ann"].known_from.replace(tzinfo=UTC) == datetime(2026, 1, 2, tzinfo=UTC)


def test_without_names_the_declared_links_are_all(rows: Build) -> None:
    identifiers = rows(IDENTIFIERS, identifier_rows({"cj:1": ["email=a@x"], "cj:2": ["email=a@x"]}))
    declared = declare_links(identifiers, rows(GENERIC_VALUES, []), rules=RULES)
    bare = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "received_at": datetime(2026, 1, 1, tzinfo=UTC)}
    customers = rows(CUSTOMER_RECORDS, [{"record_id": f"cj:{n}", "source": "cj", **bare} for n in (1, 2)])
    assert match_records(customers, rules=RULES, decisions=StewardDecisions()) is None
    settled = settle_links(declared, None, decisions_in_force([])).links
    assert sorted(settled.collect()) == sorted(declared.select(*IDENTITY_LINKS.column_names).collect())
    assert beyond_the_driver(customers, identifiers, link_limit=2) is None
    assert "2 identifiers of records" in (beyond_the_driver(customers, identifiers, link_limit=1) or "")


def test_a_person_gets_no_more_addresses_than_policy_allows(rows: Build) -> None:
    texts = {f"cj:{n}": ["loyalty_id=7", f"email=a{n}@x"] for n in range(3)}
    identifiers = rows(IDENTIFIERS, identifier_rows(texts, {"cj:0": 0, "cj:1": 5, "cj:2": 300}))
    declared = declare_links(identifiers, rows(GENERIC_VALUES, []), rules=RULES)
    policy = Policy(at_most={"email": ValueLimit(values=1, days=30)})
    settled = settle_links(declared, None, StewardDecisions(), policy)
    refused = [row for row in settled.links.collect() if not row.is_active]
    # all links are equally strong: one of the four that would bring the addresses of one month together
    assert len(refused) == 1 and refused[0].record_id in ("cj:0", "cj:1")
    rule = "policy at_most: more than 1 email values within 30 days"
    assert json.loads(refused[0].evidence)["refused"] == rule and settled.refused == {rule: 1}
