"""From the few cells of churn and value to histograms, the grid of value and risk, and the segments."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.reports.facts.scores import CHURN_BINS, ScoreCell, ScoreFacts
from cdp.reports.words import money

RISK_BANDS = 5


@dataclass(frozen=True)
class GridRow:
    """People of one band of value by risk in steps of 20 %; ``value`` is what they are expected to spend in all."""

    label: str
    people: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class FoundSegment:
    """One segment: people, mean churn, and what they are expected to spend in all."""

    name: str
    people: int
    churn: float
    value: float


def churn_histogram(scores: ScoreFacts) -> list[int]:
    """People in twenty equal steps of churn from 0 to 1."""
    people = [0] * CHURN_BINS
    for cell in scores.cells:
        if cell.churn_bin is not None:
            people[cell.churn_bin] += cell.people
    return people


def value_histogram(scores: ScoreFacts) -> dict[int, int]:
    """Value bin (ten to a power of ten) -> people; people without any expected value are left out."""
    people: dict[int, int] = {}
    for cell in scores.cells:
        if cell.value_bin is not None:
            people[cell.value_bin] = people.get(cell.value_bin, 0) + cell.people
    return people


def value_grid(scores: ScoreFacts) -> list[GridRow]:
    """People by band of value and risk, least value first; only people with both scores and a band."""
    both = [c for c in scores.cells if c.churn_bin is not None and c.value_band is not None]
    bands = sorted({c.value_band for c in both if c.value_band is not None})
    least = {band: min(c.least for c in both if c.value_band == band) for band in bands}
    rows = []
    for band, above in zip(bands, [*bands[1:], None], strict=False):
        people = [0] * RISK_BANDS
        for cell in both:
            if cell.value_band == band and cell.churn_bin is not None:
                people[cell.churn_bin * RISK_BANDS // CHURN_BINS] += cell.people
        label = f"> {money(least[band])}" if above is None else f"< {money(least[above])}"
        rows.append(GridRow(label, tuple(people), sum(c.value for c in both if c.value_band == band)))
    return rows


def found_segments(scores: ScoreFacts) -> list[FoundSegment]:
    """The segments found by machine, the one with the most expected value a person first."""
    by_name: dict[str, list[ScoreCell]] = {}
    for cell in scores.cells:
        if cell.segment:
            by_name.setdefault(cell.segment, []).append(cell)
    found = []
    for name, cells in by_name.items():
        people = sum(c.people for c in cells)
        found.append(FoundSegment(name, people, sum(c.churn for c in cells) / people, sum(c.value for c in cells)))
    return sorted(found, key=lambda s: (-s.value / s.people, s.name))
