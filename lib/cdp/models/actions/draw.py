"""Carry a plan out with a little chance, so that the log can tell later what other choices would have brought.

People are gone through one after another. Whoever's draw falls below the exploration share gets any of what is open to
them and still there, or nothing, each with the same probability; everybody else gets the plan's choice if it is still
there, else nothing. What is left at a person's turn depends on earlier draws alone, so the probability of what was
shown, given these, is known exactly: what off-line evaluation needs (Bottou et al. 2013, JMLR 14). No limit is ever
broken. A person's draw is a hash of seed, day and id: running again gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.models.actions.allocate import Plan
from cdp.models.actions.prices import ROUNDING, Limits
from cdp.models.arrays import Floats, Ints
from cdp.models.propensity.folds import hash_keys

_ORDER, _DRAW, _TIES = 1, 2, 3


@dataclass(frozen=True)
class Draws:
    """Numbers from 0 to 1, evenly spread: of each person for the `order` and the `choice`, of each offer for `ties`."""

    order: Floats
    choice: Floats
    ties: Floats


@dataclass(frozen=True)
class Policy:
    """`choice`: as in `Plan`. `probability`: people x (none + actions), of each choice at the person's turn.

    `is_drawn`: whether the draw said to explore. `share`: the probability of that.
    """

    choice: Ints
    probability: Floats
    is_drawn: NDArray[np.bool_]
    share: float

    @property
    def of_choice(self) -> Floats:
        """The probability of what was chosen."""
        return np.asarray(self.probability[np.arange(len(self.choice)), self.choice])


def draws_of(ids: NDArray[np.object_], actions: int, *, seed: str) -> Draws:
    """The draws of each person: the first 53 bits of pandas' SipHash of `seed|id`, keyed by what they are for."""
    keys = pd.Series(ids, dtype=object).map(lambda name: f"{seed}|{name}")
    ties = [_evenly(keys, _TIES + a) for a in range(actions)]
    return Draws(_evenly(keys, _ORDER), _evenly(keys, _DRAW), np.column_stack(ties))


def carry_out(
    plan: Plan, open_gain: Floats, cost: Floats, limits: Limits, *, draws: Draws, exploration: float
) -> Policy:
    """Go through the people: the planned ones surest first, so that what exploring takes away is missed least, and the
    others evenly between them.

    `open_gain`, `cost`: people x actions, -inf where closed. Exploring takes, as expected, no more than its share of
    the people, of the budget and of each capacity.
    """
    is_open = open_gain > 0
    share = _share(is_open, cost, limits, exploration)
    choice, drawn = plan.choice.copy(), draws.choice < share
    chances = np.zeros((len(choice), cost.shape[1] + 1))
    stock = _Stock(limits)
    for i in _turns(plan, draws.order).tolist():
        options = [0, *(a + 1 for a in np.flatnonzero(is_open[i]).tolist() if stock.has(a, cost[i, a]))]
        planned = plan.choice[i] if plan.choice[i] in options else 0
        each = share / len(options)
        chances[i, options] = each
        chances[i, planned] += 1 - share
        choice[i] = options[min(int(draws.choice[i] / each), len(options) - 1)] if drawn[i] else planned
        if choice[i]:
            stock.take(choice[i] - 1, cost[i, choice[i] - 1])
    return Policy(choice, chances, drawn, share)


class _Stock:
    """What is left of the limits."""

    def __init__(self, limits: Limits) -> None:
        self._budget, self._spent = limits.budget, 0.0
        self._capacity = limits.capacity.tolist()

    def has(self, action: int, cost: float) -> bool:
        return self._capacity[action] >= 1 and self._spent + cost <= self._budget * (1 + ROUNDING)

    def take(self, action: int, cost: float) -> None:
        self._capacity[action] -= 1
        self._spent += cost


def _share(is_open: NDArray[np.bool_], cost: Floats, limits: Limits, exploration: float) -> float:
    """How many may explore: so many that what they are expected to take is at most that share of each limit."""
    each = is_open / (1 + is_open.sum(axis=1, keepdims=True))  # were everybody to explore
    used = np.append((each * np.where(is_open, cost, 0.0)).sum(), each.sum(axis=0))
    scarce = used > limits.amounts
    return exploration * float(np.min(limits.amounts[scarce] / used[scarce], initial=1.0))


def _turns(plan: Plan, order: Floats) -> Ints:
    """Planned people by how sure their choice is; the others, by the order that they drew, evenly between them."""
    planned = plan.choice > 0
    place = order.copy()
    surest = np.lexsort((order[planned], -plan.margin[planned]))
    ranks = np.empty(len(surest))
    ranks[surest] = (np.arange(len(surest)) + 0.5) / max(len(surest), 1)
    place[planned] = ranks
    return np.lexsort((np.arange(len(place)), place))


def _evenly(keys: pd.Series, salt: int) -> Floats:
    return np.asarray((hash_keys(keys, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53)
