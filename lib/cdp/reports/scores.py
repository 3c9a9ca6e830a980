"""From the few cells of churn and value to histograms, the grid of value and risk, and where the value lies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from cdp.reports.facts import ScoreFacts
from cdp.reports.words import decimal_edge

CHURN_BINS = 20
RISK_BANDS = 5
VALUE_BANDS = 5


@dataclass(frozen=True)
class GridRow:
    """People of one band of value by risk in steps of 20 %; ``value`` is what they are expected to spend in all."""

    label: str
    people: tuple[int, ...]
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
    """People by value and risk, least value first.

    The bands of value are fifths of the people as near as whole bins allow; fewer bands where people stand in few
    bins. Only people with both scores.
    """
    both = [c for c in scores.cells if c.churn_bin is not None and c.value_bin is not None]
    bins = sorted({c.value_bin for c in both if c.value_bin is not None})
    per_bin = {b: sum(c.people for c in both if c.value_bin == b) for b in bins}
    total = sum(per_bin.values())
    band_of = {
        b: min(VALUE_BANDS - 1, int(VALUE_BANDS * (upto - per_bin[b] / 2) / total))
        for b, upto in zip(bins, accumulate(per_bin.values()), strict=True)
    }
    rows = []
    for band in sorted(set(band_of.values())):
        inside = [b for b in bins if band_of[b] == band]
        people = [0] * RISK_BANDS
        for cell in both:
            if cell.value_bin in inside and cell.churn_bin is not None:
                people[cell.churn_bin * RISK_BANDS // CHURN_BINS] += cell.people
        value = sum(c.value for c in both if c.value_bin in inside)
        rows.append(GridRow(_label(inside[0], inside[-1], bins), tuple(people), value))
    return rows


def _label(first: int, last: int, bins: list[int]) -> str:
    if first == bins[0] and last != bins[-1]:
        return f"< {decimal_edge(last + 1)}"
    if last == bins[-1] and first != bins[0]:
        return f"> {decimal_edge(first)}"
    return f"{decimal_edge(first)}-{decimal_edge(last + 1)}"
