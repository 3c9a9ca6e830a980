"""What stewards decide: which decisions hold, what each adds, and what it takes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cdp.core.errors import ConfigError
from cdp.identity.decisions import Side, decisions_in_force, plan_forbid, plan_merge, plan_unmerge, steward_links


def row(number: int, kind: str, a: list[str], b: list[str], revokes: list[str] | None = None) -> dict[str, Any]:
    return {"override_id": f"o{number}", "kind": kind, "records_a": a, "records_b": b, "revokes": revokes or [],
            "reason": "seen the passports", "decided_at": datetime(2026, 1, number, tzinfo=UTC)}  # fmt: skip


def person(name: str, *records: str) -> Side:
    return Side(name, name, records, records, records[0], is_person=True)


def record(name: str, owner: Side) -> Side:
    return Side(name, owner.person_id, (name,), owner.records, name, is_person=False)


def test_a_revoked_decision_does_not_hold() -> None:
    rows = [row(1, "merge", ["a"], ["b"]), row(2, "forbid", ["c"], ["d", "e"]), row(3, "unmerge", [], [], ["o1"])]
    held = decisions_in_force(rows)
    assert [o.override_id for o in held.merges] == [] and held.apart_pairs() == (["c", "c"], ["d", "e"])
    assert decisions_in_force(rows[:2]).together_pairs() == (["a"], ["b"])


def test_a_merge_takes_back_what_kept_the_two_apart() -> None:
    held = decisions_in_force([row(1, "forbid", ["a2"], ["b1"]), row(2, "forbid", ["a1"], ["z"])])
    planned = plan_merge(person("A", "a1", "a2"), person("B", "b1"), held)
    assert planned == {"kind": "merge", "records_a": ["a1"], "records_b": ["b1"], "revokes": ["o1"]}
    with pytest.raises(ConfigError, match="one person already"):
        plan_merge(person("A", "a1"), person("A", "a1"), held)


def test_forbid_names_all_records_of_a_person_and_takes_merges_back() -> None:
    whole = person("A", "a1", "b1")
    held = decisions_in_force([row(1, "merge", ["a1"], ["b1"])])
    planned = plan_forbid(record("a1", whole), record("b1", whole), held)
    assert (planned["records_a"], planned["records_b"], planned["revokes"]) == (["a1"], ["b1"], ["o1"])
    assert plan_forbid(whole, person("Z", "z1", "z2"), held)["records_b"] == ["z1", "z2"]
    with pytest.raises(ConfigError, match="one person"):
        plan_forbid(whole, record("a1", whole), held)


def test_unmerge_takes_merges_back_or_records_out() -> None:
    whole = person("A", "a1", "a2", "b1")
    held = decisions_in_force([row(1, "merge", ["a1"], ["b1"])])
    assert plan_unmerge(whole, (), held) == {"kind": "unmerge", "records_a": [], "records_b": [], "revokes": ["o1"]}
    out = plan_unmerge(whole, ("b1",), held)
    assert (out["records_a"], out["records_b"], out["revokes"]) == (["b1"], ["a1", "a2"], ["o1"])
    with pytest.raises(ConfigError, match="no steward merged"):
        plan_unmerge(whole, (), decisions_in_force([]))
    with pytest.raises(ConfigError, match="nothing would be left"):
        plan_unmerge(whole, ("a1", "a2", "b1"), held)


def test_a_merge_is_a_link_between_two_records() -> None:
    links = steward_links(decisions_in_force([row(1, "merge", ["b"], ["a"]), row(2, "merge", ["a"], ["b"])]))
    assert links[["record_id", "identifier_type", "value", "rule", "is_active"]].values.tolist() == [
        ["b", "record", "a", "decided:steward", True]
    ]
    assert len(steward_links(decisions_in_force([]))) == 0
