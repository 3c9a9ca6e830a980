"""What agreement is worth, learned without labels: a mixture of five kinds of pairs, fitted by EM on counted patterns.

A pair of records is of one person (`same`), of two people of one household (`home`), of two strangers of one place
or circle (`nearby`), of two strangers of one origin (`origin`), or of two strangers (`stranger`). The household kind
may agree on family name, address, phone and the like as often as it wants, the nearby kind on what tells the place;
but on given name, birth date and personal numbers both agree only as strangers or relatives do. People of one language
or fashion have given names, family names and regions in common far more often than the product of their chances, each
a little: where the fields are few, such namesakes would else be taken for people. So what a household, a town or a
language shares is not taken for evidence of one person, though the fields are counted as if they were independent
(Fellegi and Sunter 1969; Winkler 1988 for EM and 1993 for bounds on it; more classes than two after Larsen and Rubin
2001).

Candidates are counted as they are. All other pairs are represented by random ones, weighted up: then the shares of
the classes are shares of all pairs, and the prior needs no tuning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.bounds import (
    OF_ONE_ORIGIN,
    ORIGIN,
    at_least_as_different,
    at_most_half,
    held,
    of_one_origin,
    of_relatives,
)
from cdp.identity.linkage.fields import Field
from cdp.identity.linkage.levels import Levels

Floats = npt.NDArray[np.float64]
_ROUNDS, _TOLERANCE = 300, 1e-3  # a change of 0.1% of any rate
_PRIOR_PAIRS = 20.0  # made-up pairs with typical agreement, so that a rare level of a small file gets sane odds
# Households are expected in any file: many made-up pairs keep what they share sane where the file has few of them, and
# they have at least a fifth as many pairs as people have.
_PRIOR_PAIRS_AT_HOME, _LEAST_HOME = 100.0, 0.2
_LEAST_PAIRS = 0.5  # strangers a level, so that what never happened is not impossible
_FAINT = 1e-9
# Of all pairs that agree on an identifier at most so many are strangers: with nothing else to compare the data alone
# could not tell whether everybody or nobody with one number is one person.
_STRANGERS_WITH_ONE_IDENTIFIER = 0.02
KINDS = ("same", "home", "nearby", "origin", "stranger")


@dataclass(frozen=True)
class Patterns:
    """Counted comparison patterns: levels (patterns, fields), n pairs each, and whether they are candidates."""

    levels: Levels
    n: Floats
    is_candidate: npt.NDArray[np.bool_]


Tables = tuple[Floats, ...]


@dataclass(frozen=True)
class LinkModel:
    """The fitted mixture.

    rates: for each of KINDS and each field the probability of each level (index 0 is null, which says nothing: 1).
    shares: of all pairs, by kind. rounds: until EM stood still; warnings: what looks absurd.
    """

    fields: tuple[str, ...]
    level_names: tuple[tuple[str, ...], ...]
    rates: Mapping[str, Tables]
    shares: Mapping[str, float]
    rounds: int
    warnings: tuple[str, ...]

    @property
    def prior_bits(self) -> float:
        """Log2 odds that two records taken at random are one person."""
        return float(np.log2(self.shares["same"] / (1 - self.shares["same"])))


def count_patterns(levels: Levels, weight: float, is_candidate: bool) -> Patterns:
    """Count equal rows of levels; every pair stands for `weight` pairs."""
    if not len(levels):
        return Patterns(levels, np.empty(0), np.empty(0, bool))
    packed = np.ascontiguousarray(levels).view(np.dtype((np.void, levels.shape[1]))).ravel()
    _, first, n = np.unique(packed, return_index=True, return_counts=True)
    return Patterns(levels[first], (n * weight).astype(np.float64), np.full(len(n), is_candidate))


def join_patterns(*several: Patterns) -> Patterns:
    """Patterns one below the other."""
    return Patterns(np.concatenate([p.levels for p in several]), np.concatenate([p.n for p in several]),
                    np.concatenate([p.is_candidate for p in several]))  # fmt: skip


def fit(fields: list[Field], patterns: Patterns, n_records: int) -> LinkModel:
    """Fit the mixture; pairs outside the candidates are strangers, nearby or not."""
    total = max(float(patterns.n.sum()), 1.0)
    stranger = [_shares(patterns, patterns.n * ~patterns.is_candidate, at, field) for at, field in enumerate(fields)]
    typical = [_typical("same", field) for field in fields]
    rates = {
        "same": typical,
        "home": [
            _typical("home", f) if f.shared_at_home else of_relatives(f, s)
            for f, s in zip(fields, stranger, strict=True)
        ],
        "nearby": [t if f.shared_nearby else s for f, t, s in zip(fields, typical, stranger, strict=True)],
        "origin": [of_one_origin(f, s) for f, s in zip(fields, stranger, strict=True)],
        "stranger": stranger,
    }
    few = min(0.5 * max(n_records, 1) / total, 0.2)
    # with identifiers alone families and colleagues cannot be told from people: a shared one is a person's
    others = (0.0, 0.0) if all(f.is_identifier for f in fields) else (few, 0.01)
    # by names alone it cannot be told from the kind of one person
    origin = OF_ONE_ORIGIN if {f.name for f in fields} > set(ORIGIN[:2]) else 0.0
    shares = {"same": few, "home": others[0], "nearby": others[1], "origin": origin,
              "stranger": 1 - few - sum(others) - origin}  # fmt: skip
    rates, shares, rounds = _climb(fields, patterns, rates, shares)
    warnings = _warnings(fields, rates, shares["same"] * total, n_records, rounds)
    tables = {kind: tuple(of_kind) for kind, of_kind in rates.items()}
    levels = tuple(field.levels for field in fields)
    return LinkModel(tuple(field.name for field in fields), levels, tables, shares, rounds, tuple(warnings))


def _climb(
    fields: list[Field], patterns: Patterns, rates: dict[str, list[Floats]], shares: dict[str, float]
) -> tuple[dict[str, list[Floats]], dict[str, float], int]:
    """Rounds of EM until no rate and not the prior changes; a kind whose share is 0 stays out."""
    total = float(patterns.n.sum())
    last = np.full(1, np.inf)
    for done in range(1, _ROUNDS + 1):
        n_of = {kind: patterns.n * p for kind, p in _posteriors(patterns, rates, shares).items()}
        shares = {
            kind: float((n.sum() + 1) / (total + len(KINDS))) if shares[kind] else 0.0 for kind, n in n_of.items()
        }
        if shares["home"]:
            shares["home"] = max(shares["home"], _LEAST_HOME * shares["same"])
        shares |= at_most_half(shares["origin"], shares["stranger"])
        rates = {kind: [_rate(kind, patterns, n_of, at, f) for at, f in enumerate(fields)] for kind in KINDS}
        if _tell_people_apart(fields):
            rates["home"] = [
                at_least_as_different(home, same, field) if field.shared_at_home else home
                for home, same, field in zip(rates["home"], rates["same"], fields, strict=True)
            ]
        now = np.concatenate([[np.log(shares["same"])], *[np.log(s[1:]) for s in rates["same"]]])
        if len(now) == len(last) and np.abs(now - last).max() < _TOLERANCE:
            return rates, shares, done
        last = now
    return rates, shares, _ROUNDS


def _rate(kind: str, patterns: Patterns, n_of: Mapping[str, Floats], at: int, field: Field) -> Floats:
    """The rates of one field for one kind of pair: learned where they are its own, else those of strangers."""
    prior = _typical(kind, field) * (_PRIOR_PAIRS_AT_HOME if kind == "home" else _PRIOR_PAIRS)
    if kind == "same" and _is_alone(patterns, field):
        return _typical("same", field)
    if kind == "same":
        return held(_shares(patterns, n_of["same"], at, field, prior), field, field.most_different)
    if kind == "home" and field.shared_at_home:
        shares = held(_shares(patterns, n_of["home"], at, field, prior), field, field.most_different_at_home)
        return (1 - field.typical_homes) * shares + field.typical_homes * _typical("home", field)
    if kind == "nearby" and field.shared_nearby:
        return _shares(patterns, n_of[kind], at, field, prior)
    if kind == "origin" and field.name in ORIGIN:
        return _shares(patterns, n_of[kind], at, field)
    # what strangers do, learned from all who are not one person but share nothing of this field by their kind
    n = n_of["stranger"] + (0 if field.shared_nearby else n_of["nearby"])
    n = n + (0 if field.name in ORIGIN else n_of["origin"])
    stranger = _shares(patterns, n, at, field)
    if field.is_identifier:
        agree = patterns.n[patterns.levels[:, at] == 1].sum() / max(patterns.n[patterns.levels[:, at] > 0].sum(), 1)
        stranger[1] = min(stranger[1], max(_STRANGERS_WITH_ONE_IDENTIFIER * agree, _FAINT))
    return of_relatives(field, stranger) if kind == "home" else stranger


def _typical(kind: str, field: Field) -> Floats:
    """How pairs of this kind typically agree, before any are seen."""
    at_home = field.typical_at_home if kind == "home" else None
    return np.array([1.0, *(at_home or field.typical)])


def _tell_people_apart(fields: list[Field]) -> bool:
    """Whether a field is there that two people of one household seldom agree on."""
    return any(f.name in ("given name", "birth date", "national id") for f in fields)


def _is_alone(patterns: Patterns, field: Field) -> bool:
    """Whether there is no other field: then nothing but what is typical can tell one person's pairs from strangers'."""
    return patterns.levels.shape[1] == 1 and not field.is_identifier


def _shares(patterns: Patterns, n: Floats, at: int, field: Field, prior: Floats | float = _LEAST_PAIRS) -> Floats:
    """The share of each level among pairs that are not null there."""
    counts = np.bincount(patterns.levels[:, at], weights=n, minlength=len(field.levels) + 1).astype(float)
    counts[0] = 0
    counts = counts + prior
    counts[0] = 0
    total = counts.sum()
    shares = counts / total if total else np.full(len(counts), 1 / (len(counts) - 1))
    shares = np.maximum(shares, _FAINT)
    shares[0] = 1.0
    return shares


def _posteriors(
    patterns: Patterns, rates: Mapping[str, list[Floats]], shares: Mapping[str, float]
) -> dict[str, Floats]:
    """The probability of each kind for each pattern."""
    logs = {kind: np.log(max(shares[kind], 1e-300)) + _log_sum(patterns.levels, rates[kind]) for kind in KINDS}
    for kind in ("same", "home"):
        logs[kind] = np.where(patterns.is_candidate, logs[kind], -np.inf)
    top = np.maximum.reduce(list(logs.values()))
    odds = {kind: np.exp(values - top) for kind, values in logs.items()}
    whole = sum(odds.values())
    return {kind: values / whole for kind, values in odds.items()}


def _log_sum(levels: Levels, tables: list[Floats]) -> Floats:
    total = np.zeros(len(levels))
    for at, table in enumerate(tables):
        logs = np.log(table)
        logs[0] = 0.0
        total += logs[levels[:, at]]
    return total


def _warnings(
    fields: list[Field], rates: Mapping[str, list[Floats]], matches: float, n_records: int, rounds: int
) -> list[str]:
    told = []
    if not _tell_people_apart(fields):
        told.append("no given name, birth date or national id: members of one household cannot be told apart")
    if len(fields) == 1 and not fields[0].is_identifier:
        told.append(f"{fields[0].name} is all that the records tell: hardly anybody is known by it alone")
    if rounds >= _ROUNDS:
        told.append(f"learning did not settle in {_ROUNDS} rounds: the fields may be too few to tell people apart")
    if matches > 20 * max(n_records, 1):
        told.append(f"{matches:,.0f} pairs look like one person among {n_records:,} records: is a field filled with "
                    "one value, or typed wrongly?")  # fmt: skip
    for field, same, stranger in zip(fields, rates["same"], rates["stranger"], strict=True):
        if same[1] < 0.5 * stranger[1]:
            told.append(f"agreement on {field.name} speaks against one person: check its type")
    return told
