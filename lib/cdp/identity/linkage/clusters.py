"""From weighted pairs to people: inside a component, the average link decides, so that a conflict cuts a chain.

Components over pairs that are more likely one person than not come first. A component whose pairs all agree is one
person; in any other all pairs are scored, also those that no rule proposed, and groups are merged while the mean
weight between them stays above `stop` (average linkage, Sokal and Michener 1958).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix, csgraph

from cdp.identity.linkage.compare import Rows

#: Above this a component is first split at a higher weight, until its pieces fit.
LARGEST_PIECE = 400
Weigh = Callable[[Rows, Rows], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Clustering:
    """label: cluster of each record, its smallest record number. left, right, weight: all scored pairs, those added
    inside components too. split: components that were too large, as (records, weight at which they were split)."""

    label: Rows
    left: Rows
    right: Rows
    weight: npt.NDArray[np.float32]
    split: list[tuple[int, float]]


def cluster_records(
    n_records: int, left: Rows, right: Rows, weight: npt.NDArray[np.float32], weigh: Weigh, *, stop: float = 0.0
) -> Clustering:
    """Cluster all records by their scored pairs; `weigh` scores pairs that are not among them."""
    strong = weight > stop
    label = component_labels(n_records, left[strong], right[strong])
    label, split = _fit_pieces(label, left, right, weight, stop)
    sizes = np.bincount(label, minlength=n_records)
    large = np.flatnonzero(sizes > 2)
    if not len(large):
        return Clustering(label, left, right, weight, split)
    members = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[members], large)
    groups = [members[s : s + n] for s, n in zip(starts, sizes[large], strict=True)]
    added_left, added_right, added = _score_missing(groups, n_records, left, right, weigh)
    left, right, weight = _sorted_pairs(n_records, left, right, weight, added_left, added_right, added)
    for group, condensed in zip(groups, _condensed(groups, n_records, left, right, weight), strict=True):
        if condensed.min() > stop:
            continue
        for piece in average_link(condensed, stop):
            label[group[piece]] = group[piece].min()
    return Clustering(label, left, right, weight, split)


def average_link(condensed: npt.NDArray[np.float32], stop: float) -> list[npt.NDArray[np.int64]]:
    """Members of each group of one component, from the weights of all its pairs in scipy's condensed order."""
    top = float(condensed.max())
    tree = linkage(top - condensed.astype(np.float64), method="average")
    # scipy merges at a distance up to and including the limit; a mean weight of exactly `stop` must not merge
    labels = fcluster(tree, t=top - stop - 1e-9, criterion="distance")
    return [np.flatnonzero(labels == one) for one in np.unique(labels)]


def component_labels(n_records: int, left: Rows, right: Rows) -> Rows:
    """The smallest record number of each record's component."""
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(n_records, n_records))
    n, labels = csgraph.connected_components(graph, directed=False)
    smallest = np.full(n, n_records, np.int64)
    np.minimum.at(smallest, labels, np.arange(n_records))
    return smallest[labels]


def _fit_pieces(
    label: Rows, left: Rows, right: Rows, weight: npt.NDArray[np.float32], stop: float
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


def _score_missing(
    groups: list[Rows], n_records: int, left: Rows, right: Rows, weigh: Weigh
) -> tuple[Rows, Rows, npt.NDArray[np.float32]]:
    """Score the pairs inside the groups that are not among the scored ones, all in one go."""
    keys = np.concatenate([_pair_keys(group, n_records) for group in groups])
    known = left * n_records + right
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    missing = keys[known[at] != keys]
    a, b = missing // n_records, missing % n_records
    return a, b, weigh(a, b) if len(a) else np.empty(0, np.float32)


def _sorted_pairs(
    n_records: int, left: Rows, right: Rows, weight: npt.NDArray[np.float32], more_left: Rows, more_right: Rows,
    more: npt.NDArray[np.float32],
) -> tuple[Rows, Rows, npt.NDArray[np.float32]]:  # fmt: skip
    a, b, w = np.concatenate([left, more_left]), np.concatenate([right, more_right]), np.concatenate([weight, more])
    order = np.argsort(a * n_records + b, kind="stable")
    return a[order], b[order], w[order]


def _condensed(
    groups: list[Rows], n_records: int, left: Rows, right: Rows, weight: npt.NDArray[np.float32]
) -> list[npt.NDArray[np.float32]]:
    """The weights of all pairs of each group, in scipy's condensed order."""
    known = left * n_records + right
    return [weight[np.searchsorted(known, _pair_keys(group, n_records))] for group in groups]


def _pair_keys(group: Rows, n_records: int) -> Rows:
    """One number per pair of a group whose records are in ascending order; the numbers ascend."""
    i, j = np.triu_indices(len(group), 1)
    return group[i] * n_records + group[j]
