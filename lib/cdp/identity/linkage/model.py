"""What agreement is worth, learned without labels: a mixture of three kinds of pairs, fitted by EM on counted patterns.

A pair of records is of one person, of two people of one household, or of two people who have nothing to do with each
other. The household kind may agree on family name, address, phone and the like as often as it wants, but on given
name, birth date and personal numbers only as strangers do; so what a household shares is not taken for evidence of
one person (Fellegi and Sunter 1969; Winkler 1988 for EM; the third class follows Larsen and Rubin 2001).

Candidates are counted as they are. All other pairs are represented by random ones, weighted up: then the shares of
the classes are shares of all pairs, and the prior needs no tuning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.compare import Field, Levels

Floats = npt.NDArray[np.float64]
_ROUNDS, _TOLERANCE = 200, 1e-5
_PRIOR_PAIRS = 20.0  # made-up pairs with typical agreement, so that a rare level of a small file gets sane odds
_LEAST_PAIRS = 0.5  # strangers a level, so that what never happened is not impossible
_FAINT = 1e-9
# Relatives share a given name or a birth date a little more often than strangers: father and son, twins.
_NAMESAKES, _TWINS = 0.004, 0.01


@dataclass(frozen=True)
class Patterns:
    """Counted comparison patterns: levels (patterns, fields), n pairs each, and whether they are candidates."""

    levels: Levels
    n: Floats
    is_candidate: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LinkModel:
    """The fitted mixture.

    same, home, stranger: per field the probability of each level (index 0 is unused: null says nothing) for the
    three kinds of pairs. share_same, share_home: of all pairs. rounds: until EM stood still; warnings: what looks
    absurd.
    """

    fields: tuple[str, ...]
    level_names: tuple[tuple[str, ...], ...]
    same: tuple[Floats, ...]
    home: tuple[Floats, ...]
    stranger: tuple[Floats, ...]
    share_same: float
    share_home: float
    rounds: int
    warnings: tuple[str, ...]

    @property
    def prior_bits(self) -> float:
        """Log2 odds that two records taken at random are one person."""
        return float(np.log2(self.share_same / (1 - self.share_same)))


def count_patterns(levels: Levels, weight: float, is_candidate: bool) -> Patterns:
    """Count equal rows of levels; every pair stands for `weight` pairs."""
    if not len(levels):
        return Patterns(levels, np.empty(0), np.empty(0, bool))
    packed = np.ascontiguousarray(levels).view(np.dtype((np.void, levels.shape[1]))).ravel()
    _, first, n = np.unique(packed, return_index=True, return_counts=True)
    return Patterns(levels[first], n * weight, np.full(len(n), is_candidate))


def join_patterns(*several: Patterns) -> Patterns:
    """Patterns one below the other."""
    return Patterns(np.concatenate([p.levels for p in several]), np.concatenate([p.n for p in several]),
                    np.concatenate([p.is_candidate for p in several]))  # fmt: skip


def fit(fields: list[Field], patterns: Patterns, n_records: int) -> LinkModel:
    """Fit the mixture; pairs outside the candidates are strangers."""
    typical = [np.array([1.0, *field.typical]) for field in fields]
    stranger = [_shares(patterns, patterns.n * ~patterns.is_candidate, at, field) for at, field in enumerate(fields)]
    home = [(_typical_home(field) if field.shared_at_home else s) for field, s in zip(fields, stranger, strict=True)]
    same = typical
    total = float(patterns.n.sum())
    share_same = share_home = min(0.5 * n_records / total, 0.2)
    rounds, last = 0, np.inf
    for rounds in range(1, _ROUNDS + 1):
        p_same, p_home = _posteriors(patterns, same, home, stranger, share_same, share_home)
        n_same, n_home = patterns.n * p_same, patterns.n * p_home
        n_stranger = np.maximum(patterns.n - n_same - n_home, 0)
        share_same = (n_same.sum() + 1) / (total + 2)
        share_home = (n_home.sum() + 1) / (total + 2)
        same = [_held(_shares(patterns, n_same, at, f, t * _PRIOR_PAIRS), f) for at, (f, t) in enumerate(zip(fields, typical, strict=True))]
        stranger = [_shares(patterns, n_stranger, at, f) for at, f in enumerate(fields)]
        home = [
            _shares(patterns, n_home, at, f, _typical_home(f) * _PRIOR_PAIRS) if f.shared_at_home else _as_relatives(f, s)
            for at, (f, s) in enumerate(zip(fields, stranger, strict=True))
        ]
        now = np.concatenate([np.array([np.log(share_same), np.log(share_home)]), *[np.log(s[1:]) for s in same]])
        if np.isscalar(last) or np.abs(now - last).max() > _TOLERANCE:
            last = now
            continue
        break
    names = tuple(f.levels for f in fields)
    warnings = tuple(_warnings(fields, same, stranger, share_same * total, n_records, rounds))
    return LinkModel(tuple(f.name for f in fields), names, tuple(same), tuple(home), tuple(stranger),
                     float(share_same), float(share_home), rounds, warnings)  # fmt: skip


def _held(shares: Floats, field: Field) -> Floats:
    """Hold the plain differences (birth dates have two) at the field's limit; the rest share what is over."""
    plain = slice(-2, None) if field.name == "birth date" else slice(-1, None)
    over = shares[plain].sum()
    if over <= field.most_different:
        return shares
    made = shares.copy()
    made[plain] *= field.most_different / over
    made[1 : plain.start] *= (1 - field.most_different) / (1 - over)
    return made


def _typical_home(field: Field) -> Floats:
    return np.array([1.0, *field.typical])


def _as_relatives(field: Field, stranger: Floats) -> Floats:
    """How two people of one household agree on what is their own: as strangers, but for namesakes and twins."""
    extra = {"given name": _NAMESAKES, "birth date": _TWINS}.get(field.name)
    if extra is None:
        return stranger
    made = stranger.copy()
    made[1:] *= 1 - extra
    made[1] += extra
    return made


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
    patterns: Patterns, same: list[Floats], home: list[Floats], stranger: list[Floats], share_same: float,
    share_home: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    kinds = [np.log(np.maximum(share, 1e-300)) + _log_sum(patterns.levels, tables)
             for share, tables in ((share_same, same), (share_home, home), (1 - share_same - share_home, stranger))]  # fmt: skip
    top = np.maximum.reduce(kinds)
    odds = [np.exp(k - top) for k in kinds]
    whole = odds[0] + odds[1] + odds[2]
    return np.where(patterns.is_candidate, odds[0] / whole, 0), np.where(patterns.is_candidate, odds[1] / whole, 0)


def _log_sum(levels: Levels, tables: list[Floats]) -> Floats:
    total = np.zeros(len(levels))
    for at, table in enumerate(tables):
        logs = np.log(table)
        logs[0] = 0.0
        total += logs[levels[:, at]]
    return total


def _warnings(
    fields: list[Field], same: list[Floats], stranger: list[Floats], matches: float, n_records: int, rounds: int
) -> list[str]:
    told = []
    if rounds >= _ROUNDS:
        told.append(f"learning did not settle in {_ROUNDS} rounds: the fields may be too few to tell people apart")
    if matches > 20 * n_records:
        told.append(f"{matches:,.0f} pairs look like one person among {n_records:,} records: is a field filled with "
                    "one value, or typed wrongly?")  # fmt: skip
    for field, s, u in zip(fields, same, stranger, strict=True):
        if s[1] <= u[1]:
            told.append(f"agreement on {field.name} speaks against one person: check its type")
    return told
