"""Who is who: the truth about the made company, written apart and never read by the pipeline.

Tables: records (whose record is it, and of which household), identifiers (whose identifier is it), persons and
households. Identifiers that several people share (kiosks, family phones, role addresses, recycled numbers) have a row
for each of them.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from cdp.sample.behaviour import Lives, Orders
from cdp.sample.delivered import Delivered, record_id
from cdp.sample.world import World

PROFILE_SOURCES = ("crm", "demographics")


def person_name(index: int) -> str:
    """Truth's name of the customer with this number."""
    return f"P{index:08d}"


def _record_rows(world: World, delivered: list[Delivered]) -> list[tuple[str, str | None, str, str | None, int]]:
    rows: list[tuple[str, str | None, str, str | None, int]] = []
    for part in delivered:
        if part.source in PROFILE_SOURCES:
            rows += [
                (part.source, key, f"{part.source}:{key}", person_name(int(world.people.index[p])), 1)
                for key, p in part.witnessed.profiles
            ]
            continue
        for (ids, p), count in part.witnessed.seen.items():
            if ids:
                person = person_name(int(world.people.index[p])) if p >= 0 else None
                rows.append((part.source, None, record_id(part.source, ids), person, count))
    return sorted(rows, key=lambda r: (r[0], r[2], r[3] or ""))


def _identifier_rows(world: World, delivered: list[Delivered]) -> list[tuple[str, str, str, int]]:
    counts: Counter[tuple[str, str, int]] = Counter()
    for part in delivered:
        for (ids, p), count in part.witnessed.seen.items():
            if p >= 0:
                for kind, value in ids:
                    counts[(kind, value, p)] += count
    return sorted((k, v, person_name(int(world.people.index[p])), n) for (k, v, p), n in counts.items())


def _table(rows: list[tuple], **types: pa.DataType) -> pa.Table:
    columns: list[tuple] = list(zip(*rows, strict=True)) if rows else [() for _ in types]
    return pa.table([pa.array(list(c), t) for c, t in zip(columns, types.values(), strict=True)], names=list(types))


def _persons(world: World, lives: Lives, orders: Orders, homes: list[str]) -> pa.Table:
    """Hidden parameters; `known_orders` leaves out the store visits without a card, which nobody can attribute."""
    people, n = world.people, len(world.people)
    moment = pa.timestamp("ms", tz="UTC")
    known = orders.person[orders.is_web | orders.has_card]
    return pa.table(
        {
            "person": [person_name(i) for i in people.index.tolist()],
            "household": [homes[h] for h in people.household.tolist()],
            "purchase_rate": lives.rate,
            "death_rate": lives.death_rate,
            "mean_spend": lives.mean_spend,
            "entered_at": pa.array(people.entered_ms, moment),
            "died_at": pa.array(lives.died_ms, moment),
            "orders": np.bincount(orders.person, minlength=n),
            "known_orders": np.bincount(known, minlength=n),
            "is_twin": people.twin,
            "is_junior": people.junior,
        }
    )


def truth_tables(world: World, lives: Lives, orders: Orders, delivered: list[Delivered]) -> dict[str, pa.Table]:
    """The four tables of one block. `n` counts rows written with that identifier or set of identifiers."""
    sizes = world.households.size.tolist()
    homes = [f"H{int(world.people.index[0]):08d}-{h}" for h in range(len(sizes))]
    text, whole = pa.string(), pa.int64()
    rows = _record_rows(world, delivered)
    records = _table(rows, source=text, source_record_id=text, record_id=text, person=text, n=whole)
    persons = _persons(world, lives, orders, homes)
    home_of = dict(zip(persons["person"].to_pylist(), persons["household"].to_pylist(), strict=True))
    records = records.append_column("household", pa.array([home_of.get(row[3]) for row in rows], text))
    identifiers = _table(_identifier_rows(world, delivered), identifier_type=text, value=text, person=text, n=whole)
    return {
        "records": records,
        "identifiers": identifiers,
        "persons": persons,
        "households": pa.table({"household": homes, "n": sizes}),
    }
