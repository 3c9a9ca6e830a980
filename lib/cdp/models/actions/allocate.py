"""Who gets what: the choice of everybody that gains most within budget and capacities, and how far it may be from best.

At the right prices (prices.py) all but a few people have one best choice, and together these keep the limits. The few
whose choices are nearly equal at these prices are settled exactly, by a small integer programme over what is left. Of
few people all are: the plan is the exact optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from cdp.models.actions.prices import Limits, Prices, find_prices, is_within, net_gains, use_of
from cdp.models.arrays import Floats, Ints

SMALL = 30  # people up to whom the whole plan is settled exactly
CONTESTED = 12  # of more people so many are: nearly equal as they are, thirty would take HiGHS half a minute
MOST_NODES = 500  # of branch and bound, instead of a time: the same answer on any machine
TIES = 1e-6  # relative; equal people are told apart by so much, or one price would move all of them at once


@dataclass(frozen=True)
class Plan:
    """`choice`: of each person, 0 for none, else 1 + the action's place. `gain`: expected, of all together.

    `bound`: no plan within the limits gains more. `margin`: by how much each person's choice beats the next best one at
    the `prices`; the larger, the surer.
    """

    choice: Ints
    gain: float
    bound: float
    margin: Floats
    prices: Floats


def allocate(gain: Floats, cost: Floats, limits: Limits, *, luck: Floats) -> Plan:
    """The plan. `gain`: people x actions, -inf where closed; only gains above 0 are taken. `cost`: the same shape.

    `luck` (people x actions, 0 to 1, drawn from the ids) orders choices that are equal in everything else. The order of
    people with equal luck and gains is that of the rows.
    """
    could = (gain > 0) & is_within(cost, limits.budget) & (limits.capacity >= 1)
    wanted = np.where(could, gain, -np.inf)
    cost = np.where(np.isfinite(wanted), cost, 0.0)
    money, coin = (float(np.max(part, initial=0.0)) or 1.0 for part in (wanted, cost))
    felt = _felt(limits, cost)
    found = _allocate(wanted / money, cost / coin, Limits(felt.budget / coin, felt.capacity), luck)
    units = np.append(money / coin, np.full(cost.shape[1], money))
    reached = float(_gains_of(found.choice, wanted).sum())
    return Plan(found.choice, reached, max(found.bound * money, reached), found.margin * money, found.prices * units)


def _felt(limits: Limits, cost: Floats) -> Limits:
    """Without the limits that no plan can reach: they bind nobody, and a huge number spoils the solver's others."""
    most = float(np.max(cost, axis=1, initial=0.0).sum())
    return Limits(
        np.inf if limits.budget >= most else limits.budget,
        np.where(limits.capacity >= len(cost), np.inf, limits.capacity),
    )


def _allocate(wanted: Floats, cost: Floats, limits: Limits, luck: Floats) -> Plan:
    """The plan where no gain and no cost is above 1: what the solver's tolerances are made for."""
    prices = find_prices(wanted * (1 + TIES * luck), cost, limits)
    net = net_gains(wanted * (1 + TIES * luck), cost, prices.limits)
    choice = net.argmax(axis=1)
    margin = _margins(net)
    bound = prices.bound
    if not _is_settled(choice, wanted, cost, limits, prices):
        fixed = _fix(choice, margin, cost, limits.amounts)
        free = np.flatnonzero(~fixed)[np.argsort(margin[~fixed], kind="stable")][: _most_settled(len(choice))]
        choice = np.where(fixed, choice, 0)
        left = np.maximum(limits.amounts - use_of(choice, cost), 0.0)
        choice[free], best = _settle(wanted[free], cost[free], left)
        if len(free) == len(choice):
            bound = min(bound, best)
        choice = _fill(choice, net, cost, limits.amounts)
    return Plan(choice, float(_gains_of(choice, wanted).sum()), bound, margin, prices.limits)


def _gains_of(choice: Ints, gain: Floats) -> Floats:
    return np.asarray(np.column_stack([np.zeros(len(gain)), gain])[np.arange(len(gain)), choice])


