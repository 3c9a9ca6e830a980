"""Which declared links would make one person of people who are known to be apart.

Links are taken in the order of their strength, as Kruskal (1956) builds a spanning tree, and one that would join two
people whom the linkage engine tells apart, or records that a steward keeps apart, is refused. So a family's e-mail
stays with the member whose records carry it most, and a chain of events that ends at two people is cut at its weakest
link. Only components that hold such people, or more values than policy allows one person, are walked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.clusters import component_labels
from cdp.identity.linkage.policy import most_at_once, told_at_most
from cdp.identity.rules import ValueLimit

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Judge = Callable[[Numbers, Numbers, Floats, npt.NDArray[np.bool_]], Sequence[str | None]]
"""(people, other people, weight of the link between, whether both themselves carry its value) -> why they must not be
one person, None where they may be."""

TOLD_APART = "its records are of people whom names, dates and addresses tell apart"
KEPT_APART = "a steward keeps its records apart"


@dataclass(frozen=True)
class DeclaredLinks:
    """Active links between records and identifier values, both as numbers of the graph; weight in bits.

    limit: the place of the limit on the value's type, -1 without one. first_day, last_day: when the record carried it.
    """

    record: Numbers
    value: Numbers
    weight: Floats
    n_seen: Numbers
    limit: Numbers
    first_day: Numbers
    last_day: Numbers


@dataclass(frozen=True)
class KnownPeople:
    """What holds whatever is declared, records as numbers of the graph.

    person: for each profile `record` the number of its person. together and apart: pairs of records, as stewards
    decided; apart wins.
    """

    record: Numbers
    person: Numbers
    together: tuple[Numbers, Numbers]
    apart: tuple[Numbers, Numbers]


@dataclass(frozen=True)
class Refused:
    """Places of the refused links and why; whether each pair of `together` is refused."""

    at: Numbers
    reasons: list[str]
    together: npt.NDArray[np.bool_]


def find_refused(
    links: DeclaredLinks, known: KnownPeople, judge: Judge, limits: Sequence[tuple[str, ValueLimit]] = ()
) -> Refused:
    """The links that must not be used; whatever order they come in, the same.

    Of links of one weight that which was seen more often comes first, then the smaller numbers. Two people may still
    be one: `judge` says of which this is likely, all the evidence taken together. limits: (identifier type, how many
    values of it one person may have), at the places that the links name.
    """
    ends = (links.record, links.value, known.record, *known.together, *known.apart)
    nodes, codes = np.unique(np.concatenate(ends), return_inverse=True)
    places = np.cumsum([0, *map(len, ends)])
    record, value, owner, *pairs = np.split(codes, places[1:-1])
    person = np.full(len(nodes), -1, np.int64)
    person[owner] = known.person
    people, firsts = np.unique(known.person, return_index=True)
    own = owner, owner[firsts[np.searchsorted(people, known.person)]]
    left, right = (np.concatenate(side) for side in zip((record, value), own, pairs[:2], strict=True))
    component = component_labels(len(nodes), left, right)
    mixed = _mixed_components(component, person, pairs[2], pairs[3])
    for place, (_, limit) in enumerate(limits):
        held = np.unique(value[links.limit == place])
        mixed |= np.bincount(component[held], minlength=len(nodes)) > limit.values
    order = np.lexsort((links.record, links.value, -links.n_seen, -links.weight))
    order = order[mixed[component[record[order]]]]
    steps = _Steps(record[order], value[order], links.weight[order], person, own, (pairs[0], pairs[1]),
                   (pairs[2], pairs[3]), mixed[component], _Values.of(links, value, order, limits))  # fmt: skip
    walk = _Walk(steps, {})
    asked = walk.asked()
    if len(asked):
        first, second, weight, is_direct = (np.array(column) for column in zip(*asked, strict=True))
        why = judge(first, second, weight.astype(float), is_direct.astype(bool))
        walk = _Walk(steps, {(int(a), int(b)): told for a, b, told in zip(first, second, why, strict=True)})
    at, reasons = zip(*walk.refused, strict=True) if walk.refused else ((), ())
    return Refused(order[np.array(at, np.int64)], list(reasons), np.array(walk.refused_together, bool))


def _mixed_components(component: Numbers, person: Numbers, a: Numbers, b: Numbers) -> npt.NDArray[np.bool_]:
    """Whether a component, named by its first node, holds several people or a pair that is kept apart."""
    mixed = np.zeros(len(component), bool)
    held = np.unique(np.stack([component, person])[:, person >= 0], axis=1)[0]
    names, n = np.unique(held, return_counts=True)
    mixed[names[n > 1]] = True
    mixed[component[a[component[a] == component[b]]]] = True
    return mixed


@dataclass(frozen=True)
class _Values:
    """The values whose number is limited: node -> (place of the limit, first day, last day)."""

    limits: Sequence[tuple[str, ValueLimit]]
    of_node: dict[int, tuple[int, int, int]]

    @classmethod
    def of(
        cls, links: DeclaredLinks, value: Numbers, order: Numbers, limits: Sequence[tuple[str, ValueLimit]]
    ) -> _Values:
        found: dict[int, tuple[int, int, int]] = {}
        at = order[links.limit[order] >= 0]
        columns = (value[at], links.limit[at], links.first_day[at], links.last_day[at])
        for node, limit, first, last in zip(*(c.tolist() for c in columns), strict=True):
            _, earliest, latest = found.get(node, (limit, first, last))
            found[node] = limit, min(earliest, first), max(latest, last)
        return cls(limits, found)

    def exceeded(self, nodes: set[int]) -> str | None:
        """The reason why one person must not have all these values, None for none."""
        for at, (name, limit) in enumerate(self.limits):
            held = [self.of_node[node][1:] for node in nodes if self.of_node[node][0] == at]
            if len(held) > limit.values:
                first, last = np.array(held, np.int64).T
                if most_at_once(first, last, limit.days) > limit.values:
                    return told_at_most(name, limit)
        return None


@dataclass(frozen=True)
class _Steps:
    """The links in their order and all that decides them, nodes by place; is_walked: nodes of mixed components."""

    record: Numbers
    value: Numbers
    weight: Floats
    person: Numbers
    own: tuple[Numbers, Numbers]
    together: tuple[Numbers, Numbers]
    apart: tuple[Numbers, Numbers]
    is_walked: npt.NDArray[np.bool_]
    values: _Values


class _Walk:
    """One pass over the links: groups grow, and each knows its people, the records that are kept from others and its
    values of limited types. verdicts: two people -> why they must not be one, None where they may be."""

    def __init__(self, steps: _Steps, verdicts: Mapping[tuple[int, int], str | None]) -> None:
        self._steps, self._verdicts = steps, verdicts
        self._parent: dict[int, int] = {}
        self._people: dict[int, set[int]] = {}
        self._kept: dict[int, set[int]] = {}
        self._apart: dict[int, set[int]] = {}
        self._values = {node: {node} for node in steps.values.of_node}
        self.refused: list[tuple[int, str]] = []
        self._met: dict[tuple[int, int], tuple[float, int]] = {}
        for a, b in zip(*(side.tolist() for side in steps.apart), strict=True):
            self._apart.setdefault(a, set()).add(b)
            self._apart.setdefault(b, set()).add(a)
        for node in self._apart:
            self._kept[node] = {node}
        walked = steps.is_walked[steps.own[0]]
        for node, first in zip(*(side[walked].tolist() for side in steps.own), strict=True):
            self._people.setdefault(node, set()).add(int(steps.person[node]))
            self._join(first, node)
        self.refused_together = [
            not self._try(a, b, may_meet=True) for a, b in zip(*(s.tolist() for s in steps.together), strict=True)
        ]
        for at, (a, b) in enumerate(zip(steps.record.tolist(), steps.value.tolist(), strict=True)):
            if not self._try(a, b, may_meet=False):
                self._refuse(at, a, b)

    def asked(self) -> list[tuple[int, int, float, bool]]:
        """(person, other person, weight of the strongest link that met both, whether both carry its value)."""
        s = self._steps
        carried = set(zip(s.value.tolist(), s.person[s.record].tolist(), strict=True))
        return [
            (a, b, weight, (value, a) in carried and (value, b) in carried)
            for (a, b), (weight, value) in sorted(self._met.items())
        ]

    def _root(self, node: int) -> int:
        parent = self._parent
        while (up := parent.get(node, node)) != node:
            parent[node] = parent.get(up, up)
            node = up
        return node

    def _join(self, a: int, b: int) -> None:
        a, b = self._root(a), self._root(b)
        if a != b:
            self._parent[b] = a
            for held in (self._people, self._kept, self._values):
                if b in held:
                    held.setdefault(a, set()).update(held.pop(b))

    def _try(self, a: int, b: int, *, may_meet: bool) -> bool:
        """Join two groups unless they must not be; `may_meet`: different people may."""
        x, y = self._root(a), self._root(b)
        if x == y:
            return True
        if self._is_kept_apart(x, y) or not (may_meet or self._may_meet(x, y)):
            return False
        if not may_meet and self._exceeded(x, y):
            return False
        self._join(x, y)
        return True

    def _is_kept_apart(self, x: int, y: int) -> bool:
        others = self._kept.get(y, set())
        return any(self._apart[node] & others for node in self._kept.get(x, ()))

    def _exceeded(self, x: int, y: int) -> str | None:
        mine, others = self._values.get(x), self._values.get(y)
        return self._steps.values.exceeded(mine | others) if mine and others else None

    def _meeting(self, x: int, y: int) -> list[tuple[int, int]]:
        """All pairs of different people of two groups."""
        people = self._people.get(x, ()), self._people.get(y, ())
        return sorted((min(a, b), max(a, b)) for a in people[0] for b in people[1] if a != b)

    def _may_meet(self, x: int, y: int) -> bool:
        return all(self._verdicts.get(pair, TOLD_APART) is None for pair in self._meeting(x, y))

    def _refuse(self, at: int, a: int, b: int) -> None:
        x, y = self._root(a), self._root(b)
        if self._is_kept_apart(x, y):
            self.refused.append((at, KEPT_APART))
            return
        pairs = self._meeting(x, y)
        told = [why for pair in pairs if (why := self._verdicts.get(pair, TOLD_APART))]
        self.refused.append((at, told[0] if told else self._exceeded(x, y) or TOLD_APART))
        for pair in pairs:
            self._met.setdefault(pair, (float(self._steps.weight[at]), b))
