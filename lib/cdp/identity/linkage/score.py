"""The weight of a pair: log2 odds that its records are one person, prior and the frequency of values included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.compare_names import INITIAL
from cdp.identity.linkage.fields import Field
from cdp.identity.linkage.frequencies import Frequency
from cdp.identity.linkage.levels import Levels, Rows
from cdp.identity.linkage.model import KINDS, LinkModel
from cdp.identity.linkage.parts import IDENTIFIERS, Part, Parts

Bits = npt.NDArray[np.float32]
#: The least mean probability of the pairs that are taken to be one person.
PRECISION_AIM = 0.965
#: The same where the aim would leave less than a quarter of them.
LEAST_PRECISION = 0.9
_CHUNK = 500_000  # pairs scored at once
LEAST, MOST = -20.0, 40.0  # bits; a probability is 1 in floating point long before


@dataclass(frozen=True)
class Scorer:
    """All that scoring a pair needs.

    people: for each identifier the least number of people behind each value. frequencies: of the values of each part
    that weighs by them. initial_bits: the most that an initial says, see :func:`bits_of_an_initial`.
    """

    fields: list[Field]
    parts: Parts
    model: LinkModel
    people: Mapping[str, npt.NDArray[np.int64]]
    frequencies: Mapping[str, Frequency]
    initial_bits: float


def pair_bits(scorer: Scorer, levels: Levels, left: Rows, right: Rows) -> Bits:
    """(kinds, pairs, fields): log2 of how much better than strangers each kind of pair explains each field.

    The kinds are one person, one household, one place, one origin; 0 where a field says nothing.
    """
    rates = scorer.model.rates
    bits = np.zeros((len(KINDS) - 1, len(left), len(scorer.fields)), np.float32)
    for at, field in enumerate(scorer.fields):
        level = levels[:, at]
        against = _against(scorer, at, level, left, right)
        stranger = _logs(rates["stranger"][at])[level]
        evidence = _logs(rates["same"][at])[level] - against
        # a plain difference never speaks for one person, nor full agreement against
        evidence = np.where(level == 1, np.maximum(evidence, 0), evidence)
        evidence = np.where(_is_plain(field, level), np.minimum(evidence, 0), evidence)
        if field.name == "given name":
            evidence[level == INITIAL] = np.minimum(evidence[level == INITIAL], scorer.initial_bits)
        bits[0, :, at] = _capped_by_people(scorer, field, level, evidence, left, right)
        taken = evidence - bits[0, :, at]  # from every kind: what several people share tells none of them
        for kind, is_shared in ((1, field.shared_at_home), (2, field.shared_nearby), (3, False)):
            bits[kind, :, at] = _logs(rates[KINDS[kind]][at])[level] - (against if is_shared else stranger) - taken
    return bits


def weights(model: LinkModel, totals: Bits) -> Bits:
    """The weight of pairs (of records or of groups) from the bits of each kind, added over the fields."""
    return np.clip(_odds(model, totals[0], "same") - shared_bits(model, totals), LEAST, MOST).astype(np.float32)


def score_in_chunks(scorer: Scorer, levels: Levels, left: Rows, right: Rows) -> Bits:
    """Weights of all pairs, a bounded number at a time."""
    chunks = [
        weights(
            scorer.model,
            pair_bits(scorer, levels[at : at + _CHUNK], left[at : at + _CHUNK], right[at : at + _CHUNK]).sum(axis=2),
        )
        for at in range(0, max(len(left), 1), _CHUNK)
    ]
    return np.concatenate(chunks)


def shared_bits(model: LinkModel, totals: Bits) -> Bits:
    """What is taken away from the evidence because one household, place or origin explains it too."""
    other = np.zeros_like(totals[0])  # strangers
    for at, kind in enumerate(KINDS[1:-1], 1):
        other = np.logaddexp2(other, _odds(model, totals[at], kind))
    return other.astype(np.float32)


def threshold(weight: Bits) -> float:
    """The weight above which pairs are taken to be one person: 0 (even odds), or as much more as precision asks for.

    The least weight from 0 on above which the probabilities of all pairs have a mean of PRECISION_AIM: where the fields
    tell little and many pairs are doubtful, it rises by itself. Where it would leave less than a quarter of the
    people's pairs that are likelier so than not, the mean may fall to LEAST_PRECISION to keep that: where all are of
    one doubt, none would be left. It comes of the model's own probabilities alone.
    """
    likely = np.sort(weight[weight > 0].astype(float))[::-1]
    if not len(likely):
        return 0.0
    expected = np.cumsum(1 / (1 + np.exp2(-likely)))
    mean = expected / np.arange(1, len(likely) + 1)  # falls with every pair
    by_aim, at_least = (np.append(likely, 0.0)[np.count_nonzero(mean >= p)] for p in (PRECISION_AIM, LEAST_PRECISION))
    quarter = likely[np.searchsorted(expected, expected[-1] / 4)]
    return float(min(by_aim, max(at_least, likely[likely < quarter].max(initial=0.0))))


def _odds(model: LinkModel, bits: Bits, kind: str) -> Bits:
    return bits + np.float32(np.log2(max(model.shares[kind], 1e-30) / model.shares["stranger"]))


def _is_plain(field: Field, level: Levels) -> npt.NDArray[np.bool_]:
    return level >= len(field.levels) - (1 if field.name == "birth date" else 0)


def _logs(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logs = np.log2(table)
    logs[0] = 0.0
    return logs


def _against(scorer: Scorer, at: int, level: Levels, left: Rows, right: Rows) -> npt.NDArray[np.float64]:
    """Log2 of the chance that two strangers agree as this pair does, by its own value where a value is shared.

    So two records alone with a rare name get much, two of many Smiths little; where two values are only close the
    more common one counts. The frequencies are those among all who are not one person; strangers agree so much less
    often on any value as they do on all.
    """
    field, table = scorer.fields[at], scorer.model.rates["stranger"][at]
    usually = usual_rates(scorer.model, at)
    result = _logs(table)[level]
    for number, name in field.frequency.items():
        part = scorer.parts.get(name)
        hit = np.flatnonzero(level == number)
        if part is None or name in IDENTIFIERS or not len(hit):
            continue
        usual = usually[1 if field.frequency.get(1) == name else number]
        chances = np.log2(chance_of(scorer.frequencies[name], usual))
        a, b = part.first[left[hit]], part.first[right[hit]]
        own = np.maximum(chances[a], chances[b]) + np.log2(table[number] / usual)
        result[hit] = np.where((a >= 0) & (b >= 0), own, result[hit])
    return result


def usual_rates(model: LinkModel, at: int) -> npt.NDArray[np.float64]:
    """How often two records that are not one person have each level of a field, whatever kind of pair they are."""
    others = [kind for kind in KINDS if kind != "same"]
    return np.average([model.rates[kind][at] for kind in others], axis=0, weights=[model.shares[k] for k in others])


def bits_of_an_initial(given: Part) -> float:
    """The most that an initial says for one person: that two given names begin alike; where few records have mere
    initials, what was learned of them is learned from those few."""
    letters = given.of_values("first letter", lambda name: ord(name[0]))
    share = np.bincount(letters, weights=given.counts) / max(int(given.counts.sum()), 1)
    return float(-np.log2((share**2).sum()))


def chance_of(seen: Frequency, usual: float) -> npt.NDArray[np.float64]:
    """The chance that another person's record has each value, from how many records have it.

    (k - 2 + 1) / (N + 1/q): the other records with the value, and a prior of one observation at q, the lesser of
    the usual chance of agreement and one over the number of values.
    """
    q = min(usual, 1 / max(seen.n_values, 1))
    return (np.maximum(seen.counts - 2, 0) + 1) / (seen.n_held + 1 / q)


def _capped_by_people(
    scorer: Scorer, field: Field, level: Levels, evidence: npt.NDArray[np.float64], left: Rows, right: Rows
) -> npt.NDArray[np.float64]:
    """An identifier that n people share says no more than 1 to n - 1 that two of its records are one of them."""
    name = field.frequency.get(1, "")
    if name not in scorer.people:
        return evidence
    people, part = scorer.people[name], scorer.parts[name]
    hit = np.flatnonzero(level == 1)
    n_people = np.zeros(len(hit), np.int64)
    for i in range(part.codes.shape[1]):
        for j in range(part.codes.shape[1]):
            a, b = part.codes[left[hit], i], part.codes[right[hit], j]
            here = np.where((a == b) & (a >= 0), people[a], np.iinfo(np.int64).max)
            n_people = here if i == j == 0 else np.minimum(n_people, here)
    most = -scorer.model.prior_bits - np.log2(np.maximum(n_people - 1, 1))
    result = evidence.copy()
    result[hit] = np.where(n_people > 1, np.minimum(evidence[hit], most), evidence[hit])
    return result
