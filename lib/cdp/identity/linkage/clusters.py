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
    """label: cluster of each record, its smallest record number. split: components that were too large, as (records,
    weight at which their pieces fitted)."""

    label: Rows
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
        return Clustering(label, split)
    members = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[members], large)
    groups = [members[s : s + n] for s, n in zip(starts, sizes[large], strict=True)]
    matrices = _all_weights(groups, n_records, left, right, weight, weigh)
    for group, condensed in zip(groups, matrices, strict=True):
        if condensed.min() > stop:
            continue
        for piece in average_link(condensed, stop):
            label[group[piece]] = group[piece].min()
    return Clustering(label, split)


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


def _all_weights(
    groups: list[Rows], n_records: int, left: Rows, right: Rows, weight: npt.NDArray[np.float32], weigh: Weigh
) -> list[npt.NDArray[np.float32]]:
    """The weights of all pairs of each group, in condensed order; those not scored yet are scored in one go."""
    pairs = [np.triu_indices(len(group), 1) for group in groups]
    a = np.concatenate([group[i] for group, (i, _) in zip(groups, pairs, strict=True)])
    b = np.concatenate([group[j] for group, (_, j) in zip(groups, pairs, strict=True)])
    keys, known = a * n_records + b, left * n_records + right  # both ascending: groups hold records in order
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    is_known = known[at] == keys
    found = np.where(is_known, weight[at], np.float32(0))
    missing = np.flatnonzero(~is_known)
    if len(missing):
        found[missing] = weigh(a[missing], b[missing])
    ends = np.cumsum([len(i) for i, _ in pairs])[:-1]
    return np.split(found, ends)
