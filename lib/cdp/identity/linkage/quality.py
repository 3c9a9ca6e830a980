"""How good the result looks without knowing the truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix, csgraph

from cdp.identity.linkage.engine import Linked
from cdp.identity.linkage.explain import accepted_pairs, cut_pairs, holding_links, probability
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.parts import Part
from cdp.identity.rules import ONE_VALUE, Policy

_STEPS = (-10, -5, 0, 5, 10, 20, 30, 41)  # bits
_MOST_GIVEN_NAMES = 3
_SEED = 7


def blocking_recall(linked: Linked) -> float:
    """The estimated share of one person's pairs that any rule proposed (Chao 1987, from how often each was met).

    f1 pairs were met by one rule only and f2 by two; about f1^2 / (2 f2) were met by none. Each pair counts by its
    probability of being one person.
    """
    chance, hits = probability(linked.weighed.pairs.weight), linked.weighed.hits
    once, twice = float(chance[hits == 1].sum()), float(chance[hits == 2].sum())
    missed = once**2 / (2 * twice) if twice else 0.0
    met = float(chance.sum())
    return met / (met + missed) if met else 1.0


def expected_precision(linked: Linked) -> float | None:
    """The mean probability of the scored pairs within people; None where there are none."""
    c = linked.clusters
    inside = probability(c.weight[c.label[c.left] == c.label[c.right]])
    return float(inside.mean()) if len(inside) else None


def pairs_by_weight(weight: npt.NDArray[np.float32]) -> dict[int, int]:
    """How many pairs weigh from so many bits on, up to the next number."""
    return dict(zip(_STEPS[:-1], np.histogram(weight, bins=_STEPS)[0].tolist(), strict=True))


def impossible(linked: Linked) -> Rows:
    """The people with facts that no one person has: clearly different birth dates or national ids, four given names."""
    c = linked.clusters
    at = np.flatnonzero(c.label[c.left] == c.label[c.right])
    strict = replace(linked.refusals, policy=Policy(one_value=ONE_VALUE))
    differ = at[strict.stances(c.left[at], c.right[at]) > 0]
    named = _with_several(linked, "given", _MOST_GIVEN_NAMES)
    return np.union1d(c.label[c.left[differ]], named if named is not None else [])


def bridged(linked: Linked) -> Rows:
    """The people of three records and more who would be two without one single accepted pair.

    A pair is such a bridge when no other one closes a circle with it. Every pair beside the maximum spanning tree gets
    a number, and each branch of the tree the exclusive or of the numbers of all pairs that leave it: 0 where none does.
    """
    c, tree = linked.clusters, holding_links(linked)
    n = len(c.label)
    others = np.setdiff1d(accepted_pairs(linked), tree)
    number = np.random.default_rng(_SEED).integers(1, 2**63 - 1, len(others))
    leaving = np.zeros(n + 1, np.int64)
    for side in (c.left, c.right):
        np.bitwise_xor.at(leaving, side[others], number)
    roots = np.unique(c.label)  # a label is its first record; all trees hang on one made-up root
    rows = np.concatenate([c.left[tree], np.full(len(roots), n)])
    columns = np.concatenate([c.right[tree], roots])
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1)).tocsr()
    order, parent = csgraph.breadth_first_order(graph, n, directed=False)
    for node in order[:0:-1].tolist():  # the leaves first
        leaving[parent[node]] ^= leaving[node]
    below = order[1:][(parent[order[1:]] != n) & (leaving[order[1:]] == 0)]
    return np.unique(c.label[below][np.bincount(c.label)[c.label[below]] > 2])


def quality_figures(linked: Linked) -> dict[str, Any]:
    """Label-free figures: expected precision, weights, people with impossible facts, people that hang by one link."""
    c = linked.clusters
    sizes = np.bincount(c.label, minlength=len(c.label))
    sizes = sizes[sizes > 0]
    several = int((sizes > 1).sum())
    holding = c.weight[holding_links(linked)]
    weighed = pairs_by_weight(c.weight)
    expected = expected_precision(linked)
    return {
        "expected_precision": None if expected is None else round(expected, 5),
        "estimated_blocking_recall": round(blocking_recall(linked), 5),
        "accepted_pairs": len(accepted_pairs(linked)),
        "cut_pairs": len(cut_pairs(linked)),
        "weakest_links_below_3_bits": int((holding < 3).sum()),
        "people_of_several_records": several,
        "people_with_impossible_facts": len(impossible(linked)),
        "people_that_hang_by_one_link": len(bridged(linked)),
        "people_with_more_than_one_birth_date": _n_with_several(linked, "birth_date", 1),
        "people_with_more_than_three_given_names": _n_with_several(linked, "given", _MOST_GIVEN_NAMES),
        "people_with_more_than_one_national_id": _n_with_several(linked, "national_id", 1),
        "cluster_sizes": {str(n): int(k) for n, k in zip(*np.unique(sizes, return_counts=True), strict=True)},
        "pairs_by_weight": {f"{low} to {high}": weighed[low] for low, high in pairwise(_STEPS)},
    }  # fmt: skip


def _with_several(linked: Linked, name: str, most: int) -> Rows | None:
    """People with more than so many different values of a part; None where the files do not have it."""
    part: Part | None = linked.parts.get(name)
    if part is None:
        return None
    rows, places = np.nonzero(part.codes >= 0)
    held = pd.DataFrame({"person": linked.clusters.label[rows], "value": part.codes[rows, places]}).drop_duplicates()
    n_values = held.groupby("person").size()
    return n_values.index[n_values > most].to_numpy(np.int64)


def _n_with_several(linked: Linked, name: str, most: int) -> int | None:
    people = _with_several(linked, name, most)
    return None if people is None else len(people)
