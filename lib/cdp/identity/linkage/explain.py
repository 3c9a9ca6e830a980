"""Why records are one person, or are not: the evidence field by field, the weakest link, what was cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from cdp.identity.linkage.engine import Linked
from cdp.identity.linkage.fields import compare_pairs
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.score import MOST, Scorer, pair_bits, shared_bits

Evidence = list[dict[str, Any]]


def waterfalls(scorer: Scorer, left: Rows, right: Rows) -> list[Evidence]:
    """For each pair its evidence in bits: the prior, each field with its level, what a shared household takes away.

    The bits of a pair add up to its weight before it is clipped. Levels only: no value of a record is told.
    """
    levels = compare_pairs(scorer.fields, scorer.parts, left, right)
    bits = pair_bits(scorer, levels, left, right)
    shared = -shared_bits(scorer.model, bits.sum(axis=2))
    prior = float(np.log2(scorer.model.shares["same"] / scorer.model.shares["stranger"]))
    found = []
    for row, own, taken in zip(levels, bits[0], shared, strict=True):
        steps: Evidence = [{"step": "prior", "bits": round(prior, 2)}]
        for field, level, value in zip(scorer.fields, row, own, strict=True):
            if level:
                steps.append({"step": field.name, "level": field.levels[level - 1], "bits": round(float(value), 2)})
        if taken < -0.005:
            steps.append({"step": "household, place or origin explains it too", "bits": round(float(taken), 2)})
        found.append(steps)
    return found


def evidence_text(steps: Evidence) -> str:
    """A waterfall on one line."""
    return "; ".join(f"{s['step']}{' ' + s['level'] if 'level' in s else ''} {s['bits']:+.1f}" for s in steps)


def probability(weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The probability that a weight of log2 odds stands for."""
    return 1 / (1 + np.exp2(-weight.astype(float)))


def accepted_pairs(linked: Linked) -> npt.NDArray[np.int64]:
    """Positions of the scored pairs that speak for one person and are in one."""
    c = linked.clusters
    return np.flatnonzero((c.weight > linked.threshold) & (c.label[c.left] == c.label[c.right]))


def holding_links(linked: Linked) -> npt.NDArray[np.int64]:
    """Positions of the pairs that hold each person together: the maximum spanning tree of its accepted pairs."""
    at = accepted_pairs(linked)
    if not len(at):
        return at
    c, n = linked.clusters, len(linked.clusters.label)
    # scipy takes the least: the distance from a weight that none reaches, never zero, made unique by the pair's place
    cost = (MOST + 1) - c.weight[at].astype(float) + np.arange(len(at)) * (1e-7 / len(at))
    tree = minimum_spanning_tree(coo_matrix((cost, (c.left[at], c.right[at])), shape=(n, n)).tocsr()).tocoo()
    keys = c.left[at] * n + c.right[at]
    return at[np.searchsorted(keys, np.sort(tree.row.astype(np.int64) * n + tree.col))]


def cut_pairs(linked: Linked) -> npt.NDArray[np.int64]:
    """Positions of the pairs that alone speak for one person, and whose records were kept apart."""
    c = linked.clusters
    return np.flatnonzero((c.weight > linked.threshold) & (c.label[c.left] != c.label[c.right]))


def explain_people(
    linked: Linked, record: list[dict[str, str]], person_id: list[str], household_id: list[str]
) -> Iterator[dict[str, Any]]:
    """One explanation per person of several records, or with a link that was cut, in the order of the records.

    `record` names each record; the ids are given per record.
    """
    links = _told(linked, holding_links(linked), record)
    cuts = _told(linked, cut_pairs(linked), record)
    mean = _mean_weights(linked, cut_pairs(linked))
    members, kept, lost = defaultdict(list), defaultdict(list), defaultdict(list)
    label = linked.clusters.label
    for row, person in enumerate(label.tolist()):
        members[person].append(row)
    for left, _, told in links:
        kept[int(label[left])].append(told)
    for at, (left, right, told), average in zip(cut_pairs(linked).tolist(), cuts, mean, strict=True):
        summed = f"all pairs between the records of both weigh {average:+.1f} bits on average"
        why = linked.refused.get(at, why_cut(summed, average, linked.threshold))
        for side in (left, right):
            lost[int(label[side])].append({**told, "why": why})
    for person, rows in members.items():
        if len(rows) > 1 or lost[person]:
            tied = kept[person]
            yield {
                "person_id": person_id[rows[0]], "household_id": household_id[rows[0]],
                "records": [record[row] for row in rows], "links": tied,
                "weakest_link": min(tied, key=lambda link: link["weight"], default=None), "cut": lost[person],
            }  # fmt: skip


def why_cut(summed: str, weight: float, threshold: float) -> str:
    """Why two people are not one, from what their records weigh together: it is too little, or not for these alone."""
    return summed if weight <= threshold else f"{summed}, but others fit one of them as well and not both"


def _told(
    linked: Linked, at: npt.NDArray[np.int64], record: list[dict[str, str]]
) -> list[tuple[int, int, dict[str, Any]]]:
    c = linked.clusters
    steps = waterfalls(linked.scorer, c.left[at], c.right[at])
    chance = probability(c.weight[at])
    return [
        (int(a), int(b), {"record_a": record[a], "record_b": record[b], "weight": round(float(w), 2),
                          "probability": round(float(p), 6), "evidence": s})
        for a, b, w, p, s in zip(c.left[at], c.right[at], c.weight[at], chance, steps, strict=True)
    ]  # fmt: skip


def _mean_weights(linked: Linked, at: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The mean weight of all scored pairs between the two people of each of these pairs."""
    c, n = linked.clusters, len(linked.clusters.label)
    low, high = np.minimum(c.label[c.left], c.label[c.right]), np.maximum(c.label[c.left], c.label[c.right])
    keys, back = np.unique(low * n + high, return_inverse=True)
    sums = np.bincount(back, weights=c.weight.astype(float), minlength=len(keys))
    return (sums / np.bincount(back, minlength=len(keys)))[back[at]]
