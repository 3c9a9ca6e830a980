"""The weighed pairs of a run: of records that earlier runs scored only what is new is compared.

Pairs that weigh next to nothing are counted and forgotten. What a run learned holds until the fields, the blocking
keys or more than MOST_CHANGED of the records are others; then all pairs are looked at again. Until then a pair of
records that are as they were weighs what it weighed, and the blocks that hold it are asked again each time: a block
that outgrew the cap gives back no pair that it alone proposed, one that shrank below it is paired whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.blocking import Key, block_keys, choose_rules
from cdp.identity.linkage.fields import Field, fields_for
from cdp.identity.linkage.frequencies import Marks, count_values, mark_records, mark_values
from cdp.identity.linkage.learned import Learned, Rules, compare_in_chunks, count_all
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.model import Patterns, fit
from cdp.identity.linkage.pairs import Blocks, Mask, blocks_of, propose_pairs
from cdp.identity.linkage.parts import Parts
from cdp.identity.linkage.score import Bits, Scorer, bits_of_an_initial, score_in_chunks

#: Bits; a pair that weighs less decides nothing: fewer than 1 of 1,000 such pairs are of one person.
FAINTEST = -10.0
#: Of all records this share may be new, gone or other than they were before the model is learned anew.
MOST_CHANGED = 0.1


@dataclass(frozen=True)
class Pairs:
    """Weighed pairs of records, each once, with left < right."""

    left: Rows
    right: Rows
    weight: Bits

    def at(self, which: Mask | Rows) -> Pairs:
        """Some of them."""
        return Pairs(self.left[which], self.right[which], self.weight[which])


@dataclass(frozen=True)
class Past:
    """What earlier runs found, by the numbers of today's records.

    marks: of each record when it was last scored, 0 for a new one. is_basis: whether it was among those that the model
    was learned from, as it was when last scored. capped: (records, rules), whether it was in a block above the cap.
    pairs: those that weighed FAINTEST and more, of records that are there today.
    """

    learned: Learned
    marks: Marks
    is_basis: Mask
    capped: Mask
    pairs: Pairs


@dataclass(frozen=True)
class Weighed:
    """The pairs that weigh FAINTEST and more, in order, and all that weighed them.

    hits: in how many blocks the records of a pair meet. n_scored: pairs that this run compared. is_anew: whether it
    learned anew. is_basis: which records are as they were when the model was learned. passed_over: rules that were too
    dear, where the run chose any.
    """

    scorer: Scorer
    learned: Learned
    blocks: list[Blocks]
    pairs: Pairs
    hits: npt.NDArray[np.int16]
    n_scored: int
    is_anew: bool
    marks: Marks
    is_basis: Mask
    passed_over: list[str]


def weigh_candidates(
    parts: Parts, people: Mapping[str, npt.NDArray[np.int64]], twin: Rows, nicknames: Mapping[str, str],
    past: Past | None, secret: bytes, start_stage: Callable[[str], None],
) -> Weighed:  # fmt: skip
    """Find and weigh the pairs of the records, by what was learned before or, where that is due, by what is now.

    people: see Scorer; twin: for each record the first one that equals it; secret: keys the marks. start_stage is told
    what begins.
    """
    n_records = len(twin)
    fields, marks = fields_for(parts, nicknames), mark_values(parts, secret)
    start_stage("block")
    keys = block_keys(parts, nicknames)
    of_records = mark_records(n_records, parts, people, marks)
    is_same = np.zeros(n_records, bool) if past is None else past.marks == of_records
    if past is not None and is_due(past, is_same, fields, keys):
        past = None
    rules, passed_over = choose_rules(keys, n_records) if past is None else (past.learned.rules, [])
    blocks = blocks_of(keys, rules)
    asked = past.capped | ~is_same[:, None] if past else np.ones((n_records, len(blocks)), bool)
    left, right = propose_pairs(blocks, asked)
    start_stage("compare")
    levels = compare_in_chunks(fields, parts, left, right)
    if past is None:
        counted = count_all(fields, parts, left, right, levels, twin)
        start_stage("learn")
        learned = _learn(fields, parts, marks, rules, counted, n_records)
    else:
        learned = past.learned
    start_stage("score")
    frequencies = {name: kept.among(marks[name]) for name, kept in learned.frequencies.items()}
    scorer = Scorer(fields, parts, learned.model, people, frequencies, learned.initial_bits)
    pairs = Pairs(left, right, score_in_chunks(scorer, levels, left, right))
    near, hits = _that_meet(blocks, pairs if past is None else _with_known(past, is_same, pairs))
    is_basis = np.ones(n_records, bool) if past is None else past.is_basis & is_same
    return Weighed(scorer, learned, blocks, near, hits, len(left), past is None, of_records, is_basis, passed_over)


def is_due(past: Past, is_same: Mask, fields: list[Field], keys: Mapping[str, list[Key]]) -> bool:
    """Whether it is time to learn anew: for other fields or keys, or because too many records are not as they were."""
    model, n_records = past.learned.model, max(len(is_same), past.learned.n_records)
    if model.fields != tuple(f.name for f in fields) or model.level_names != tuple(f.levels for f in fields):
        return True
    if not all(name in keys for names in past.learned.rules for name in names):
        return True
    return n_records - int((is_same & past.is_basis).sum()) > MOST_CHANGED * n_records


def _learn(
    fields: list[Field], parts: Parts, marks: Mapping[str, Marks], rules: Rules, counted: Patterns, n_records: int
) -> Learned:
    initial_bits = bits_of_an_initial(parts["given"]) if "given" in parts else 0.0
    return Learned(fit(fields, counted, n_records), rules, count_values(parts, marks), initial_bits, n_records)


def _with_known(past: Past, is_same: Mask, new: Pairs) -> Pairs:
    """The pairs of this run and those that past ones scored of records that are as they were, in order."""
    old = past.pairs.at(is_same[past.pairs.left] & is_same[past.pairs.right])
    left, right = np.concatenate([new.left, old.left]), np.concatenate([new.right, old.right])
    first = np.unique(left * len(is_same) + right, return_index=True)[1]
    return Pairs(left, right, np.concatenate([new.weight, old.weight])).at(first)


def _that_meet(blocks: list[Blocks], pairs: Pairs) -> tuple[Pairs, npt.NDArray[np.int16]]:
    """The pairs that weigh something and meet in a block today, and in how many blocks each does."""
    near = pairs.at(pairs.weight >= FAINTEST)
    hits = np.zeros(len(near.left), np.int16)
    for rule in blocks:
        hits += rule.meet(near.left, near.right)
    return near.at(hits > 0), hits[hits > 0]
