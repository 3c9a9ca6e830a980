"""What budget and capacities are worth: the prices at which everybody's own best choice uses no more than there is.

One person, one choice; the people meet only in a few shared limits. With a price on each limit the problem falls apart
into people again (Lagrangian relaxation; Everett 1963, Operations Research 11(3)), and the sum of what people then
gain, plus the limits at their prices, is never less than the best that can be done: an upper bound for any prices. The
lowest such bound is found by cutting planes (Kelley 1960, J. SIAM 8(4)): a linear programme with one column a limit and
one row a look at all people, of which a few dozen are enough. With many limits the lowest point of the planes jumps
about: after a hundred looks the next one is nearer to the best prices so far (Ben-Ameur, Neto 2007, Networks 49(1)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from cdp.models.arrays import Floats, Ints

LOOKS = 400
FREE, NEAR = 100, 0.7  # looks where the planes are lowest; behind them this share of a look's place is the best so far
CLOSE = 1e-9  # relative distance of the bound from the lowest possible one
ROUNDING = 1e-12


@dataclass(frozen=True)
class Limits:
    """What there is to share out: `budget` (money) and `capacity` of each action (people); inf where there is none."""

    budget: float
    capacity: Floats

    @property
    def amounts(self) -> Floats:
        """The budget, then the capacities: the order of prices and uses."""
        return np.append(self.budget, self.capacity)


@dataclass(frozen=True)
class Prices:
    """`limits`: money for one more unit of the budget and of each capacity. `bound`: no plan gains more than this."""

    limits: Floats
    bound: float


def net_gains(gain: Floats, cost: Floats, prices: Floats) -> Floats:
    """People x (none + actions): what each choice brings beyond the price of what it uses; -inf what is closed."""
    return np.column_stack([np.zeros(len(gain)), gain - prices[0] * cost - prices[1:]])


def use_of(choice: Ints, cost: Floats) -> Floats:
    """What the choices (0: none, else 1 + place of the action) use of the budget and of each capacity."""
    chosen = np.flatnonzero(choice)
    actions = choice[chosen] - 1
    return np.append(cost[chosen, actions].sum(), np.bincount(actions, minlength=cost.shape[1]))


def is_within(use: Floats, amount: Floats | float) -> NDArray[np.bool_]:
    """Whether no more is used than there is, but for the rounding of sums of money."""
    return np.asarray(use <= np.asarray(amount) * (1 + ROUNDING))


def find_prices(gain: Floats, cost: Floats, limits: Limits) -> Prices:
    """The prices with the lowest bound. `gain`, `cost`: people x actions, gain -inf where closed and cost finite."""
    amounts = limits.amounts
    scarce = np.flatnonzero(np.isfinite(amounts))
    prices = np.zeros(len(amounts))
    best = Prices(prices, np.inf)
    if not len(scarce):
        return Prices(prices, float(net_gains(gain, cost, prices).max(axis=1).sum()))
    highest = _highest(gain, cost)[scarce]
    slopes: list[Floats] = []
    levels: list[float] = []
    for look in range(LOOKS):
        net = net_gains(gain, cost, prices)
        choice = net.argmax(axis=1)
        bound = float(net[np.arange(len(net)), choice].sum() + prices[scarce] @ amounts[scarce])
        if bound < best.bound:
            best = Prices(prices, bound)
        slope = (amounts - use_of(choice, cost))[scarce]
        slopes.append(slope)
        levels.append(bound - float(slope @ prices[scarce]))
        tried, lowest = _lowest(np.array(slopes), np.array(levels), highest)
        if tried is None:
            break  # the programme has no numbers any more that the solver can tell apart: the bound holds all the same
        if best.bound - lowest <= CLOSE * max(best.bound, CLOSE):
            break
        prices = np.zeros(len(amounts))
        near = NEAR if look >= FREE else 0.0
        prices[scarce] = near * best.limits[scarce] + (1 - near) * tried
    return best


def _highest(gain: Floats, cost: Floats) -> Floats:
    """Prices above which nobody would use anything."""
    most = np.max(np.where(np.isfinite(gain), gain, 0.0), axis=0, initial=0.0)
    per_money = np.divide(gain, cost, out=np.zeros_like(gain), where=(cost > 0) & np.isfinite(gain))
    return np.append(per_money.max(initial=0.0), most)


def _lowest(slopes: Floats, levels: Floats, highest: Floats) -> tuple[Floats | None, float]:
    """Where the highest of the planes is lowest, and how low that is; None where the solver finds no answer."""
    columns = len(highest)
    found = optimize.linprog(
        np.append(np.zeros(columns), 1.0),
        A_ub=np.column_stack([slopes, -np.ones(len(slopes))]),
        b_ub=-levels,
        bounds=[*((0.0, h) for h in highest), (None, None)],
        method="highs-ds",
    )
    return (None, -np.inf) if found.x is None else (np.asarray(found.x[:columns]), float(found.fun))
