"""Which pairs are looked at: those that meet in a block, each once; of records already known only what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.blocking import BLOCK_CAP, Key, combined_key
from cdp.identity.linkage.levels import Rows

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Blocks:
    """The blocks of one rule. key: (records, places), the number of the block that a record is in, -1 for none.

    sizes: records of each block; one above the cap is not paired.
    """

    name: str
    key: Key
    sizes: npt.NDArray[np.int64]

    @property
    def fits(self) -> Mask:
        """Which blocks are within the cap."""
        return self.sizes <= BLOCK_CAP

    @property
    def capped(self) -> Mask:
        """Which records are in a block above the cap."""
        return np.asarray(((self.key >= 0) & ~self.fits[self.key]).any(axis=1))

    @property
    def n_pairs(self) -> int:
        """Pairs in the blocks within the cap."""
        sizes = self.sizes[self.fits]
        return int((sizes * (sizes - 1) // 2).sum())

    def meet(self, left: Rows, right: Rows) -> npt.NDArray[np.int16]:
        """In how many blocks within the cap the records of each pair meet."""
        n, fits = np.zeros(len(left), np.int16), self.fits
        for a in self.key[left].T:
            for b in self.key[right].T:
                n += (a == b) & (a >= 0) & fits[a]
        return n

    def pairs(self, asked: Mask) -> tuple[Rows, Rows]:
        """All pairs with a record that is asked about, of each block within the cap."""
        rows, places = np.nonzero(self.key >= 0)
        values = self.key[rows, places]
        within = self.fits[values]
        order = np.argsort(values[within], kind="stable")
        rows, values = rows[within][order], values[within][order]
        sizes = np.bincount(values, minlength=len(self.sizes))
        ends = np.cumsum(sizes)
        at = np.flatnonzero(asked[rows])
        later = _spans(at + 1, ends[values[at]] - at - 1)
        left, right = np.repeat(at, ends[values[at]] - at - 1), later
        if len(at) < len(rows):
            before = at - (ends - sizes)[values[at]]
            earlier, own = _spans(at - before, before), np.repeat(at, before)
            once = ~asked[rows[earlier]]
            left, right = np.append(left, earlier[once]), np.append(right, own[once])
        return rows[left], rows[right]


def blocks_of(keys: Mapping[str, list[Key]], rules: Sequence[tuple[str, ...]]) -> list[Blocks]:
    """The blocks of each rule, which is named by its keys."""
    found = []
    for names in rules:
        key = combined_key(keys, names)
        found.append(Blocks(" + ".join(names), key, np.bincount(key[key >= 0], minlength=1)))
    return found


def propose_pairs(blocks: Sequence[Blocks], asked: Mask) -> tuple[Rows, Rows]:
    """The pairs of all rules, each once with left < right and in order.

    asked: (records, rules), about which records each rule is asked: pairs of two others are left out.
    """
    n = len(asked)
    found = [np.empty(0, np.int64)]
    for rule, of_rule in zip(blocks, asked.T, strict=True):
        left, right = rule.pairs(of_rule)
        found.append(np.minimum(left, right) * n + np.maximum(left, right))
    together = np.sort(np.concatenate(found))
    together = together[np.append(True, together[1:] != together[:-1])] if len(together) else together
    left, right = np.divmod(together, n)
    return left[left != right], right[left != right]


def _spans(starts: Rows, lengths: Rows) -> Rows:
    """The whole numbers from each start on, so many of each, one span after the other."""
    first = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - first, lengths)
