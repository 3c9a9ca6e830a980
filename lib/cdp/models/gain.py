"""By how much one set of forecasts beats another on the same people, with the interval of a paired bootstrap.

People fall into `GROUPS` by hash, the same at every cut and in every training. Sums of losses a group are all that is
kept: enough for a bootstrap that draws whole groups (a person's cuts stay together), and nothing about a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.history import Outcome

GROUPS = 200
DRAWS = 1000
#: measure -> whether the loss is squared and its root is what is compared
MEASURES = {"purchases_rmse": True, "spend_rmse": True, "churn_brier": False, "brier": False,
            "ndcg_shortfall_all": False, "ndcg_shortfall_new": False}  # fmt: skip


@dataclass(frozen=True)
class Gain:
    """The share by which ours is below theirs (0.02: two percent better), and its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Losses:
    """Summed squared errors by cut (ISO date), measure and group of people; `people` counts them by cut and group."""

    sums: Mapping[str, Mapping[str, Floats]]
    people: Mapping[str, Floats]

    def to_json(self) -> str:
        """As text, sums to nine digits."""
        sums = {day: {name: _rounded(s) for name, s in by.items()} for day, by in self.sums.items()}
        return json.dumps({"sums": sums, "people": {day: n.tolist() for day, n in self.people.items()}})

    @staticmethod
    def from_json(text: str) -> Losses:
        """The inverse of `to_json`."""
        raw = json.loads(text)
        sums = {day: {name: np.array(s) for name, s in by.items()} for day, by in raw["sums"].items()}
        return Losses(sums, {day: np.array(n) for day, n in raw["people"].items()})


def losses_of(cuts: Sequence[tuple[str, Amounts, Outcome, Ints]]) -> Losses:
    """The losses of forecasts on several cuts: (as-of date, what was said, what happened, each person's group)."""
    sums: dict[str, dict[str, Floats]] = {}
    people: dict[str, Floats] = {}
    for day, said, outcome, group in cuts:
        errors = {
            "purchases_rmse": said.purchases - outcome.purchases,
            "spend_rmse": said.spend - outcome.spend,
            "churn_brier": said.p_any - (outcome.purchases > 0),
        }
        sums[day] = {n: np.bincount(group, e**2, GROUPS).astype(np.float64) for n, e in errors.items()}
        people[day] = np.bincount(group, minlength=GROUPS).astype(np.float64)
    return Losses(sums, people)


def gains_over(ours: Losses, theirs: Losses) -> dict[str, Gain]:
    """Measure -> gain, over the cuts on which both were tested with the same people; empty where there are none."""
    shared = [d for d in sorted(ours.sums) if d in theirs.sums and np.array_equal(ours.people[d], theirs.people[d])]
    if not shared:
        return {}
    rng = np.random.default_rng(1)
    draws = rng.multinomial(GROUPS, np.full(GROUPS, 1 / GROUPS), size=DRAWS).astype(np.float64)
    return {
        name: _gain(_stacked(ours, shared, name), _stacked(theirs, shared, name), draws, is_root=is_root)
        for name, is_root in MEASURES.items()
        if name in ours.sums[shared[0]] and name in theirs.sums[shared[0]]
    }


def _stacked(losses: Losses, days: Sequence[str], name: str) -> Floats:
    return np.asarray(sum(losses.sums[day][name] for day in days))


def _gain(ours: Floats, theirs: Floats, draws: Floats, *, is_root: bool) -> Gain:
    ratio = (draws @ ours) / np.maximum(draws @ theirs, 1e-300)
    whole = float(ours.sum() / max(float(theirs.sum()), 1e-300))
    gains = 1 - (np.sqrt(ratio) if is_root else ratio)
    low, high = np.quantile(gains, (0.025, 0.975))
    return Gain(1 - (whole**0.5 if is_root else whole), float(low), float(high))


def _rounded(sums: Floats) -> list[float]:
    return [float(f"{s:.9g}") for s in sums.tolist()]
