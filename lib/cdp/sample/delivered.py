"""What one block of customers hands over for one source, and who stands behind each of its records."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from cdp.sample.calendar import Ints

Identifiers = tuple[tuple[str, str], ...]


@dataclass
class Witnessed:
    """Truth gathered while writing: whose records and identifiers they are.

    `profiles`: (source_record_id, person) of profile records. `seen`: how often a set of identifiers was written
    for a person (-1: a bot, which is nobody).
    """

    profiles: list[tuple[str, int]] = field(default_factory=list)
    seen: Counter[tuple[Identifiers, int]] = field(default_factory=Counter)


@dataclass
class Delivered:
    """Rows of one source with their time of receipt; a row is text, or a tuple of values for tables and CSV."""

    source: str
    received_ms: Ints
    rows: list
    witnessed: Witnessed = field(default_factory=Witnessed)
    faults: list[tuple[int, str]] = field(default_factory=list)
    """(received_ms, kind) of each broken row that was added."""


def identifiers(**values: str) -> Identifiers:
    """Normalised identifiers, sorted by type and value, empty ones left out."""
    return tuple(sorted((k, v) for k, v in values.items() if v))


def record_id(source: str, ids: Identifiers) -> str:
    """Id of the record that an event with these identifiers belongs to, made as silver makes it."""
    text = "|".join(f"{kind}={value}" for kind, value in ids)
    return f"{source}:{hashlib.sha256(text.encode()).hexdigest()[:24]}"
