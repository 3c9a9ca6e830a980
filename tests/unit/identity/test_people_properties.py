"""Nights in any order end in the same partition, and nobody's id changes while people only grow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import networkx as nx
import numpy as np
from pyspark.sql import DataFrame

from cdp.identity.rules import IdentityRules

from .conftest import Night, run_night

Build = Callable[..., DataFrame]


def random_batches(seed: int) -> list[dict[str, list[str]]]:
    """Three deliveries of twelve records, each with one or two of twenty e-mails and phones."""
    rng = np.random.default_rng(seed)
    batches = []
    for batch in range(3):
        records = {}
        for n in range(12):
            kinds = [f"{rng.choice(['email', 'phone'])}={rng.integers(0, 20)}" for _ in range(rng.integers(1, 3))]
            records[f"s{batch}:{n}"] = sorted(set(kinds))
        batches.append(records)
    return batches


def expected(records: dict[str, list[str]]) -> set[frozenset[str]]:
    graph = nx.Graph()
    for record, values in records.items():
        graph.add_edges_from((("record", record), ("value", value)) for value in values)
    return {frozenset(name for kind, name in part if kind == "record") for part in nx.connected_components(graph)}


def arrive(rows: Build, rules: IdentityRules, batches: list[dict[str, list[str]]]) -> list[Night]:
    nights: list[Night] = []
    records: dict[str, list[str]] = {}
    for batch in batches:
        records = records | batch
        days = {record: index for index, record in enumerate(sorted(records))}
        nights.append(run_night(rows, rules, records, nights[-1] if nights else None, days=days))
        assert nights[-1].partition == expected(records)
    return nights


def test_permuted_nights_give_the_same_people(rows: Build, rules: IdentityRules) -> None:
    batches = random_batches(3)
    forward = arrive(rows, rules, batches)
    backward = arrive(rows, rules, [batches[2] | batches[1], batches[0]])
    assert forward[-1].partition == backward[-1].partition
    known = [{(r["identifier_type"], r["value"]): r["known_from"] for r in n[-1].person_identifiers}
             for n in (forward, backward)]  # fmt: skip
    assert known[0] == known[1], "what was known when does not depend on the night on which it was loaded"
    for nights in (forward, backward):
        for before, after in pairwise(nights):
            active = {p["person_id"] for p in after.people if p["status"] == "active"}
            merged = {p["person_id"]: p["merged_into"] for p in after.people if p["status"] == "merged"}
            for record, person in before.person_of.items():
                assert after.person_of[record] == merged.get(person, person)
            assert active | set(merged) >= {p["person_id"] for p in before.people}
            assert active == set(after.person_of.values())
            gone = {p for h in after.history for p in h["predecessor_ids"]} - active
            assert {h["kind"] for h in after.history} <= {"merge"}
            assert gone == set(merged) & {p["person_id"] for p in before.people if p["status"] == "active"}