def _margins(net: Floats) -> Floats:
    two = np.partition(net, -2, axis=1)[:, -2:]
    return np.where(np.isfinite(two[:, 0]), two[:, 1] - two[:, 0], np.inf)


def _is_settled(choice: Ints, gain: Floats, cost: Floats, limits: Limits, prices: Prices) -> bool:
    """Whether everybody's own choice keeps the limits and gains as much as the bound allows."""
    if not is_within(use_of(choice, cost), limits.amounts).all():
        return False
    return bool(_gains_of(choice, gain).sum() >= prices.bound * (1 - 2 * TIES))


def _fix(choice: Ints, margin: Floats, cost: Floats, amounts: Floats) -> NDArray[np.bool_]:
    """Whose choice stands: the surest first, as long as together they keep the limits, but for the least sure."""
    order = np.argsort(-margin, kind="stable")
    most = min(_how_many_fit(order, choice, cost, amounts), len(choice) - _most_settled(len(choice)))
    fixed = np.zeros(len(choice), dtype=bool)
    fixed[order[:most]] = True
    return fixed


def _how_many_fit(order: Ints, choice: Ints, cost: Floats, amounts: Floats) -> int:
    """How many people of the order, from the first on, can have their choices before a limit is reached."""
    taken = choice[order]
    money = np.where(taken > 0, cost[order, np.maximum(taken - 1, 0)], 0.0)
    uses = [money, *((taken == a + 1).astype(np.float64) for a in range(cost.shape[1]))]
    kept = [is_within(np.cumsum(use), amount) for use, amount in zip(uses, amounts, strict=True)]
    return int(np.all(kept, axis=0).sum())


def _fill(choice: Ints, net: Floats, cost: Floats, amounts: Floats) -> Ints:
    """Give what is left to people without an action, those first who come nearest to being worth its price."""
    while True:
        left = np.maximum(amounts - use_of(choice, cost), 0.0)
        fits = (choice == 0)[:, None] & is_within(cost, left[0]) & (left[1:] >= 1)
        best = np.where(fits, net[:, 1:], -np.inf)
        worth = best.max(axis=1)
        order = np.argsort(-worth, kind="stable")[: int(np.isfinite(worth).sum())]
        if not len(order):
            return choice
        wish = best.argmax(axis=1) + 1
        taken = order[: _how_many_fit(order, wish, cost, left)]
        choice = choice.copy()
        choice[taken] = wish[taken]


def _most_settled(people: int) -> int:
    return people if people <= SMALL else CONTESTED


def _settle(gain: Floats, cost: Floats, left: Floats) -> tuple[Ints, float]:
    """The best choices of a few people, and a bound on what they can gain."""
    person, action = np.nonzero(np.isfinite(gain))
    choice = np.zeros(len(gain), dtype=np.int64)
    if not len(person):
        return choice, 0.0
    column = np.arange(len(person))
    one = np.ones(len(person))
    parts = [(one, person, len(gain)), (cost[person, action], np.zeros_like(person), 1), (one, action, gain.shape[1])]
    matrix = sparse.vstack([sparse.csr_matrix((v, (row, column)), (n, len(person))) for v, row, n in parts])
    most = np.concatenate([np.ones(len(gain)), left])
    found = optimize.milp(
        -gain[person, action],
        constraints=optimize.LinearConstraint(matrix, -np.inf, most),
        integrality=one,
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": TIES, "node_limit": MOST_NODES},
    )
    if found.x is not None:
        taken = np.flatnonzero(found.x > 0.5)
        taken = taken[np.argsort(-gain[person[taken], action[taken]], kind="stable")]
        spent = np.cumsum(cost[person[taken], action[taken]])
        taken = taken[is_within(spent, left[0])]  # the solver may go over by its tolerance, a budget may not
        choice[person[taken]] = action[taken] + 1
    bound = found.mip_dual_bound
    return choice, float(-bound) if bound is not None else np.inf
