"""Random draws that depend on a seed and a counter alone: person 7 is the same whatever is drawn for person 6."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Weighted:
    """Values with weights, ready to be drawn from."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.values = list(weights)
        self._bounds = list(accumulate(weights.values()))

    def at(self, share: float) -> str:
        """The value at a share 0..1 of the total weight."""
        return self.values[min(bisect(self._bounds, share * self._bounds[-1]), len(self.values) - 1)]


class Dice:
    """One stream of draws: Philox, keyed by the seed and counted by (purpose, number)."""

    def __init__(self, seed: int, purpose: int, number: int) -> None:
        self._draw = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, purpose, number])).random

    def share(self) -> float:
        """A number 0 <= x < 1."""
        return float(self._draw())

    def chance(self, share: float) -> bool:
        """True with the given probability."""
        return bool(self._draw() < share)

    def below(self, n: int) -> int:
        """A whole number 0..n-1."""
        return int(self._draw() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number low..high, both included."""
        return low + self.below(high - low + 1)

    def pick(self, values: Sequence[T]) -> T:
        """One of them, all equally likely."""
        return values[self.below(len(values))]

    def of(self, weighted: Weighted) -> str:
        """One of them by weight."""
        return weighted.at(self._draw())

    def often(self, share: float, most: int) -> int:
        """Geometric: how often in a row a chance came up, at most `most` times; a skewed count."""
        n = 0
        while n < most and self.chance(share):
            n += 1
        return n

    def digits(self, n: int) -> str:
        """n digits, the first not 0."""
        return str(self.between(1, 9)) + "".join(str(self.below(10)) for _ in range(n - 1))

    def shuffled(self, values: Sequence[Any]) -> list[Any]:
        """The values in an order of chance."""
        return [v for _, _, v in sorted((self._draw(), i, v) for i, v in enumerate(values))]
