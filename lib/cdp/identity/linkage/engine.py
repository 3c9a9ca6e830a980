"""The engine in one go: normal parts, candidate pairs, learned weights, people, households."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.candidates import Past, Weighed, weigh_candidates
from cdp.identity.linkage.clusters import Clustering, cluster_records, join_equals
from cdp.identity.linkage.fields import Field
from cdp.identity.linkage.homes import household_labels
from cdp.identity.linkage.learned import compare_in_chunks, first_equals
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.model import LinkModel
from cdp.identity.linkage.parts import Parts, build_parts
from cdp.identity.linkage.policy import Refusals, days_of, refused_pairs
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.linkage.score import LEAST, Scorer, pair_bits, threshold, weights
from cdp.identity.linkage.shared_values import GenericValue, drop_generic
from cdp.identity.rules import GenericPattern, Policy

_NEVER = -1e6  # bits: no mean over a group's pairs outweighs it
_NO_PAIRS: tuple[Rows, Rows] = (np.empty(0, np.int64), np.empty(0, np.int64))
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Linked:
    """All that the engine found; records are numbered in the order of the frame.

    refused: place among the scored pairs of `clusters` -> the rule of policy that keeps the people of both apart, of
    pairs that alone speak for one person.
    """

    weighed: Weighed
    threshold: float
    clusters: Clustering
    household: Rows
    generic: list[GenericValue]
    refusals: Refusals
    refused: dict[int, str]
    seconds: dict[str, float]

    @property
    def scorer(self) -> Scorer:
        """What weighs a pair."""
        return self.weighed.scorer

    @property
    def fields(self) -> list[Field]:
        """The fields that are compared."""
        return self.scorer.fields

    @property
    def parts(self) -> Parts:
        """The records, normal in form."""
        return self.scorer.parts

    @property
    def model(self) -> LinkModel:
        """What agreement is worth."""
        return self.scorer.model

    def totals_of(self, left: Rows, right: Rows) -> npt.NDArray[np.float32]:
        """(kinds, pairs): evidence of any pairs of records, added over the fields."""
        levels = compare_in_chunks(self.fields, self.parts, left, right)
        return pair_bits(self.scorer, levels, left, right).sum(axis=2)

    def weigh(self, totals: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Log2 odds of one person from evidence as of :meth:`totals_of`."""
        return weights(self.model, totals)


@dataclass
class _Clock:
    """Seconds by stage; a stage ends where the next begins."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def start(self, stage: str) -> None:
        now = time.monotonic()
        if self._stage:
            self.seconds[self._stage] = round(now - self._since, 3)
        self._stage, self._since = stage, now
        if stage:
            self.progress(stage)


def link_records(
    frame: pd.DataFrame, schema: RecordSchema, *, nicknames: Mapping[str, str],
    patterns: tuple[GenericPattern, ...] = (), progress: Progress = lambda _: None,
    least_bits: float = 0.0, apart: tuple[Rows, Rows] = _NO_PAIRS, policy: Policy = Policy(),
    past: Past | None = None, secret: bytes = b"",
) -> Linked:  # fmt: skip
    """Tell who is who among the records of a frame of text (None is null), sorted by source and record id.

    least_bits: the least weight that makes two records one person, where a false merge costs more than a missed one.
    apart: pairs of records, by number, that are two people whatever they tell. policy: what else never is one person.
    past: what earlier runs found, made with the same nicknames, patterns and secret; without it all pairs are scored.
    """
    clock = _Clock(progress)
    clock.start("normalise")
    n = len(frame)
    parts, generic, people = drop_generic(build_parts(frame, schema), nicknames, patterns)
    twin = first_equals(parts, n)
    weighed = weigh_candidates(parts, people, twin, nicknames, past, secret, clock.start)
    left, right, is_apart = weighed.pairs.left, weighed.pairs.right, _membership(apart, n)
    stop = max(threshold(weighed.pairs.weight), least_bits)
    weight = np.where(is_apart(left, right), np.float32(LEAST), weighed.pairs.weight)
    clock.start("cluster")
    scorer, model = weighed.scorer, weighed.scorer.model
    refusals = Refusals(policy, parts, _days_of_records(frame, schema))

    def bits_of(left: Rows, right: Rows) -> npt.NDArray[np.float32]:
        bits = pair_bits(scorer, compare_in_chunks(scorer.fields, parts, left, right), left, right)
        if len(apart[0]):
            bits[0, is_apart(left, right), 0] = _NEVER
        return bits

    is_set = np.array([f.is_identifier and f.name != "national id" for f in scorer.fields], bool)
    clusters = cluster_records(n, left, right, weight, bits_of,
                               lambda bits: weights(model, bits), is_set, refusals, stop=stop)  # fmt: skip
    is_sure = _are_enough(twin, lambda a: weights(model, bits_of(a, a).sum(axis=2)) > stop)
    is_free = ~np.isin(np.arange(n), np.concatenate(apart))
    clusters = join_equals(clusters, twin, is_sure & is_free, _may_join(clusters.label, apart, refusals))
    household = household_labels(parts, clusters.label)
    refused = _refused(refusals, clusters, stop)
    clock.start("")
    return Linked(weighed, stop, clusters, household, generic, refusals, refused, clock.seconds)


def _days_of_records(frame: pd.DataFrame, schema: RecordSchema) -> npt.NDArray[np.int64]:
    if schema.updated_at is None:
        return np.full(len(frame), -1, np.int64)
    return days_of(frame[schema.updated_at].to_numpy(object))


def _refused(refusals: Refusals, clusters: Clustering, stop: float) -> dict[int, str]:
    at = np.flatnonzero((clusters.weight > stop) & (clusters.label[clusters.left] != clusters.label[clusters.right]))
    rules = refused_pairs(refusals, clusters.label, clusters.left[at], clusters.right[at])
    return {int(k): rule for k, rule in zip(at, rules, strict=True) if rule}


def _membership(pairs: tuple[Rows, Rows], n_records: int) -> Callable[[Rows, Rows], npt.NDArray[np.bool_]]:
    """The function that tells which of other pairs are among these, in either order."""

    def keys(left: Rows, right: Rows) -> Rows:
        return np.minimum(left, right) * n_records + np.maximum(left, right)

    known = np.unique(keys(*pairs))
    return lambda left, right: np.isin(keys(left, right), known)


def _may_join(
    label: Rows, apart: tuple[Rows, Rows], refusals: Refusals
) -> Callable[[Rows, Rows], npt.NDArray[np.bool_]]:
    """The function that tells which people, named by their labels, neither a decision nor policy keeps apart."""
    is_apart = _membership((label[apart[0]], label[apart[1]]), len(label))

    def may_join(left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
        is_allowed = np.array([rule is None for rule in refused_pairs(refusals, label, left, right)], bool)
        return is_allowed & ~is_apart(left, right)

    return may_join


def _are_enough(twin: Rows, is_enough: Callable[[Rows], npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    """Whether what several equal records tell is enough to be one person."""
    firsts = np.flatnonzero(np.bincount(twin, minlength=len(twin)) > 1)
    enough = np.zeros(len(twin), bool)
    if len(firsts):
        enough[firsts] = is_enough(firsts)
    return enough[twin]
