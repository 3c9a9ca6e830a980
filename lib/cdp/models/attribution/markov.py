"""Markov chains of channels: the chance to convert, what it loses without a channel, and how much memory helps.

The state of a chain of order k is the last k channels (fewer at the beginning of a path). From a state a person goes
on to the next one, converts, or is lost. The chance to convert is the start's row of (I - Q)^-1 R, which equals the
observed share of conversions; without channel c every way into a state whose newest channel is c leads to loss. Solved
exactly, not simulated. Anderl, Becker, von Wangenheim, Schumann 2016, Int. Journal of Research in Marketing 33(3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats
from scipy.sparse import linalg

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats, Ints
from cdp.models.attribution.paths import Paths
from cdp.models.metrics import weighted_auc

MAX_ORDER = 3
MAX_CHANNELS = 2_000  # order 1 holds a dense matrix of channels x channels
MAX_WORK = 20_000_000  # states x channels of a higher order: some fifteen seconds of solving
FOLDS = 5
RESIDUAL = 1e-13


@dataclass(frozen=True)
class Chain:
    """`start`, `onward` (states x states) and `convert` are probabilities; `newest` is the channel of each state."""

    order: int
    n_channels: int
    newest: Ints
    start: Floats
    onward: sparse.csr_array
    convert: Floats


@dataclass(frozen=True)
class OrderChoice:
    """`orders` that these data allow, the `chosen` one, and (mean, standard error) of AUC by order over the folds.

    `auc` is empty when it cannot be measured: fewer than two folds with paths of both ends.
    """

    orders: list[int]
    chosen: int
    auc: dict[int, tuple[float, float]]


def build_chain(paths: Paths, order: int) -> Chain:
    """The chain whose probabilities are the observed shares, converting and lost paths together."""
    weight = paths.conversions + paths.nulls
    codes = state_codes(paths, order)
    states, state = np.unique(codes, return_inverse=True)
    n, first, last = len(states), paths.starts[:-1], paths.starts[1:] - 1
    is_later = np.ones(len(codes), dtype=bool)
    is_later[first] = False
    later = np.nonzero(is_later)[0]
    flow = sparse.coo_array((weight[paths.owner[later]], (state[later - 1], state[later])), shape=(n, n)).tocsr()
    converted = np.bincount(state[last], weights=paths.conversions, minlength=n)
    lost = np.bincount(state[last], weights=paths.nulls, minlength=n)
    out = flow.sum(axis=1) + converted + lost
    scale = np.divide(1.0, out, out=np.zeros(n), where=out > 0)  # a path that nobody went leaves states with no way out
    start = np.bincount(state[first], weights=weight, minlength=n) / max(weight.sum(), np.finfo(float).tiny)
    onward = sparse.csr_array(sparse.diags_array(scale) @ flow)
    return Chain(order, len(paths.channels), states % (len(paths.channels) + 1) - 1, start, onward, converted * scale)


def state_codes(paths: Paths, order: int) -> Ints:
    """The last `order` channels at each touch as one number: the newest is its remainder by (channels + 1), less 1."""
    base = len(paths.channels) + 1
    position = np.arange(len(paths.touches)) - np.repeat(paths.starts[:-1], paths.lengths)
    codes = np.zeros(len(paths.touches), dtype=np.int64)
    for back in range(order):
        earlier = np.roll(paths.touches, back) + 1
        codes += np.where(position >= back, earlier, 0) * base**back
    return codes


def conversion_probability(chain: Chain) -> float:
    """The chance to convert from the start: the observed share of conversions."""
    return float(chain.start @ _solve(chain.onward, chain.convert))


def removal_effects(chain: Chain) -> Floats:
    """1 - P(conversion without c) / P(conversion) of each channel."""
    if chain.order == 1:
        return _first_order_effects(chain)
    whole = chain.start @ _solve(chain.onward, chain.convert)
    without = [_probability_without(chain, channel) for channel in range(chain.n_channels)]
    return np.maximum(1 - np.array(without) / whole, 0.0)


def _first_order_effects(chain: Chain) -> Floats:
    """One inverse for all: N[s, c] / N[c, c] is the chance to ever reach c, and v_c to convert from there."""
    visits = np.linalg.inv(np.eye(len(chain.convert)) - chain.onward.toarray())
    ahead = visits @ chain.convert
    effect = np.zeros(chain.n_channels)
    effect[chain.newest] = (chain.start @ visits) / np.diag(visits) * ahead / (chain.start @ ahead)
    return effect


def _probability_without(chain: Chain, channel: int) -> float:
    stays = (chain.newest != channel).astype(float)
    ahead = _solve(sparse.csr_array(chain.onward @ sparse.diags_array(stays)), chain.convert)
    return float((chain.start * stays) @ ahead)


def _solve(onward: sparse.csr_array, convert: Floats) -> Floats:
    """(I - Q)^-1 R. Iterated to the last digits (a second faster than a minute of elimination at 8,000 states), and
    eliminated where that did not get there."""
    left = sparse.csc_array(sparse.eye_array(len(convert)) - onward)
    found, _ = linalg.bicgstab(left, convert, rtol=1e-15, atol=0.0, maxiter=200)
    if np.all(np.isfinite(found)) and np.abs(left @ found - convert).max() < RESIDUAL * max(convert.max(), 1e-300):
        return np.asarray(found)
    return np.asarray(linalg.splu(left).solve(convert))


def choose_order(paths: Paths) -> OrderChoice:
    """The order by five-fold cross-validated AUC of conversion; a higher one must win by more than its standard error.

    Every single going of a path is dealt to a fold, by a seed and in the order of the paths' text. The score of a path
    is the observed share of conversions among those that ended in its last state.
    """
    orders = _feasible_orders(paths)
    folds = [fold for fold in _deal(paths) if fold[0].any() and fold[1].any()]
    if len(folds) < 2:
        return OrderChoice(orders, orders[0], {})
    measured = {order: _fold_aucs(paths, order, folds) for order in orders}
    chosen = orders[0]
    for order in orders[1:]:
        gain = measured[order] - measured[chosen]
        if gain.mean() > stats.sem(gain):
            chosen = order
    return OrderChoice(orders, chosen, {o: (float(a.mean()), float(stats.sem(a))) for o, a in measured.items()})


def _feasible_orders(paths: Paths) -> list[int]:
    n = len(paths.channels)
    if n > MAX_CHANNELS:
        raise ModelError(
            f"{n:,} channels: attribution takes at most {MAX_CHANNELS:,}, so group them (by campaign, say)"
        )
    orders = [1]
    for order in range(2, min(MAX_ORDER, int(paths.lengths.max())) + 1):
        if len(np.unique(state_codes(paths, order))) * n > MAX_WORK:
            break
        orders.append(order)
    return orders


def _deal(paths: Paths) -> list[tuple[Floats, Floats]]:
    """(conversions, nulls) of each path in each fold; what is not whole is rounded."""
    random = np.random.default_rng(0)
    even = np.full(FOLDS, 1 / FOLDS)
    dealt = [random.multinomial(np.rint(c).astype(np.int64), even).T for c in (paths.conversions, paths.nulls)]
    return [(dealt[0][f].astype(float), dealt[1][f].astype(float)) for f in range(FOLDS)]


def _fold_aucs(paths: Paths, order: int, folds: list[tuple[Floats, Floats]]) -> Floats:
    last = paths.starts[1:] - 1
    levels = [np.unique(state_codes(paths, k)[last], return_inverse=True)[1] for k in range(1, order + 1)]
    yes, no = (np.sum([fold[side] for fold in folds], axis=0) for side in (0, 1))
    aucs = []
    for converted, lost in folds:
        score = _backed_off_shares(levels, yes - converted, no - lost)
        aucs.append(weighted_auc(score, converted, lost))
    return np.array(aucs)


def _backed_off_shares(levels: list[Ints], yes: Floats, no: Floats) -> Floats:
    """Share of conversions by last state; a state that was not seen in training scores as its shorter one."""
    share = np.full(len(yes), yes.sum() / max(yes.sum() + no.sum(), 1.0))
    for state in levels:
        hits, misses = np.bincount(state, weights=yes), np.bincount(state, weights=no)
        seen = (hits + misses)[state]
        share = np.where(seen > 0, hits[state] / np.maximum(seen, 1.0), share)
    return share
