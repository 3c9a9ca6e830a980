"""Bought-in demographics (Parquet): another company's key, names and guesses about income and home."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from cdp.sample.calendar import DAY_MS, HISTORY_END_MS, Calendar, Ints, pick, stream
from cdp.sample.contacts import normal_email, numbered
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.handwriting import typo
from cdp.sample.world import World

KNOWN_SHARE = 0.45
OLD_SHARE = 0.2
OLD_MS = HISTORY_END_MS - 82 * DAY_MS
"""Vintage of October 2025: already past its 60 days when the first night comes."""
NEW_MS = HISTORY_END_MS - 3 * DAY_MS
INCOMES = ("<20k", "20-35k", "35-50k", "50-80k", ">80k")
SEGMENTS = ("City Starters", "Settled Suburbs", "Country Comfort", "Busy Families", "Empty Nests", "Careful Budgets")
SCHEMA = pa.schema(
    [
        ("ref", pa.string()),
        ("first_name", pa.string()),
        ("last_name", pa.string()),
        ("email", pa.string()),
        ("postcode", pa.string()),
        ("income_band", pa.string()),
        ("household_size", pa.int32()),
        ("home_owner", pa.bool_()),
        ("lifestyle_segment", pa.string()),
        ("provided_on", pa.date32()),
    ]
)


def monthly(calendar: Calendar) -> list[int]:
    """Vintages: October and January in the first delivery, then one on the first of each month of the nights."""
    days = range(HISTORY_END_MS, calendar.end_ms, DAY_MS)
    return [OLD_MS, NEW_MS, *(d for d in days if datetime.fromtimestamp(d / 1000, UTC).day == 1)]


def make_demographics(seed: int, first: int, world: World) -> Delivered:
    """One row per known person and vintage; the October one knows a part only."""
    rng = stream(seed, first, "demographics")
    people, households = world.people, world.households
    n = len(people)
    known, old, u = rng.random(n) < KNOWN_SHARE, rng.random(n) < OLD_SHARE, rng.random((n, 4))
    income, segment = pick(rng, INCOMES, n), pick(rng, SEGMENTS, n)
    out = Delivered("demographics", np.zeros(0, np.int64), [])
    received: list[int] = []
    for vintage in monthly(world.calendar):
        wanted: Ints = np.flatnonzero(known & (old if vintage == OLD_MS else people.entered_ms < vintage))
        for p in wanted.tolist():
            h = people.household[p]
            email = world.contacts.email[p] if u[p, 0] < 0.6 else ""
            family = typo(people.family[p], u[p, 1]) if u[p, 2] < 0.05 else people.family[p]
            ref = f"X{numbered(people.index[p], seed + 9):08d}"
            out.rows.append(
                (
                    ref,
                    people.given[p],
                    family,
                    email or None,
                    households.home.postcode[h],
                    income[p],
                    int(households.size[h]),
                    bool(u[p, 3] < 0.6),
                    segment[p],
                    vintage // DAY_MS,
                )
            )
            received.append(vintage)
            out.witnessed.seen[(identifiers(email=normal_email(email) if email else ""), p)] += 1
            out.witnessed.profiles.append((ref, p))
    out.witnessed.profiles = sorted(set(out.witnessed.profiles))
    out.received_ms = np.array(received, dtype=np.int64)
    return out
