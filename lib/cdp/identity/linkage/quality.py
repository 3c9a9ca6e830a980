"""How good the result looks without knowing the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cdp.identity.linkage.engine import Linked
from cdp.identity.linkage.explain import accepted_pairs, cut_pairs, holding_links, probability
from cdp.identity.linkage.parts import Part


def blocking_recall(linked: Linked) -> float:
    """The estimated share of one person's pairs that any rule proposed (Chao 1987, from how often each was met).

    f1 pairs were met by one rule only and f2 by two; about f1^2 / (2 f2) were met by none. Each pair counts by its
    probability of being one person.
    """
    chance, hits = probability(linked.weight), linked.candidates.hits
    once, twice = float(chance[hits == 1].sum()), float(chance[hits == 2].sum())
    missed = once**2 / (2 * twice) if twice else 0.0
    met = float(chance.sum())
    return met / (met + missed) if met else 1.0


def quality_figures(linked: Linked) -> dict[str, Any]:
    """Label-free figures: expected precision, weights, people with impossible facts, people that hang by one link."""
    c = linked.clusters
    sizes = np.bincount(c.label, minlength=len(c.label))
    sizes = sizes[sizes > 0]
    inside = probability(c.weight[c.label[c.left] == c.label[c.right]])
    several = int((sizes > 1).sum())
    holding = c.weight[holding_links(linked)]
    edges = [-20, -10, -5, 0, 5, 10, 20, 30, 41]
    weighed = np.histogram(c.weight, bins=edges)[0]
    return {
        "expected_precision": round(float(inside.mean()), 5) if len(inside) else None,
        "estimated_blocking_recall": round(blocking_recall(linked), 5),
        "accepted_pairs": len(accepted_pairs(linked)),
        "cut_pairs": len(cut_pairs(linked)),
        "weakest_links_below_3_bits": int((holding < 3).sum()),
        "people_of_several_records": several,
        "people_with_more_than_one_birth_date": _with_several(linked, "birth_date", 1),
        "people_with_more_than_three_given_names": _with_several(linked, "given", 3),
        "people_with_more_than_one_national_id": _with_several(linked, "national_id", 1),
        "cluster_sizes": {str(n): int(k) for n, k in zip(*np.unique(sizes, return_counts=True), strict=True)},
        "pairs_by_weight": {f"{low} to {high}": int(k)
                            for low, high, k in zip(edges, edges[1:], weighed, strict=False)},
    }  # fmt: skip


def _with_several(linked: Linked, name: str, most: int) -> int | None:
    """People with more than so many different values of a part; None where the files do not have it."""
    part: Part | None = linked.parts.get(name)
    if part is None:
        return None
    rows, places = np.nonzero(part.codes >= 0)
    held = pd.DataFrame({"person": linked.clusters.label[rows], "value": part.codes[rows, places]}).drop_duplicates()
    return int((held.groupby("person").size() > most).sum())
