"""The engine in one go: normal parts, candidate pairs, learned weights, people, households."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.blocking import Candidates, propose_pairs
from cdp.identity.linkage.clusters import Clustering, cluster_records, join_equals
from cdp.identity.linkage.fields import Field, compare_pairs, fields_for
from cdp.identity.linkage.homes import household_labels
from cdp.identity.linkage.levels import Levels, Rows
from cdp.identity.linkage.model import LinkModel, Patterns, count_patterns, fit, join_patterns
from cdp.identity.linkage.parts import IDENTIFIERS, Parts, build_parts
from cdp.identity.linkage.policy import Refusals, days_of, refused_pairs
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.linkage.score import LEAST, Scorer, pair_bits, threshold, weights
from cdp.identity.linkage.shared_values import GenericValue, drop_generic
from cdp.identity.rules import GenericPattern, Policy

_CHUNK = 500_000  # pairs compared at once: some 200 MB
_RANDOM_PAIRS = 400_000  # outside the candidates; a level that one pair in 10,000 has is then known to 15%
_SEED = 20
_PERSONAL = ("given", "family", "birth_date", *IDENTIFIERS)
_NEVER = -1e6  # bits: no mean over a group's pairs outweighs it
_NO_PAIRS: tuple[Rows, Rows] = (np.empty(0, np.int64), np.empty(0, np.int64))
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Linked:
    """All that the engine found; records are numbered in the order of the frame.

    refused: place among the scored pairs of `clusters` -> the rule of policy that keeps the people of both apart, of
    pairs that alone speak for one person.
    """

    fields: list[Field]
    parts: Parts
    scorer: Scorer
    model: LinkModel
    candidates: Candidates
    levels: Levels
    weight: npt.NDArray[np.float32]
    threshold: float
    clusters: Clustering
    household: Rows
    generic: list[GenericValue]
    refusals: Refusals
    refused: dict[int, str]
    seconds: dict[str, float]

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
) -> Linked:  # fmt: skip
    """Tell who is who among the records of a frame of text (None is null), sorted by source and record id.

    least_bits: the least weight that makes two records one person, where a false merge costs more than a missed one.
    apart: pairs of records, by number, that are two people whatever they tell. policy: what else never is one person.
    """
    clock = _Clock(progress)
    clock.start("normalise")
    parts, generic, people = drop_generic(build_parts(frame, schema), nicknames, patterns)
    fields = fields_for(parts, nicknames)
    clock.start("block")
    found = propose_pairs(parts, len(frame), nicknames)
    clock.start("compare")
    levels = compare_in_chunks(fields, parts, found.left, found.right)
    twin = _first_equals(parts, len(frame))
    counted = _count_all(fields, parts, found, levels, twin)
    clock.start("learn")
    model = fit(fields, counted, len(frame))
    clock.start("score")
    scorer = Scorer(fields, parts, model, people)
    weight = score_in_chunks(scorer, levels, found.left, found.right)
    stop = max(threshold(weight), least_bits)
    is_apart = _membership(apart, len(frame))
    weight[is_apart(found.left, found.right)] = LEAST
    clock.start("cluster")
    refusals = Refusals(policy, parts, _days_of_records(frame, schema))

    def bits_of(left: Rows, right: Rows) -> npt.NDArray[np.float32]:
        bits = pair_bits(scorer, compare_in_chunks(fields, parts, left, right), left, right)
        if len(apart[0]):
            bits[0, is_apart(left, right), 0] = _NEVER
        return bits

    is_set = np.array([f.is_identifier and f.name != "national id" for f in fields], bool)
    clusters = cluster_records(len(frame), found.left, found.right, weight, bits_of,
                               lambda bits: weights(model, bits), is_set, refusals, stop=stop)  # fmt: skip
    is_sure = _are_enough(twin, lambda a: weights(model, bits_of(a, a).sum(axis=2)) > stop)
    clusters = join_equals(clusters, twin, is_sure & ~np.isin(np.arange(len(frame)), np.concatenate(apart)))
    household = household_labels(parts, clusters.label)
    refused = _refused(refusals, clusters, stop)
    clock.start("")
    return Linked(fields, parts, scorer, model, found, levels, weight, stop, clusters, household, generic, refusals,
                  refused, clock.seconds)  # fmt: skip


def _days_of_records(frame: pd.DataFrame, schema: RecordSchema) -> npt.NDArray[np.int64]:
    if schema.updated_at is None:
        return np.full(len(frame), -1, np.int64)
    return days_of(frame[schema.updated_at].to_numpy(object))


def _refused(refusals: Refusals, clusters: Clustering, stop: float) -> dict[int, str]:
    at = np.flatnonzero((clusters.weight > stop) & (clusters.label[clusters.left] != clusters.label[clusters.right]))
    rules = refused_pairs(refusals, clusters.label, clusters.left[at], clusters.right[at])
    return {int(k): rule for k, rule in zip(at, rules, strict=True) if rule}


def compare_in_chunks(fields: list[Field], parts: Parts, left: Rows, right: Rows) -> Levels:
    """Levels of all pairs, a bounded number at a time."""
    chunks = [compare_pairs(fields, parts, left[at : at + _CHUNK], right[at : at + _CHUNK])
              for at in range(0, max(len(left), 1), _CHUNK)]  # fmt: skip
    return np.concatenate(chunks)


def score_in_chunks(scorer: Scorer, levels: Levels, left: Rows, right: Rows) -> npt.NDArray[np.float32]:
    """Weights of all pairs, a bounded number at a time."""
    chunks = [
        weights(
            scorer.model,
            pair_bits(scorer, levels[at : at + _CHUNK], left[at : at + _CHUNK], right[at : at + _CHUNK]).sum(axis=2),
        )
        for at in range(0, max(len(left), 1), _CHUNK)
    ]
    return np.concatenate(chunks)


def _membership(pairs: tuple[Rows, Rows], n_records: int) -> Callable[[Rows, Rows], npt.NDArray[np.bool_]]:
    """The function that tells which of other pairs are among these, in either order."""

    def keys(left: Rows, right: Rows) -> Rows:
        return np.minimum(left, right) * n_records + np.maximum(left, right)

    known = np.unique(keys(*pairs))
    return lambda left, right: np.isin(keys(left, right), known)


def _first_equals(parts: Parts, n_records: int) -> Rows:
    """The first record that equals each one in all parts."""
    if not parts or not n_records:
        return np.arange(n_records)
    table = np.ascontiguousarray(np.concatenate([part.codes for part in parts.values()], axis=1))
    packed = table.view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    return first[group].astype(np.int64)


def _are_enough(twin: Rows, is_enough: Callable[[Rows], npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    """Whether what several equal records tell is enough to be one person."""
    firsts = np.flatnonzero(np.bincount(twin, minlength=len(twin)) > 1)
    enough = np.zeros(len(twin), bool)
    if len(firsts):
        enough[firsts] = is_enough(firsts)
    return enough[twin]


def _count_all(fields: list[Field], parts: Parts, found: Candidates, levels: Levels, twin: Rows) -> Patterns:
    """Patterns of the candidates as they are, and of all other pairs by a sample that stands for them.

    Pairs that no field can compare are left out: they are as likely one person as the pairs that tell are. So are
    records that are equal in everything (`twin`: the first of them) and too many for a block: no sample of strangers.
    Only where they tell next to nothing (a sex, a town) chance makes them equal.
    """
    n_records = len(twin)
    mine = count_patterns(levels, 1.0, is_candidate=True)
    n_all = n_records * (n_records - 1) // 2
    n_other = n_all - len(found.left)
    if n_other <= 0:
        return mine
    left, right = random_pairs(n_records)
    known = found.left * n_records + found.right
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
