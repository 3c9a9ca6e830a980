"""From weighted pairs to people: inside a component groups are merged by the evidence between them as wholes.

Components over pairs that are more likely one person than not come first. A component whose scored pairs all agree is
one person; in any other all pairs are compared, also those that no rule proposed, and the two groups with the
greatest weight are merged as long as it is above `stop` (average linkage, Sokal and Michener 1958). The mean is taken
field by field, over the pairs of records that tell it: so one false link does not join two people, a chain of vague
records is cut where clear ones contradict, and a record that tells little is not held against its person. Of fields
that are sets (e-mails, phones) a group has those of all its records, and the best pair counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csgraph

from cdp.identity.linkage.levels import Rows

#: Above this a component is first split at a higher weight, until its pieces fit.
LARGEST_PIECE = 200
_AT_ONCE = 400_000  # pairs whose evidence is held at a time
Floats = npt.NDArray[np.float32]
BitsOf = Callable[[Rows, Rows], Floats]
"""(left, right) -> (kinds, pairs, fields) evidence; 0 where a field says nothing."""
Weigh = Callable[[Floats], Floats]
"""(kinds, ...) evidence added over the fields -> weight."""


class ClusterPolicy(Protocol):
    """What never is one person, whatever the evidence."""

    def stances(self, left: Rows, right: Rows) -> npt.NDArray[np.int8]:
        """For each pair of records 1 where policy holds them for two people, -1 where for one, else 0."""

    def crowded(self, label: Rows) -> npt.NDArray[np.bool_]:
        """For each label whether its records may be too many for one person; only of these it is asked more."""

    def exceeded(self, rows: Rows) -> str | None:
        """What these records have too much of for one person; None for nothing."""


@dataclass(frozen=True)
class Clustering:
    """label: cluster of each record, its smallest record number. left, right, weight: all scored pairs, those added
    inside components too. split: components that were too large, as (records, weight at which they were split)."""

    label: Rows
    left: Rows
    right: Rows
    weight: Floats
    split: list[tuple[int, float]]


def cluster_records(
    n_records: int, left: Rows, right: Rows, weight: Floats, bits_of: BitsOf, weigh: Weigh,
    is_set: npt.NDArray[np.bool_], policy: ClusterPolicy, *, stop: float = 0.0,
) -> Clustering:  # fmt: skip
    """Cluster all records by their scored pairs, which are sorted by (left, right) with left < right.

    is_set: which fields are sets of values.
    """
    joins = weight.copy()
    at = np.flatnonzero(weight > stop)
    joins[at[policy.stances(left[at], right[at]) > 0]] = -np.inf
    strong = joins > stop
    label = component_labels(n_records, left[strong], right[strong])
    label, split = _fit_pieces(label, left, right, joins, stop)
    added: list[tuple[Rows, Rows, Floats]] = []
    known = left * n_records + right
    is_crowded = policy.crowded(label)
    for batch in _batches(_groups_of_several(label, is_crowded)):
        keys = [_pair_keys(group, n_records) for group in batch]
        every = np.concatenate(keys)
        a, b = every // n_records, every % n_records
        bits = bits_of(a, b)
        scored = weigh(bits.sum(axis=2))
        stances = policy.stances(a, b)
        ends = np.cumsum([len(k) for k in keys])
        for group, start, end in zip(batch, ends - [len(k) for k in keys], ends, strict=True):
            has_limit = bool(is_crowded[group[0]])
            is_allowed = stances[start:end].max() <= 0 and not (has_limit and policy.exceeded(group))
            if is_allowed and scored[start:end].min() > stop:
                continue
            limit = partial(_fits, policy, group) if has_limit else None
            own = merge_groups(len(group), bits[:, start:end], weigh, is_set, stop, stances[start:end], limit)
            label[group] = group[own]
        at = np.minimum(np.searchsorted(known, every), len(known) - 1)
        new = known[at] != every
        added.append((a[new], b[new], scored[new]))
    sides = [np.concatenate([first, *more]) for first, more in
             zip((left, right, weight), zip(*added, strict=True) if added else ((), (), ()), strict=True)]  # fmt: skip
    order = np.argsort(sides[0] * n_records + sides[1], kind="stable")
    return Clustering(label, sides[0][order], sides[1][order], sides[2][order], split)


def _fits(policy: ClusterPolicy, group: Rows, members: Rows) -> bool:
    return not policy.exceeded(group[members])


def merge_groups(
    n: int,
    bits: Floats,
    weigh: Weigh,
    is_set: npt.NDArray[np.bool_],
    stop: float,
    stances: npt.NDArray[np.int8],
    fits: Callable[[Rows], bool] | None = None,
) -> npt.NDArray[np.int64]:
    """The group of each of n records, named by its first one, from the evidence of all their pairs.

    bits: (kinds, n(n-1)/2, fields) in the order of np.triu_indices(n, 1). Ties go to the first records. stances: of
    each pair, see ClusterPolicy; groups between which those of 1 outnumber those of -1 stay apart. fits: whether some
    of the n may be one person.
    """
    i, j = np.triu_indices(n, 1)
    counts = np.zeros((n, n, bits.shape[2]), np.float32)
    sums = np.zeros((bits.shape[0], n, n, bits.shape[2]), np.float32)
    counts[i, j] = counts[j, i] = np.abs(bits).max(axis=0) > 0
    sums[:, i, j] = sums[:, j, i] = bits
    weight = np.full((n, n), -np.inf, np.float32)
    weight[i, j] = weight[j, i] = weigh(bits.sum(axis=2))
    balance = np.zeros((n, n), np.int32)
    balance[i, j] = balance[j, i] = stances
    weight[balance > 0] = -np.inf
    told = weight.copy()  # also of groups that were not joined because of others
    own, is_gone = np.arange(n), np.zeros(n, bool)
    while True:
        best = int(weight.argmax())
        x, y = sorted((best // n, best % n))
        if weight[x, y] <= stop:
            return own
        # of a set the pair with the better evidence stays, of all else both count
        is_better = (counts[y] > 0) & ((counts[x] == 0) | (sums[0, y] > sums[0, x]))
        both_sums = np.where(is_set, np.where(is_better, sums[:, y], sums[:, x]), sums[:, x] + sums[:, y])
        both_counts = np.where(is_set, np.maximum(counts[x], counts[y]), counts[x] + counts[y])
        row = weigh((both_sums / np.maximum(both_counts, 1)).sum(axis=2))
        row[is_gone | (balance[x] + balance[y] > 0)] = row[[x, y]] = -np.inf
        is_fit = fits is None or fits(np.flatnonzero((own == x) | (own == y)))
        if not is_fit or weight[x, y] <= _rival_bits(told, x, y, row <= stop):
            weight[x, y] = weight[y, x] = -np.inf
            continue
        own[own == y] = x
        is_gone[y] = True
        sums[:, x], counts[x] = both_sums, both_counts
        sums[:, :, x], counts[:, x] = sums[:, x], counts[x]
        balance[x] += balance[y]
        balance[:, x] = balance[x]
        for matrix in (weight, told):
            matrix[x] = matrix[:, x] = row
            matrix[y] = matrix[:, y] = -np.inf


def _rival_bits(told: Floats, x: int, y: int, is_lost: npt.NDArray[np.bool_]) -> float:
    """What speaks against joining two groups: each may as well be of one person with others that this would part it of.

    A record with a family's name and address may be the father's or the mother's, but not both's: the odds of each are
    against those of all others together.
    """
    lost = np.setdiff1d(np.flatnonzero(is_lost), (x, y))
    return float(np.log2(1 + np.exp2(told[[[x], [y]], lost].astype(float)).sum()))


def component_labels(n_records: int, left: Rows, right: Rows) -> Rows:
    """The smallest record number of each record's component."""
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(n_records, n_records))
    n, labels = csgraph.connected_components(graph, directed=False)
    smallest = np.full(n, n_records, np.int64)
    np.minimum.at(smallest, labels, np.arange(n_records))
    return smallest[labels]


