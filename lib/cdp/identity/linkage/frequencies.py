"""How common each value is: what agreement on it says, counted once and kept as long as what was learned from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.parts import IDENTIFIERS, Part, Parts

Marks = npt.NDArray[np.uint64]
_FEWEST = 3  # records: values of one or two are equally rare (see `chance_of`)


@dataclass(frozen=True)
class Frequency:
    """counts: records with each of today's values, among n_held records with one of n_values values when counted."""

    counts: npt.NDArray[np.int64]
    n_held: int
    n_values: int


@dataclass(frozen=True)
class Counted:
    """A frequency that can be kept: by the marks of values, in ascending order, of those in three records and more."""

    marks: Marks
    counts: npt.NDArray[np.int64]
    n_held: int
    n_values: int

    def among(self, marks: Marks) -> Frequency:
        """The frequency of the values with these marks; 0 for one that is new or was rare."""
        if not len(self.marks):
            return Frequency(np.zeros(len(marks), np.int64), self.n_held, self.n_values)
        at = np.minimum(np.searchsorted(self.marks, marks), len(self.marks) - 1)
        return Frequency(np.where(self.marks[at] == marks, self.counts[at], 0), self.n_held, self.n_values)


def mark_values(parts: Parts, secret: bytes) -> dict[str, Marks]:
    """For each part a keyed 64-bit hash of each of its values, another for the same text in another part."""
    return {name: _hashed(part.values, hashlib.sha256(secret + name.encode()).hexdigest()[:16])
            for name, part in parts.items()}  # fmt: skip


def count_values(parts: Parts, marks: Mapping[str, Marks]) -> dict[str, Counted]:
    """Today's frequencies of all parts whose values weigh by it."""
    return {name: _counted(part, marks[name]) for name, part in parts.items() if name not in IDENTIFIERS}


def _counted(part: Part, marks: Marks) -> Counted:
    at = np.flatnonzero(part.counts >= _FEWEST)
    at = at[np.argsort(marks[at])]
    return Counted(marks[at], part.counts[at], int(part.counts.sum()), len(part.counts))


def mark_records(
    n_records: int, parts: Parts, people: Mapping[str, npt.NDArray[np.int64]], marks: Mapping[str, Marks]
) -> Marks:
    """A mark of all that each record tells, and of how many people share its identifiers.

    As long as the marks of two records stay what they were, a model weighs them as it did. Nothing else moves a mark
    than the record's own values, that one of them became generic or ceased to be, or stands for another number of
    people; records that tell the same have the same.
    """
    found = np.zeros(n_records, np.uint64)
    for name, part in parts.items():
        own = marks[name]
        if name in people:
            own = own * (2 * np.maximum(people[name], 1) - 1).astype(np.uint64)
        found += np.append(own, np.uint64(0))[part.codes].sum(axis=1, dtype=np.uint64)
    return found


def _hashed(values: npt.NDArray[np.object_], key: str) -> Marks:
    if not len(values):
        return np.empty(0, np.uint64)
    return np.asarray(pd.util.hash_array(values, hash_key=key, categorize=False), np.uint64)
