"""Who there is, and how records became people: changes, what was kept out, the measures of the nights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdp.reports.facts.rows import Rows, by_fields

#: Least and most records of each band of people.
RECORD_BANDS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 20), (21, 50), (51, None))


@dataclass(frozen=True)
class RecordBand:
    """People with a number of records in a band, e.g. ``3`` or ``6-10``."""

    label: str
    known: int
    anonymous: int


@dataclass(frozen=True)
class PeopleFacts:
    """Who there is: active people, the known among them (named by more than a device), and those new tonight."""

    active: int = 0
    known: int = 0
    new: int = 0
    records: int = 0
    bands: tuple[RecordBand, ...] = ()

    @property
    def anonymous(self) -> int:
        """Active people of whom only a device or a card is known."""
        return self.active - self.known


@dataclass(frozen=True)
class ChangeFacts:
    """Merges, splits or retirements of tonight with one reason; ``people`` took part in them."""

    kind: str
    reason: str
    changes: int
    people: int


@dataclass(frozen=True)
class GenericFacts:
    """Identifier values of one type kept out of the graph for one reason. The values themselves are personal data."""

    identifier_type: str
    reason: str
    values: int
    records: int
    most_people: int


@dataclass(frozen=True)
class RefusedLinks:
    """Links that were refused for one reason, and a few people whose records they touch."""

    reason: str
    links: int
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentityNight:
    """The measures of ops.identity_measures of one night, by name."""

    run_date: str
    measures: tuple[tuple[str, float], ...]

    def measure(self, name: str, otherwise: float) -> float:
        """One measure; `otherwise` where the night does not have it."""
        return dict(self.measures).get(name, otherwise)

    @property
    def weights(self) -> tuple[tuple[int, int, int], ...]:
        """(from so many bits, pairs within people, pairs that were cut), of the steps from 0 on that have any."""
        found = dict(self.measures)
        steps = sorted(int(name.removeprefix("pairs_from_")) for name in found if name.startswith("pairs_from_"))
        held = [(low, round(found.get(f"held_from_{low}", 0))) for low in steps if low >= 0]
        bins = [(low, n, round(found[f"pairs_from_{low}"]) - n) for low, n in held]
        return tuple(bins) if any(n or cut for _, n, cut in bins) else ()


def read_people(rows: Rows) -> PeopleFacts:
    """Who there is, with the bands of records in their order."""
    bands: dict[int, dict[bool, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        bands[row["band"]][row["is_known"]] += row["people"]
    return PeopleFacts(
        active=sum(r["people"] for r in rows),
        known=sum(r["people"] for r in rows if r["is_known"]),
        new=sum(r["new"] for r in rows),
        records=sum(r.get("records", 0) for r in rows),
        bands=tuple(
            RecordBand(_band_label(low, high), bands[n][True], bands[n][False])
            for n, (low, high) in enumerate(RECORD_BANDS)
        )
        if rows
        else (),
    )


def _band_label(low: int, high: int | None) -> str:
    if high is None:
        return f"> {low - 1}"
    return str(low) if low == high else f"{low}-{high}"


def read_changes(rows: Rows) -> tuple[ChangeFacts, ...]:
    """The merges, splits and retirements."""
    return by_fields(ChangeFacts(r["kind"], r.get("reason", ""), r["changes"], r.get("people", 0)) for r in rows)


def read_generic_values(rows: Rows) -> tuple[GenericFacts, ...]:
    """The most values first."""
    facts = [
        GenericFacts(
            r["identifier_type"], r.get("reason", ""), r["values"], r.get("records", 0), r.get("most_people", 0)
        )
        for r in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.values, f.identifier_type, f.reason)))


def read_refused_links(rows: Rows, owner: Mapping[str, str]) -> tuple[RefusedLinks, ...]:
    """The most links first. ``owner``: record id -> person id, for the records that have a person."""
    facts = [
        RefusedLinks(row.get("reason", ""), row["links"], tuple(sorted({owner[r] for r in ends_of(row) if r in owner})))
        for row in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.links, f.reason)))


def ends_of(refused_link: Mapping[str, Any]) -> tuple[str, str]:
    """The records that stand for the links refused for one reason."""
    return refused_link["first"], refused_link["last"]


def read_identity_nights(rows: Rows) -> tuple[IdentityNight, ...]:
    """The nights in their order."""
    nights: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in rows:
        nights[row["run_date"]].append((row["measure"], row["value"]))
    return tuple(IdentityNight(day, tuple(sorted(nights[day]))) for day in sorted(nights))
