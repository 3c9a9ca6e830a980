"""How two postal addresses agree, whatever is given of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.levels import CLOSE, Levels, Rows, both_known, start_levels
from cdp.identity.linkage.parts import Part, Parts
from cdp.identity.linkage.similarity import edits, jaro_winkler, on_distinct_pairs

ADDRESS = ("same address", "same street and number", "same street", "same postcode", "near postcode", "same city",
            "different")  # fmt: skip


def compare_address(parts: Parts, left: Rows, right: Rows) -> Levels:
    """One field, whatever was given of it: its parts depend on each other too much to count each."""
    n = len(left)
    street = _agreement(parts, "street", left, right, CLOSE)
    number = _agreement(parts, "street_number", left, right)
    unit = _agreement(parts, "unit", left, right)
    postcode = _agreement(parts, "postcode", left, right)
    city = _agreement(parts, "city", left, right, CLOSE)
    place = (postcode == 1) | (city == 1)
    no_place = (postcode == 0) & (city == 0)
    house = (street == 1) & (number == 1) & (unit >= 0)
    near = np.zeros(n, bool)
    at = np.flatnonzero(postcode < 0)
    if len(at):
        near[at] = _near_postcodes(parts["postcode"], left[at], right[at])
    silent = (street == 0) & no_place
    return np.select(
        [silent, house & (place | no_place), house, (street == 1) & place, postcode == 1, near, city == 1],
        [0, 1, 2, 3, 4, 5, 6], 7,
    ).astype(np.int8)  # fmt: skip


def _agreement(parts: Parts, name: str, left: Rows, right: Rows, close: float | None = None) -> Levels:
    """1 equal (or close), 0 not known, -1 different."""
    if name not in parts:
        return np.zeros(len(left), np.int8)
    part = parts[name]
    level = np.where(start_levels(part, left, right, -1) == 1, 1, start_levels(part, left, right, -1)).astype(np.int8)
    if close is not None:
        a, b, at = both_known(part, left, right)
        level[at] = np.where(on_distinct_pairs(part.values, a, b, jaro_winkler) >= close, 1, -1)
    return level


def _near_postcodes(part: Part, left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    """One slip apart, or equal but for the last two or three signs (the delivery end of the code)."""

    def near(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
        area = np.fromiter((len(s) > 4 and s[:-3] == t[:-3] for s, t in zip(x, y, strict=True)), bool, len(x))
        return area | (edits(x, y) <= 1)

    return on_distinct_pairs(part.values, part.first[left], part.first[right], near)
