"""Declared links, matches and decisions become one table of links."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.link_model import LINK_MODEL
from cdp.contracts.silver.scored_records import SCORED_RECORDS
from cdp.core.errors import ConfigError
from cdp.identity import record_matches, settle
from cdp.identity.components import connected_components
from cdp.identity.decisions import StewardDecisions, decisions_in_force
from cdp.identity.links import declare_links
from cdp.identity.measures import measure_people
from cdp.identity.memory import Memory, made_of
from cdp.identity.record_matches import FEWEST_RECORDS, Matches, beyond_the_driver, match_records, remember
from cdp.identity.rules import Policy, ValueLimit
from cdp.identity.settle import settle_links
from cdp.tables.store import Lake

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


def test_the_memory_of_a_night_goes_through_the_lake(rows: Build, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_matches, "FEWEST_REMEMBERED", 50)
    versions = [{k: v for k, v in row.items() if k != "node"} for row in [*crowd()[:60], *STORY]]
    customers = rows(CUSTOMER_RECORDS, [{**v, "landed_id": "l", "source_record_id": v["record_id"]} for v in versions])

    def night(code: str) -> Matches:
        memory = Memory(made_of(code, RULES), b"key", lake.read(LINK_MODEL), lake.read(SCORED_RECORDS))
        found = match_records(customers, rules=RULES, decisions=StewardDecisions(), memory=memory)
        assert found is not None
        for contract, table in remember(found, memory.made_of).items():
            lake.write(contract, lake.spark.createDataFrame(table))
        return found

    first, again = night("code"), night("code")
    assert first.linked.weighed.is_anew and not again.linked.weighed.is_anew
    assert again.linked.weighed.n_scored == 0 < first.linked.weighed.n_scored
    assert again.person.tolist() == first.person.tolist()
    assert lake.version(LINK_MODEL) == lake.version(SCORED_RECORDS) == 1  # what did not change was not written again
    assert night("other code").linked.weighed.is_anew
    measured = measure_people(again, {}, date(2026, 1, 2)).to_pylist()
    told = {row["measure"]: row["value"] for row in measured}
    assert (told["pairs_scored"], told["model_learned"]) == (0, 0)
    monkeypatch.setattr(record_matches, "FEWEST_REMEMBERED", 10_000)  # the lake shrank: nothing is kept of who is gone
    night("code")
    assert lake.read(LINK_MODEL).isEmpty() and lake.read(SCORED_RECORDS).isEmpty()
    left_out = remember(None, "code")
    assert {LINK_MODEL, SCORED_RECORDS} == set(left_out) and not any(rows.num_rows for rows in left_out.values())


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


def test_a_person_gets_no_more_addresses_than_policy_allows(rows: Build, monkeypatch: pytest.MonkeyPatch) -> None:
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
    # where the driver does not hold all links, only those of the person in question come to it
    others = identifier_rows({f"cj:other{n}": [f"email=b{n}@x", f"loyalty_id=b{n}"] for n in range(5)})
    more = declare_links(rows(IDENTIFIERS, [*identifier_rows(texts, {"cj:0": 0, "cj:1": 5, "cj:2": 300}), *others]),
                         rows(GENERIC_VALUES, []), rules=RULES)  # fmt: skip
    far = settle_links(more, None, StewardDecisions(), policy, driver_edge_limit=16)
    assert [row for row in far.links.collect() if not row.is_active] == refused and far.refused == settled.refused
    monkeypatch.setattr(settle, "connected_components", lambda edges, driver_edge_limit: connected_components(edges))
    with pytest.raises(ConfigError, match=r"6 links .* more than identity_driver_edge_limit \(5\)"):
        settle_links(more, None, StewardDecisions(), policy, driver_edge_limit=5)
