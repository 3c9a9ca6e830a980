"""What a policy would have brought, from the log of another: by weights, by normalised weights, and doubly robust.

A log holds decisions with the probability that each had. A decision counts as often as the policy in question would
have made it: pi / p. IPS (Horvitz, Thompson 1952, JASA 47) is the mean of weight x reward; SNIPS (Swaminathan, Joachims
2015, NeurIPS) divides by the sum of the weights; doubly robust (Dudik, Langford, Li 2011, ICML) takes the expectation
of a model of the reward and corrects it by the weighted errors. All speak of rewards a decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.core.errors import ContractError
from cdp.models.actions.names import read_names
from cdp.models.actions.offers import check_money
from cdp.models.arrays import Floats, Ints
from cdp.models.propensity.folds import hash_keys
from cdp.models.propensity.propensity_model import read_ids

Z = 1.959964  # of a 95 % interval
FEW = 100  # effective decisions below which an interval by the normal law is not to be trusted
FOLDS = 5
FEWEST = 20  # decisions for an action from which its rewards are regressed on the expected ones
LACKING = 0.01  # share of the policy's decisions from which it is said that the log never shows them


@dataclass(frozen=True)
class Log:
    """One element a decision: whose (id as text), the choice (0: none, 1 + place of the action, -1: one that the policy
    does not know), the `probability` with which it was made, and the `reward`."""

    person: NDArray[np.object_]
    choice: Ints
    probability: Floats
    reward: Floats

    def of(self, kept: NDArray[np.bool_]) -> Log:
        """The decisions where `kept`."""
        return Log(self.person[kept], self.choice[kept], self.probability[kept], self.reward[kept])


def read_log(rows: pd.DataFrame, actions: tuple[str, ...]) -> Log:
    """The log from columns `id`, `action`, `probability` (of that very choice) and `reward`.

    A row without an action (names.py) is a decision for none. `reward`: what came of it in money, the action's cost
    already off. ContractError for a missing column, for probabilities that are not in (0, 1] and for rewards that are
    no numbers.
    """
    for name in ("id", "action", "probability", "reward"):
        if name not in rows:
            raise ContractError(f"log: no column {name!r}; needed are id, action, probability, reward")
    person = read_ids(rows, "id")
    places = {name: i + 1 for i, name in enumerate(actions)}
    choice = read_names(rows["action"]).map(lambda name: places.get(name, -1) if name else 0).to_numpy(np.int64)
    probability, reward = (
        pd.to_numeric(rows[c], errors="coerce").to_numpy(np.float64) for c in ("probability", "reward")
    )
    wrong = {
        "an id": int(person.isna().sum()),
        "a probability above 0 and up to 1": int((~((probability > 0) & (probability <= 1))).sum()),
        "a reward": int((~np.isfinite(reward)).sum()),
    }
    for what, count in wrong.items():
        if count:
            raise ContractError(f"log: {count} of {len(rows)} rows without {what}; a decision cannot be left out")
    check_money(reward, "log: column reward")
    return Log(person.to_numpy(object), choice, probability, reward)


def evaluate_policy(log: Log, policy: Floats, expected: Floats) -> dict[str, Any]:
    """Reward a decision under `policy` (rows of the log x (none + actions): probabilities), with 95 % intervals.

    `expected` (the same shape): what a model expects each choice to bring, on any scale; it is set right on the log's
    own rewards, out of fold by person. The report: decisions, people, `logged`, `ips`, `snips` and `doubly_robust`
    (mean, low, high; decisions of one person count as one piece of evidence), `gain` of the policy over the log (doubly
    robust), effective_decisions (Kish), mean_weight (1 where the log supports the policy), largest_weight, warnings.
    """
    rows = np.arange(len(log.choice))
    known = log.choice >= 0
    weight = np.where(known, policy[rows, np.maximum(log.choice, 0)], 0.0) / log.probability
    model = _set_right(log, expected)
    said = np.where(known, model[rows, np.maximum(log.choice, 0)], 0.0)
    robust = (policy * model).sum(axis=1) + weight * (log.reward - said)
    mean_weight = float(weight.mean())
    snips = float(weight @ log.reward / weight.sum()) if weight.any() else float("nan")
    person = pd.factorize(log.person)[0]
    effective = float(weight.sum() ** 2 / (weight @ weight)) if weight.any() else 0.0
    return {
        "decisions": len(rows),
        "people": int(person.max()) + 1,
        "logged": _interval(log.reward, person),
        "ips": _interval(weight * log.reward, person),
        "snips": _around(snips, weight * (log.reward - snips) / max(mean_weight, 1e-300), person),
        "doubly_robust": _interval(robust, person),
        "gain": _interval(robust - log.reward, person),
        "effective_decisions": effective,
        "mean_weight": mean_weight,
        "largest_weight": float(weight.max()),
        "warnings": _warnings(log, policy, weight, effective, person),
    }


def _set_right(log: Log, expected: Floats) -> Floats:
    """The expectations as the log's rewards have them: a line for each choice, fitted on the people of other folds."""
    folds = hash_keys(pd.Series(log.person, dtype=object), 0) % np.uint64(FOLDS)
    model = np.zeros(expected.shape)
    for fold in range(FOLDS):
        inside = folds == fold
        for choice in range(expected.shape[1]):
            seen = ~inside & (log.choice == choice)
            level, slope = _line(expected[seen, choice], log.reward[seen])
            model[inside, choice] = level + slope * expected[inside, choice]
    return model


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Level and slope by least squares; the mean where there is little or nothing to tell apart, 0 without any."""
    if not len(y):
        return 0.0, 0.0
    spread = float(np.var(x))
    if len(y) < FEWEST or spread <= 1e-12 * float(np.mean(x) ** 2):
        return float(y.mean()), 0.0
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread
    return float(y.mean() - slope * x.mean()), slope


def _interval(values: Floats, person: Ints) -> dict[str, float]:
    mean = float(values.mean())
    return _around(mean, values - mean, person)


def _around(mean: float, errors: Floats, person: Ints) -> dict[str, float]:
    """The mean with its interval; the errors of one person are summed first."""
    sums = np.bincount(person, weights=errors)
    people = len(sums)
    deviation = float(np.sqrt((sums @ sums) * people / max(people - 1, 1))) / len(errors)
    return {"mean": mean, "low": mean - Z * deviation, "high": mean + Z * deviation}


def _warnings(log: Log, policy: Floats, weight: Floats, effective: float, person: Ints) -> list[str]:
    found = []
    never = [c for c in range(policy.shape[1]) if not (log.choice == c).any()]
    lost = float(policy[:, never].sum() / len(policy)) if never else 0.0
    if lost > LACKING:
        found.append(f"the log never shows {lost:.1%} of what the policy does: nothing is known of these choices")
    of_weight = _interval(weight, person)
    if not of_weight["low"] <= 1 <= of_weight["high"]:
        found.append(
            f"the weights average {of_weight['mean']:.3f} where 1 is expected: the log lacks choices that the policy "
            "makes, or its probabilities are not those of the choices"
        )
    if effective < FEW:
        found.append(
            f"the evidence is that of {effective:.0f} decisions: too little to trust the intervals; log more, or "
            "explore a larger share"
        )
    if (log.choice < 0).any():
        found.append(f"{int((log.choice < 0).sum())} decisions are for actions that the policy does not know")
    return found
