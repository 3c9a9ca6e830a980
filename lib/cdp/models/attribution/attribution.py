"""Credit of channels for conversions: first, last, linear and decaying touch, Shapley, and Markov chains.

Every model shares out the same conversions and the same value. All of it is correlation: a channel that people touch on
their way gets credit whether or not they would have converted without it. Only a randomised test measures that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.models.arrays import Floats
from cdp.models.attribution.markov import MAX_ORDER, OrderChoice, build_chain, choose_order, removal_effects
from cdp.models.attribution.paths import Paths

CORRELATIONAL = (
    "Attribution is correlational: it shares out observed conversions along observed paths and does not say how many "
    "of them a channel caused. Only a randomised test measures that."
)
HALF_LIFE_TOUCHES = 1.0  # a touch counts half as much as the one after it


@dataclass(frozen=True)
class Attribution:
    """`credit`: model, channel, conversions, value (null where the data have none); a row per model and channel."""

    credit: pd.DataFrame
    conversion_share: float
    markov: OrderChoice


def attribute_paths(paths: Paths, *, on_model: Callable[[str], None] = lambda name: None) -> Attribution:
    """Share the conversions and the value of all paths out by every model; `on_model` hears of each as it begins."""
    parts = []
    for name, weigh in _RULES.items():
        on_model(name)
        share = weigh(paths)
        parts.append(_rows(paths, name, _by_touch(paths, share, paths.conversions), _by_value(paths, share)))
    on_model("markov: choosing the order")
    choice = choose_order(paths)
    for order in choice.orders:
        on_model(f"markov_{order}")
        parts.append(_rows(paths, f"markov_{order}", *_markov(paths, order)))
    total = float(paths.conversions.sum() + paths.nulls.sum())
    converted = float(paths.conversions.sum()) / total if total else 0.0
    return Attribution(pd.concat(parts, ignore_index=True), converted, choice)


def first_touch(paths: Paths) -> Floats:
    """Share of each touch in its path's conversions: all to the first."""
    return _at(paths, paths.starts[:-1])


def last_touch(paths: Paths) -> Floats:
    """All to the last."""
    return _at(paths, paths.starts[1:] - 1)


def linear_touch(paths: Paths) -> Floats:
    """Equal parts to all touches; a channel touched twice gets two parts."""
    return np.repeat(1.0 / paths.lengths, paths.lengths)


def decaying_touch(paths: Paths) -> Floats:
    """2^(-age / half-life), made to sum to 1 within each path. Age: touches between this one and the last."""
    age = np.repeat(paths.starts[1:] - 1, paths.lengths) - np.arange(len(paths.touches))
    weight = np.exp2(-age / HALF_LIFE_TOUCHES)
    return weight / np.repeat(np.add.reduceat(weight, paths.starts[:-1]), paths.lengths)


def shapley_touch(paths: Paths) -> Floats:
    """Equal parts to the distinct channels of a path, given to the first touch of each.

    This is the Shapley value, for any number of channels, of the game in which a coalition is worth the conversions of
    the paths that it covers entirely: the game is a sum of one-path games, and in each its channels are equals.
    """
    pair = paths.owner * len(paths.channels) + paths.touches
    _, first = np.unique(pair, return_index=True)
    is_first = _at(paths, first)
    return is_first / np.repeat(np.add.reduceat(is_first, paths.starts[:-1]), paths.lengths)


_RULES: dict[str, Callable[[Paths], Floats]] = {
    "first": first_touch,
    "last": last_touch,
    "linear": linear_touch,
    "decay": decaying_touch,
    "shapley": shapley_touch,
}
MODELS = (*_RULES, *(f"markov_{order}" for order in range(1, MAX_ORDER + 1)))


def _at(paths: Paths, places: np.ndarray) -> Floats:
    marks = np.zeros(len(paths.touches))
    marks[places] = 1.0
    return marks


def _by_touch(paths: Paths, share: Floats, amount: Floats) -> Floats:
    given = share * amount[paths.owner]
    credit = np.bincount(paths.touches, weights=given, minlength=len(paths.channels)).astype(np.float64)
    return settle(credit, float(amount.sum()))


def _by_value(paths: Paths, share: Floats) -> Floats | None:
    return None if paths.value is None else _by_touch(paths, share, paths.value)


def _markov(paths: Paths, order: int) -> tuple[Floats, Floats | None]:
    """Conversions and value in proportion to the removal effects."""
    if not paths.conversions.any():
        none = np.zeros(len(paths.channels))
        return none, None if paths.value is None else none
    effect = removal_effects(build_chain(paths, order))
    share = effect / effect.sum()
    amounts = (paths.conversions, paths.value)
    conversions, value = (None if a is None else settle(share * a.sum(), float(a.sum())) for a in amounts)
    assert conversions is not None
    return conversions, value


def settle(credit: Floats, total: float) -> Floats:
    """The credit with what rounding lost given to the largest, so that it sums to the total."""
    settled = credit.copy()
    settled[np.argmax(np.abs(credit))] += total - credit.sum()
    return settled


def _rows(paths: Paths, model: str, conversions: Floats, value: Floats | None) -> pd.DataFrame:
    worth = np.full(len(conversions), np.nan) if value is None else value
    return pd.DataFrame({"model": model, "channel": paths.channels, "conversions": conversions, "value": worth})