def members_of(label: Rows, wanted: Rows) -> dict[int, Rows]:
    """The records of the wanted labels, in ascending order."""
    names, order = np.unique(wanted), np.argsort(label, kind="stable")
    sides = (np.searchsorted(label[order], names, side=side) for side in ("left", "right"))
    return {int(name): order[start:end] for name, start, end in zip(names, *sides, strict=True)}


def cross_pairs(members: Mapping[int, Rows], first: Rows, second: Rows) -> tuple[Rows, Rows, Rows]:
    """All pairs of one record of each of two labels, one pair of labels after the other: both sides, and the starts.

    For a label with more records than LARGEST_PIECE so many of them stand, evenly spaced: all pairs of two with some
    thousands each would be millions.
    """
    sides = [(_spaced(members[a]), _spaced(members[b])) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    left = np.concatenate([np.repeat(a, len(b)) for a, b in sides])
    right = np.concatenate([np.tile(b, len(a)) for a, b in sides])
    return left, right, np.cumsum([0, *(len(a) * len(b) for a, b in sides[:-1])])


def _spaced(rows: Rows) -> Rows:
    if len(rows) <= LARGEST_PIECE:
        return rows
    return rows[np.arange(LARGEST_PIECE) * len(rows) // LARGEST_PIECE]


def join_equals(
    found: Clustering,
    twin: Rows,
    is_sure: npt.NDArray[np.bool_],
    may_join: Callable[[Rows, Rows], npt.NDArray[np.bool_]],
) -> Clustering:
    """Put records that are equal in everything into one cluster, however many they are.

    Clusters that hold others too are not joined with each other: these were compared, and told apart. twin: for each
    record the first one that equals it; is_sure: whether agreement in all that it tells is enough; may_join: whether
    two labels may be one person.
    """
    is_mixed = np.zeros(len(twin), bool)
    is_mixed[found.label[twin != twin[found.label]]] = True
    equal, label = np.unique(np.stack([twin[is_sure], found.label[is_sure]]), axis=1)
    n_mixed = np.bincount(equal[is_mixed[label]], minlength=len(twin))
    kept = ~is_mixed[label] | (n_mixed[equal] == 1)
    order = np.lexsort((label[kept], ~is_mixed[label[kept]], equal[kept]))
    equal, label = equal[kept][order], label[kept][order]
    _, first, group = np.unique(equal, return_index=True, return_inverse=True)
    others = label[first][group] != label
    left, right = label[first][group][others], label[others]
    allowed = may_join(left, right)
    return replace(found, label=component_labels(len(twin), left[allowed], right[allowed])[found.label])


def _fit_pieces(
    label: Rows, left: Rows, right: Rows, weight: Floats, stop: float
) -> tuple[Rows, list[tuple[int, float]]]:
    """Raise the weight that joins, component by component, until no piece is larger than LARGEST_PIECE."""
    split = []
    level = stop
    sizes = np.bincount(label, minlength=len(label))
    while (too_large := sizes > LARGEST_PIECE).any() and level < 40:
        level += 2.0
        split += [(int(n), level) for n in sizes[too_large]]
        inside = too_large[label]
        kept = inside[left] & inside[right] & (weight > level)
        finer = component_labels(len(label), left[kept], right[kept])
        label = np.where(inside, finer, label)
        sizes = np.bincount(label, minlength=len(label))
    return label, split


def _groups_of_several(label: Rows, is_crowded: npt.NDArray[np.bool_]) -> list[Rows]:
    """The records of each component of more than two, and of two where a limit may part them, in ascending order."""
    sizes = np.bincount(label, minlength=len(label))
    large = np.flatnonzero((sizes > 2) | ((sizes == 2) & is_crowded))
    return list(members_of(label, large).values())


def _batches(groups: list[Rows]) -> list[list[Rows]]:
    """Groups in order, as many together as have a bounded number of pairs."""
    batches: list[list[Rows]] = []
    held = _AT_ONCE
    for group in groups:
        n = len(group) * (len(group) - 1) // 2
        if held + n > _AT_ONCE:
            batches.append([])
            held = 0
        batches[-1].append(group)
        held += n
    return batches


def _pair_keys(group: Rows, n_records: int) -> Rows:
    """One number per pair of a group whose records are in ascending order; the numbers ascend."""
    i, j = np.triu_indices(len(group), 1)
    return group[i] * n_records + group[j]
