"""Why are records one person, or why are they not: the evidence, the weakest link, what was cut and why.

Everything is data first (mappings that JSON can hold, without names, dates or addresses; identifier values masked),
then text for a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from cdp.identity.decisions import DECIDED, Side, StewardDecisions
from cdp.identity.graph import RECORD
from cdp.identity.linkage.explain import cut_pairs, probability, waterfalls, why_cut
from cdp.identity.record_matches import MATCHED, Matches

Link = dict[str, Any]
_SHOWN_PAIRS = 3


def explain_pair(
    a: Side, b: Side, links: Sequence[Link], found: Matches | None, decisions: StewardDecisions
) -> dict[str, Any]:
    """Why two records or people are, or are not, one person.

    `links` are the rows of silver.identity_links that touch a record of either. path: the links that lead from one to
    the other. pairs: the strongest pairs of profile records of both sides, each with its waterfall in bits; weighed
    together by mean_weight, which a match needs to be above threshold. shared: identifier values that both carry.
    refused: matches between the two that policy refuses, each with its rule.
    decisions: what stewards decided of the two.
    """
    pairs, mean = _profile_pairs(found, a.records, b.records)
    return {
        "a": a.named,
        "b": b.named,
        "person_a": a.person_id,
        "person_b": b.person_id,
        "is_one_person": a.person_id == b.person_id,
        "threshold": None if found is None else round(found.linked.threshold, 2),
        "mean_weight": mean,
        "pairs": pairs,
        "shared": _shared_values(links, set(a.records), set(b.records)),
        "refused": _refused_between(links, set(a.records), set(b.records)),
        "path": _path(links, a.records, b.records) if a.person_id == b.person_id else [],
        "decisions": _decisions(decisions, set(a.records), set(b.records)),
    }


def explain_person(
    side: Side, links: Sequence[Link], found: Matches | None, decisions: StewardDecisions
) -> dict[str, Any]:
    """What holds a person together: its records, the links of its strongest tree, the weakest of these, what was cut.

    links: of all active ones those that hold the records together (the maximum spanning tree), weakest first. refused:
    identifier values that must not tie its records to others, and why. cut: pairs that alone speak for one person and
    whose records were kept apart.
    """
    records = set(side.records)
    own = [link for link in links if link["record_id"] in records]
    tree = _holding(own)
    return {
        "person_id": side.person_id,
        "records": sorted(records),
        "links": [_told(link) for link in tree],
        "weakest_link": _told(tree[0]) if tree else None,
        "refused": _refused(own),
        "cut": _cuts(found, records),
        "decisions": _decisions(decisions, records, records),
    }


def mask(kind: str, value: str) -> str:
    """An identifier value of which only the ends are told; record ids are told as they are."""
    if kind == RECORD:
        return value
    local, at, domain = value.partition("@")
    return f"{local[:1]}***@{domain}" if at else f"{value[:2]}***{value[-2:]}" if len(value) > 6 else "***"


def _profile_pairs(
    found: Matches | None, a: Sequence[str], b: Sequence[str]
) -> tuple[list[dict[str, Any]], float | None]:
    """The strongest pairs of profile records, one of each side, and the mean weight of all pairs."""
    if found is None:
        return [], None
    one, other = found.rows_of(a), found.rows_of(b)
    left, right = (side.ravel() for side in np.meshgrid(one, other, indexing="ij"))
    differ = left != right
    left, right = left[differ], right[differ]
    if not len(left):
        return [], None
    weight = found.linked.weigh(found.linked.totals_of(left, right)).astype(float)
    best = np.lexsort((right, left, -weight))[:_SHOWN_PAIRS]
    steps = waterfalls(found.linked.scorer, left[best], right[best])
    names = found.profiles.frame["record_id"].to_numpy()
    told = [
        {"record_a": names[left[at]], "record_b": names[right[at]], "weight": round(float(weight[at]), 2),
         "probability": round(float(probability(weight[at : at + 1])[0]), 6), "evidence": evidence}
        for at, evidence in zip(best, steps, strict=True)
    ]  # fmt: skip
    return told, round(float(weight.mean()), 2)


def _shared_values(links: Sequence[Link], a: set[str], b: set[str]) -> list[dict[str, Any]]:
    """Values that records of both sides carry, whether they tie them, and why not."""
    carriers: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        if link["identifier_type"] != RECORD:
            carriers.setdefault((link["identifier_type"], link["value"]), []).append(link)
    shared = []
    for (kind, value), held in sorted(carriers.items()):
        if any(x["record_id"] in a for x in held) and any(x["record_id"] in b for x in held):
            why = next((w for x in held if (w := _evidence(x).get("refused"))), None)
            shared.append({"type": kind, "value": mask(kind, value), "ties": why is None, "why_not": why})
    return shared


def _refused_between(links: Sequence[Link], a: set[str], b: set[str]) -> list[dict[str, Any]]:
    ends = (a, b), (b, a)
    return [
        {**_told(link), "why": why}
        for link in links
        if link["identifier_type"] == RECORD and (why := _evidence(link).get("refused"))
        if any(link["record_id"] in one and link["value"] in other for one, other in ends)
    ]


def _path(links: Sequence[Link], a: Sequence[str], b: Sequence[str]) -> list[dict[str, Any]]:
    """The active links of the shortest way from a record of one side to one of the other."""
    active = [link for link in links if link["is_active"]]
    ends = [((RECORD, x["record_id"]), (x["identifier_type"], x["value"])) for x in active]
    nodes = sorted({node for pair in ends for node in pair} | {(RECORD, r) for r in (*a, *b)})
    number = {node: at for at, node in enumerate(nodes)}
    source = len(nodes)  # a made-up node tied to all records of one side
    rows = [number[x] for x, _ in ends] + [source] * len(a)
    columns = [number[y] for _, y in ends] + [number[RECORD, r] for r in a]
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(source + 1, source + 1)).tocsr()
    order, before = breadth_first_order(graph, source, directed=False)
    targets = {number[RECORD, r] for r in b}
    at = next((int(n) for n in order if n in targets and before[n] != source), None)
    by_ends = {frozenset((number[x], number[y])): link for (x, y), link in zip(ends, active, strict=True)}
    path = []
    while at is not None and (up := int(before[at])) not in (source, -9999):
        path.append(_told(by_ends[frozenset((at, up))]))
        at = up
    return path[::-1]


def _holding(links: Sequence[Link]) -> list[Link]:
    """The links of the maximum spanning tree, weakest first, without those to values that only one record carries."""
    n_carriers: dict[tuple[str, str], int] = {}
    for link in links:
        key = link["identifier_type"], link["value"]
        n_carriers[key] = n_carriers.get(key, 0) + 1
    active = sorted(
        (x for x in links if x["is_active"]
         and (x["identifier_type"] == RECORD or n_carriers[x["identifier_type"], x["value"]] > 1)),
        key=lambda x: (x["weight"] or 0.0, x["record_id"], x["identifier_type"], x["value"]),
    )  # fmt: skip
    if not active:
        return []
    nodes: dict[tuple[str, str], int] = {}
    ends = [
        (nodes.setdefault((RECORD, x["record_id"]), len(nodes)),
         nodes.setdefault((x["identifier_type"], x["value"]), len(nodes)))
        for x in active
    ]  # fmt: skip
    # scipy takes the least and no zero: the strongest link is 1, ties stay in order
    cost = np.arange(len(active), 0, -1, dtype=float)
    rows, columns = (np.array(side) for side in zip(*ends, strict=True))
    tree = minimum_spanning_tree(coo_matrix((cost, (rows, columns)), shape=(len(nodes), len(nodes))).tocsr())
    return [active[len(active) - round(c)] for c in sorted(tree.data, reverse=True)]


def _refused(links: Sequence[Link]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for link in links:
        why = _evidence(link).get("refused")
        if why:
            found.setdefault((link["identifier_type"], link["value"], why), []).append(link["record_id"])
    return [
        {"type": kind, "value": mask(kind, value), "records": sorted(records), "why": why}
        for (kind, value, why), records in sorted(found.items())
    ]


def _cuts(found: Matches | None, records: set[str]) -> list[dict[str, Any]]:
    if found is None:
        return []
    clusters, names = found.linked.clusters, found.profiles.frame["record_id"].to_numpy()
    at = cut_pairs(found.linked)
    mine = np.isin(clusters.left[at], found.rows_of(records)) | np.isin(clusters.right[at], found.rows_of(records))
    at = at[mine]
    mean = found.weigh_people(clusters.label[clusters.left[at]], clusters.label[clusters.right[at]], np.zeros(len(at)))
    summed = [f"all records of both people together weigh {average:+.1f} bits" for average in mean]
    return [
        {"record_a": names[clusters.left[k]], "record_b": names[clusters.right[k]],
         "weight": round(float(clusters.weight[k]), 2),
         "why": found.linked.refused.get(int(k), why_cut(told, float(average), found.linked.threshold))}
        for k, average, told in zip(at, mean, summed, strict=True)
    ]  # fmt: skip


def _decisions(held: StewardDecisions, a: set[str], b: set[str]) -> list[dict[str, Any]]:
    return [
        {"override_id": o.override_id, "kind": o.kind, "reason": o.reason, "decided_at": str(o.decided_at)}
        for o in (*held.merges, *held.partings)
        if (a & set(o.records_a) and b & set(o.records_b)) or (a & set(o.records_b) and b & set(o.records_a))
    ]


def _told(link: Link) -> dict[str, Any]:
    """A link as data: its ends (a value masked), rule, weight and, where it was matched, the waterfall."""
    kind = link["identifier_type"]
    told = {"record": link["record_id"], "to": kind, "value": mask(kind, link["value"]), "rule": link["rule"],
            "weight": None if link["weight"] is None else round(link["weight"], 2),
            "probability": None if link["probability"] is None else round(link["probability"], 6)}  # fmt: skip
    evidence = _evidence(link)
    if link["rule"] == MATCHED:
        told["evidence"] = evidence.get("steps", [])
    elif link["rule"] == DECIDED:
        told["override_id"] = evidence.get("override_id")
    return told


def _evidence(link: Link) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(link["evidence"] or "{}")
    return found
