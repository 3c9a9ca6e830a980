"""Purchase days that remember when each part of them became known, so that a past cut sees what was known then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cdp.models.arrays import Ints
from cdp.models.forecast.history import Purchases

UNITS = 10_000  # pieces are whole numbers of this part of the currency: nets are exact in any order


@dataclass(frozen=True)
class Pieces:
    """Parts of a customer's day that arrived together, sorted by customer, day and `known_on`.

    `day`, `known_on`: days since 1970, the second never before the first. `units`: net amount, returns below 0.
    """

    customer: Ints
    day: Ints
    known_on: Ints
    units: Ints

    def of(self, chosen: NDArray[np.bool_]) -> Pieces:
        """The pieces where `chosen`."""
        return Pieces(self.customer[chosen], self.day[chosen], self.known_on[chosen], self.units[chosen])

    def net(self) -> Purchases:
        """One row per customer and day with a positive net."""
        if not len(self.day):
            return Purchases(self.customer, self.day, self.units.astype(np.float64))
        is_new = (np.diff(self.customer) != 0) | (np.diff(self.day) != 0)
        start = np.concatenate([[0], np.flatnonzero(is_new) + 1])
        units = np.add.reduceat(self.units, start)
        kept = start[units > 0]
        return Purchases(self.customer[kept], self.day[kept], units[units > 0] / UNITS)


@dataclass(frozen=True, kw_only=True)
class Ledger(Purchases):
    """`Purchases` as known at the end, which look different at a past day when something arrived later.

    `most`: what no day counts above, at a past day neither.
    """

    pieces: Pieces
    most: float = np.inf

    @staticmethod
    def of_pieces(pieces: Pieces) -> Ledger:
        """The ledger of all these pieces."""
        end = pieces.net()
        return Ledger(end.customer, end.day, end.amount, pieces=pieces)

    def capped(self, most: float) -> Ledger:
        """The ledger with no day worth more than `most`."""
        return replace(self, amount=np.minimum(self.amount, most), most=min(self.most, most))

    def until(self, day: int) -> Purchases:
        """The purchases up to and including `day` as they were known on that day: neither later nor late arrivals."""
        return self.pieces.of(self.pieces.known_on <= day).net().capped(self.most)
