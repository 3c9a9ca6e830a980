"""The fixed calendar of the made company and its random streams: no clock, no global state.

History ends (exclusive) on Monday 2026-01-05; night 1 delivers all of it, each further night one day more.
Times are int64 milliseconds since 1970, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

HISTORY_END = date(2026, 1, 5)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
HISTORY_END_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

TOPICS = (
    "households",
    "people",
    "contacts",
    "behaviour",
    "baskets",
    "sessions",
    "web",
    "crm",
    "pos",
    "email",
    "support",
    "surveys",
    "consents",
    "demographics",
    "faults",
)


@dataclass(frozen=True)
class Calendar:
    """History length in weeks and number of nightly deliveries (night 1 holds the history)."""

    weeks: int
    nights: int

    @property
    def start_ms(self) -> int:
        """First moment of the history."""
        return HISTORY_END_MS - self.weeks * WEEK_MS

    @property
    def end_ms(self) -> int:
        """First moment after the last delivery's window."""
        return HISTORY_END_MS + (self.nights - 1) * DAY_MS

    def night_of(self, received_ms: Ints) -> Ints:
        """Delivery (0-based) that holds what was received then; `nights` means after the last one."""
        late = np.asarray(received_ms, dtype=np.int64) - HISTORY_END_MS
        return np.clip(np.where(late < 0, 0, late // DAY_MS + 1), 0, self.nights).astype(np.int64)

    def folder(self, night: int) -> str:
        """Name of the delivery's folder, `yyyy-MM-dd`."""
        return (HISTORY_END + timedelta(days=night)).isoformat()


def stream(seed: int, first_customer: int, topic: str) -> np.random.Generator:
    """A counter-based stream keyed by seed, customer block and topic: the same on any machine and core count."""
    key = np.array([seed & (2**64 - 1), (first_customer << 8) + TOPICS.index(topic)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def pick(rng: np.random.Generator, values: list[str] | tuple[str, ...], size: int) -> Texts:
    """Draw texts uniformly, as an object array."""
    return np.array(values, dtype=object)[rng.integers(0, len(values), size)]


def iso_ms(times: Ints) -> list[str]:
    """ISO 8601 with milliseconds and Z."""
    return [t + "Z" for t in np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms").tolist()]


def iso_seconds(times: Ints) -> list[str]:
    """`yyyy-MM-dd HH:mm:ss`, UTC."""
    text = np.datetime_as_string(times.astype("datetime64[ms]").astype("datetime64[s]"), unit="s").tolist()
    return [t.replace("T", " ") for t in text]
