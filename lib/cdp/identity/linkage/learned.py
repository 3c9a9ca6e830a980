"""What a run learned and a later one can use: how records are paired and what their agreement is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.fields import Field, compare_pairs
from cdp.identity.linkage.frequencies import Counted
from cdp.identity.linkage.levels import Levels, Rows
from cdp.identity.linkage.model import LinkModel, Patterns, count_patterns, join_patterns
from cdp.identity.linkage.parts import IDENTIFIERS, Parts

_CHUNK = 500_000  # pairs compared at once: some 200 MB
_RANDOM_PAIRS = 400_000  # outside the candidates; a level that one pair in 10,000 has is then known to 15%
_SEED = 20
_PERSONAL = ("given", "family", "birth_date", *IDENTIFIERS)
Rules = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Learned:
    """All that weighs a pair of records beside the records themselves.

    rules: the keys of each blocking rule. frequencies: of the values of each part that weighs by them. initial_bits:
    the most that an initial says for one person. n_records: from how many records it was learned.
    """

    model: LinkModel
    rules: Rules
    frequencies: Mapping[str, Counted]
    initial_bits: float
    n_records: int


def compare_in_chunks(fields: list[Field], parts: Parts, left: Rows, right: Rows) -> Levels:
    """Levels of all pairs, a bounded number at a time."""
    chunks = [compare_pairs(fields, parts, left[at : at + _CHUNK], right[at : at + _CHUNK])
              for at in range(0, max(len(left), 1), _CHUNK)]  # fmt: skip
    return np.concatenate(chunks)


def count_all(fields: list[Field], parts: Parts, left: Rows, right: Rows, levels: Levels, twin: Rows) -> Patterns:
    """Patterns of the candidates as they are, and of all other pairs by a sample that stands for them.

    Pairs that no field can compare are left out: they are as likely one person as the pairs that tell are. So are
    records that are equal in everything (`twin`: the first of them) and too many for a block: no sample of strangers.
    Only where they tell next to nothing (a sex, a town) chance makes them equal.
    """
    n_records = len(twin)
    mine = count_patterns(levels, 1.0, is_candidate=True)
    n_all = n_records * (n_records - 1) // 2
    n_other = n_all - len(left)
    if n_other <= 0:
        return mine
    known = left * n_records + right
    left, right = random_pairs(n_records)
    keys = left * n_records + right
    at = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
    outside = known[at] != keys if len(known) else np.ones(len(keys), bool)
    outside &= (twin[left] != twin[right]) | (_n_personal(parts, n_records)[left] < 2)
    left, right = left[outside], right[outside]
    if not len(left):
        return mine
    sample = compare_in_chunks(fields, parts, left, right)
    telling = sample[sample.any(axis=1)]
    return join_patterns(mine, count_patterns(telling, n_other / len(left), is_candidate=False))


def _n_personal(parts: Parts, n_records: int) -> npt.NDArray[np.int64]:
    """How much each record tells of a person's own: names, birth date, identifiers."""
    told = [(part.codes >= 0).any(axis=1) for name, part in parts.items() if name in _PERSONAL]
    return np.sum(told, axis=0, dtype=np.int64) if told else np.zeros(n_records, np.int64)


def random_pairs(n_records: int) -> tuple[Rows, Rows]:
    """Pairs of different records, left < right, the same for the same number of records; all where they are few."""
    if n_records * (n_records - 1) // 2 <= _RANDOM_PAIRS:
        return np.triu_indices(n_records, 1)
    draw = np.random.default_rng(_SEED)
    left = draw.integers(0, n_records, _RANDOM_PAIRS)
    right = draw.integers(0, n_records, _RANDOM_PAIRS)
    differ = left != right
    return np.minimum(left, right)[differ], np.maximum(left, right)[differ]


def first_equals(parts: Parts, n_records: int) -> Rows:
    """The first record that equals each one in all parts."""
    if not parts or not n_records:
        return np.arange(n_records)
    table = np.ascontiguousarray(np.concatenate([part.codes for part in parts.values()], axis=1))
    packed = table.view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    return first[group].astype(np.int64)
