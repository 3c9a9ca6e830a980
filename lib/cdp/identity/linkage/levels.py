"""What comparison levels are made of: null where a side does not tell, equal, or a level of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.parts import Part, Parts

Rows = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]

CLOSE, NEAR = 0.92, 0.85  # Jaro-Winkler: a slip of the pen, and what may be one


def both_known(part: Part, left: Rows, right: Rows) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Rows]:
    """Codes of both sides where both are known and differ, and which pairs these are."""
    a, b = part.first[left], part.first[right]
    at = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
    return a[at], b[at], at


def start_levels(part: Part, left: Rows, right: Rows, different: int) -> Levels:
    """0 where one is null, 1 where equal, `different` elsewhere."""
    a, b = part.first[left], part.first[right]
    level = np.where(a == b, 1, different)
    return np.where((a < 0) | (b < 0), 0, level).astype(np.int8)


def same_or_not(name: str) -> Callable[[Parts, Rows, Rows], Levels]:
    return lambda parts, left, right: start_levels(parts[name], left, right, 2)
