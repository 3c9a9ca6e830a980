"""Export audiences: for each destination of each audience plan, deliver, and say what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime
from threading import Lock
from typing import Any, Protocol

from pyspark.sql import DataFrame

from cdp.activation.destinations import find_kind
from cdp.activation.destinations.file import Manifest, Parcel
from cdp.activation.plan import MemberCounts, clear_members, count_members, find_addressees, plan_export
from cdp.activation.rows import arrow_batches, arrow_schema
from cdp.activation.spec import DestinationSpec
from cdp.core.errors import ConfigError, DestinationError, nearest_name
from cdp.core.hold import hold, release
from cdp.core.keys import hashed_text

#: Each is a small query and much waiting, for the driver or for whoever takes the people in.
_DELIVERIES_AT_ONCE = 2


class AudienceToSend(Protocol):
    """What an export needs to know of an audience's definition."""

    @property
    def purpose(self) -> str: ...

    @property
    def destinations(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class ExportTables:
    """The tables that an export reads: gold.audience_members, one wide row of facts per person,
    gold.person_identifiers, and consent states as a function of the time that is asked about."""

    members: DataFrame
    facts: DataFrame
    person_identifiers: DataFrame
    states_at: Callable[[datetime], DataFrame]


def export_audiences(
    tables: ExportTables,
    *,
    audiences: Mapping[str, AudienceToSend],
    destinations: Mapping[str, DestinationSpec],
    root: str,
    run_date: date,
    now: datetime,
) -> list[dict[str, Any]]:
    """Deliver every audience to its destinations below ``root``; one ops.deliveries row each.

    Consent is as of ``now``. A date that was delivered before is planned again with the consent of its earlier
    deliveries as well: running it again takes people out whose consent is gone and adds nobody. Equal content
    is not written again and gives the row of the first time. A destination that refuses (``state`` refused)
    does not keep the others from being served.
    """
    leaving = {name: wish for name, wish in audiences.items() if wish.destinations}
    wanted = {d: _spec_of(d, destinations, name) for name, wish in leaving.items() for d in wish.destinations}
    if not wanted:
        return []
    addressees = find_addressees(
        tables.members, tables.facts, tables.person_identifiers, destinations=wanted.values(), run_date=run_date
    )
    gatehouse = _Gatehouse(tables, {name: wish.purpose for name, wish in leaving.items()}, run_date)
    pairs = [(name, d) for name, wish in sorted(leaving.items()) for d in sorted(set(wish.destinations))]
    with ThreadPoolExecutor(max_workers=_DELIVERIES_AT_ONCE) as pool:
        people = pool.submit(hold, addressees)  # beside the gate of the first delivery

        def deliver(pair: tuple[str, str]) -> dict[str, Any]:
            audience, destination = pair
            return _export_one(audience, destination, wanted[destination], gatehouse, people, root, now)

        deliveries = list(pool.map(deliver, pairs))
    gatehouse.close()
    release(people.result())
    return deliveries


def _export_one(
    audience: str,
    destination: str,
    spec: DestinationSpec,
    gatehouse: _Gatehouse,
    people: Future[DataFrame],
    root: str,
    now: datetime,
) -> dict[str, Any]:
    """Deliver one audience to one destination; its ops.deliveries row."""
    kind = find_kind(spec.kind)
    place: dict[str, Any] = {"destination": destination, "audience": audience, "run_date": gatehouse.run_date}
    times: tuple[datetime, ...] = (now,)
    try:
        times = _consent_times(kind.delivered_before(root, spec, **place), now)
        cleared, counts = gatehouse.clear(times)
        rows = plan_export(cleared, people.result(), audience=audience, destination=spec)
        parcel = Parcel(
            **place,
            purpose=gatehouse.purposes[audience],
            schema=arrow_schema(rows),
            batches=arrow_batches(rows),
            counts=asdict(counts[audience]),
        )
        manifest, _ = kind.deliver(root, spec, parcel, now=now)
    except DestinationError:
        _, counts = gatehouse.clear(times)
        return _refused(destination, audience, gatehouse.run_date, counts[audience], now)
    return _delivered(manifest, gatehouse.run_date, root)


class _Gatehouse:
    """Members and their consent per set of times that must grant; each is computed once in an export."""

    def __init__(self, tables: ExportTables, purposes: Mapping[str, str], run_date: date) -> None:
        self._tables = tables
        self.purposes = purposes
        self.run_date = run_date
        self._one_asks = Lock()
        self._cleared: dict[tuple[datetime, ...], tuple[DataFrame, dict[str, MemberCounts]]] = {}

    def clear(self, times: tuple[datetime, ...]) -> tuple[DataFrame, dict[str, MemberCounts]]:
        """The rows of :func:`clear_members` where all of ``times`` must grant, and their counts per audience."""
        with self._one_asks:
            if times not in self._cleared:
                self._cleared[times] = self._compute(times)
            return self._cleared[times]

    def _compute(self, times: tuple[datetime, ...]) -> tuple[DataFrame, dict[str, MemberCounts]]:
        states = [self._tables.states_at(time) for time in times]
        cleared = hold(clear_members(self._tables.members, states, purposes=self.purposes, run_date=self.run_date))
        return cleared, count_members(cleared, self.purposes)

    def close(self) -> None:
        """Give the memory back."""
        for cleared, _ in self._cleared.values():
            release(cleared)


def _consent_times(before: Manifest | None, now: datetime) -> tuple[datetime, ...]:
    """The times whose consent must all grant: now, and those of the date's deliveries so far."""
    earlier = {datetime.fromisoformat(time) for time in before.consent_as_of} if before else set()
    return (now, *sorted(time for time in earlier if time < now))


def _spec_of(destination: str, destinations: Mapping[str, DestinationSpec], audience: str) -> DestinationSpec:
    if destination not in destinations:
        hint = nearest_name(destination, list(destinations))
        raise ConfigError(
            f"conf/audiences/{audience}.yaml: destinations: there is no destination {destination!r}; {hint}"
        )
    return destinations[destination]


def _delivered(manifest: Manifest, run_date: date, root: str) -> dict[str, Any]:
    """The ops.deliveries row of what lies in the destination now."""
    return {
        "delivery_id": hashed_text(manifest.destination, manifest.audience, manifest.run_date),
        "destination": manifest.destination,
        "audience": manifest.audience,
        "run_date": run_date,
        "path": f"{root.rstrip('/')}/{manifest.folder}/{manifest.file}",
        "format": manifest.format,
        "n_members": manifest.n_rows,
        "n_added": manifest.counts["n_entered"],
        "n_removed": manifest.counts["n_left"],
        "n_withheld": manifest.counts["n_withheld"],
        "sha256": manifest.sha256,
        "state": "delivered",
        "delivered_at": datetime.fromisoformat(manifest.delivered_at),
    }


def _refused(destination: str, audience: str, run_date: date, count: MemberCounts, now: datetime) -> dict[str, Any]:
    """The ops.deliveries row of a delivery that the destination did not take: nobody was sent."""
    return {
        "delivery_id": hashed_text(destination, audience, run_date.isoformat()),
        "destination": destination,
        "audience": audience,
        "run_date": run_date,
        "path": None,
        "format": None,
        "n_members": 0,
        "n_added": 0,
        "n_removed": 0,
        "n_withheld": count.n_withheld,
        "sha256": None,
        "state": "refused",
        "delivered_at": now,
    }
