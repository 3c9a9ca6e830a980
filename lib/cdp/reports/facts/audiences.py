"""Which groups people are in, and where they were delivered."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.reports.facts.rows import Rows, by_fields


@dataclass(frozen=True)
class SegmentFacts:
    """People of one RFM segment, and what they spent in the last year in all (None: no such trait)."""

    segment: str
    people: int
    spend: float | None = None


@dataclass(frozen=True)
class AudienceFacts:
    """One audience at the end of tonight: who is in, of them who entered tonight, and who left tonight."""

    audience: str
    size: int
    entered: int
    left: int


@dataclass(frozen=True)
class DeliveryFacts:
    """One delivery of tonight; ``withheld`` members were kept back for want of consent."""

    destination: str
    audience: str
    state: str
    format: str
    members: int
    added: int
    removed: int
    withheld: int
    sha256: str
    path: str


def read_segments(rows: Rows) -> tuple[SegmentFacts, ...]:
    """The largest first."""
    return tuple(sorted((SegmentFacts(**r) for r in rows), key=lambda s: (-s.people, s.segment)))


def read_audiences(rows: Rows) -> tuple[AudienceFacts, ...]:
    """The audiences in which anybody is or was until tonight."""
    return by_fields(AudienceFacts(**r) for r in rows if r["size"] or r["left"])


def read_deliveries(rows: Rows) -> tuple[DeliveryFacts, ...]:
    """The deliveries; what one does not have is empty or 0."""
    texts = ("destination", "audience", "state", "format", "sha256", "path")
    counts = ("members", "added", "removed", "withheld")
    return by_fields(
        DeliveryFacts(**{t: r.get(t, "") for t in texts}, **{c: r.get(c, 0) for c in counts}) for r in rows
    )
