"""What stewards decided about who is who: records that are one person, and records that are not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from cdp.core.errors import ConfigError

#: The rule of links that a steward made, and their weight in bits: more than any evidence weighs.
DECIDED, DECIDED_BITS = "decided:steward", 40.0


@dataclass(frozen=True)
class Override:
    """One row of ops.identity_overrides."""

    override_id: str
    kind: str
    records_a: tuple[str, ...]
    records_b: tuple[str, ...]
    revokes: tuple[str, ...]
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class StewardDecisions:
    """The decisions in force: merges join one record with another, the others keep each record of one side from each
    of the other. Where both meet, keeping apart wins."""

    merges: tuple[Override, ...] = ()
    partings: tuple[Override, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self.merges and not self.partings

    def together_pairs(self) -> tuple[list[str], list[str]]:
        """Record by record, both ends of the merges."""
        return [o.records_a[0] for o in self.merges], [o.records_b[0] for o in self.merges]

    def apart_pairs(self) -> tuple[list[str], list[str]]:
        """Record by record, all pairs that are kept apart."""
        pairs = [(a, b) for o in self.partings for a in o.records_a for b in o.records_b]
        return [a for a, _ in pairs], [b for _, b in pairs]


def decisions_in_force(rows: Iterable[Any]) -> StewardDecisions:
    """The decisions that no other one revokes, in the order in which they were made.

    Rows have the columns of ops.identity_overrides.
    """
    overrides = [
        Override(r["override_id"], r["kind"], tuple(r["records_a"] or ()), tuple(r["records_b"] or ()),
                 tuple(r["revokes"] or ()), r["reason"], r["decided_at"])
        for r in rows
    ]  # fmt: skip
    overrides.sort(key=lambda o: (o.decided_at, o.override_id))
    revoked = {override for o in overrides for override in o.revokes}
    held = [o for o in overrides if o.override_id not in revoked]
    return StewardDecisions(
        tuple(o for o in held if o.kind == "merge"),
        tuple(o for o in held if o.kind != "merge" and o.records_a and o.records_b),
    )


def steward_links(decisions: StewardDecisions) -> pd.DataFrame:
    """The merges as links of the identity graph, in the shape of silver.identity_links; the newest of equal ones."""
    rows = [
        {
            "record_id": max(o.records_a[0], o.records_b[0]),
            "identifier_type": "record",
            "value": min(o.records_a[0], o.records_b[0]),
            "rule": DECIDED,
            "weight": DECIDED_BITS,
            "probability": 1.0,
            "evidence": json.dumps({"override_id": o.override_id}),
            "is_active": True,
            "known_from": pd.Timestamp(o.decided_at),
        }
        for o in decisions.merges
    ]
    return pd.DataFrame(rows).drop_duplicates(["record_id", "value"], keep="last") if rows else pd.DataFrame()


@dataclass(frozen=True)
class Side:
    """What a steward named, a person or a record.

    records: of a person all, of a record itself; person_records: all records of its person today. anchor: the record
    that stands for it in a merge.
    """

    named: str
    person_id: str
    records: tuple[str, ...]
    person_records: tuple[str, ...]
    anchor: str
    is_person: bool


def plan_merge(a: Side, b: Side, held: StewardDecisions) -> dict[str, Any]:
    """What a merge of two people (or of two records' people) adds: a link between their anchor records."""
    if a.person_id == b.person_id:
        raise ConfigError(f"{a.named} and {b.named} are one person already ({a.person_id})")
    return _decision("merge", (a.anchor,), (b.anchor,), _straddling(held.partings, a.person_records, b.person_records))


def plan_forbid(a: Side, b: Side, held: StewardDecisions) -> dict[str, Any]:
    """What keeps two people, or two records, apart: of a person all records."""
    if set(a.records) & set(b.records):
        raise ConfigError(f"{a.named} and {b.named} are one person: name the records to part, or use `unmerge`")
    return _decision("forbid", a.records, b.records, _straddling(held.merges, a.records, b.records))


def plan_unmerge(person: Side, taken: tuple[str, ...], held: StewardDecisions) -> dict[str, Any]:
    """What takes records out of their person, or, without any, takes back the merges by which stewards made it."""
    inside = set(person.person_records)
    if not taken:
        revokes = [o.override_id for o in held.merges if {*o.records_a, *o.records_b} <= inside]
        if not revokes:
            raise ConfigError(f"no steward merged {person.named}: name the records that are to leave it "
                              "(`cdp identity explain` lists them)")  # fmt: skip
        return _decision("unmerge", (), (), revokes)
    rest = tuple(sorted(inside - set(taken)))
    if not rest:
        raise ConfigError(f"these are all records of {person.person_id}: nothing would be left to part them from")
    return _decision("unmerge", tuple(sorted(taken)), rest, _straddling(held.merges, taken, rest))


def _decision(kind: str, a: tuple[str, ...], b: tuple[str, ...], revokes: list[str]) -> dict[str, Any]:
    return {"kind": kind, "records_a": list(a), "records_b": list(b), "revokes": revokes}


def _straddling(overrides: tuple[Override, ...], a: tuple[str, ...], b: tuple[str, ...]) -> list[str]:
    """The decisions that concern a record of each side."""
    one, other = set(a), set(b)

    def meets(o: Override) -> bool:
        x, y = set(o.records_a), set(o.records_b)
        return bool((x & one and y & other) or (x & other and y & one))

    return [o.override_id for o in overrides if meets(o)]
