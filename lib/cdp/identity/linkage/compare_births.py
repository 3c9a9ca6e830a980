"""How two birth dates, or two ages, agree."""

from __future__ import annotations

import numpy as np

from cdp.identity.linkage.levels import Levels, Rows, both_known, start_levels
from cdp.identity.linkage.parts import Parts
from cdp.identity.linkage.similarity import edits, on_distinct_pairs

BIRTH = ("same", "day and month swapped", "one slip", "two of three parts", "same as far as told", "same year",
          "about the same year", "different", "a generation apart")  # fmt: skip
# A year alone is often worked out from an age: one or two years off is as good as a slip.
_ABOUT_YEARS, _GENERATION_YEARS = 2, 13


def compare_birth(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["birth_date"]
    level = start_levels(part, left, right, 8)
    a, b, at = both_known(part, left, right)
    numbers = part.values.astype(np.int64) if len(part.values) else np.empty(0, np.int64)
    x, y = numbers[a], numbers[b]
    slips = on_distinct_pairs(part.values, a, b, edits)
    years, months, days = [n // d % m for n, d, m in ((x, 10_000, 10_000), (x, 100, 100), (x, 1, 100))]
    years_b, months_b, days_b = [n // d % m for n, d, m in ((y, 10_000, 10_000), (y, 100, 100), (y, 1, 100))]
    is_vague = (days == 0) | (days_b == 0)
    same_year = years == years_b
    fits = same_year & ((months == months_b) | (months == 0) | (months_b == 0))
    swapped = same_year & (months == days_b) & (days == months_b)
    two = (same_year.astype(int) + (months == months_b) + (days == days_b)) == 2
    gap = np.abs(years - years_b)
    far = gap >= _GENERATION_YEARS
    level[at] = np.select(
        [is_vague & fits, is_vague & (gap <= _ABOUT_YEARS), is_vague & ~far, is_vague, swapped, slips <= 1, two,
         same_year, far],
        [5, 7, 8, 9, 2, 3, 4, 6, 9], 8,
    )  # fmt: skip
    vague_and_same = (level == 1) & (part.values[part.first[left]] != None)  # noqa: E711
    if vague_and_same.any():
        told = numbers[part.first[left[vague_and_same]]] % 100 == 0
        level[np.flatnonzero(vague_and_same)[told]] = 5
    return level


def compare_age(parts: Parts, left: Rows, right: Rows) -> Levels:
    """Ages, only where birth dates do not say it better."""
    part = parts["age"]
    level = start_levels(part, left, right, 3)
    a, b, at = both_known(part, left, right)
    ages = part.values.astype(np.int64)
    gap = np.abs(ages[a] - ages[b])
    level[at] = np.select([gap <= 1, gap <= 3], [1, 2], 3)
    if "birth_date" in parts:
        born = parts["birth_date"].first
        level[(born[left] >= 0) & (born[right] >= 0)] = 0
    return level
