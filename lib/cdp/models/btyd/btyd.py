"""The three "buy till you die" models behind one face, and what one of them says about every customer of a cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats
from cdp.models.btyd import bgnbd, pareto
from cdp.models.btyd.bgnbd import BgNbd, MbgNbd
from cdp.models.btyd.bgnbd_fit import NO_DROPOUT, maximise_bgnbd
from cdp.models.btyd.btyd_fit import BtydFit
from cdp.models.btyd.pareto import ParetoNbd
from cdp.models.btyd.pareto_fit import maximise_pareto
from cdp.models.forecast.history import Cut

FITS: Mapping[str, Callable[[pd.DataFrame], BtydFit]] = {
    "bgnbd": maximise_bgnbd,
    "mbgnbd": lambda purchases: maximise_bgnbd(purchases, MbgNbd),
    "pareto": maximise_pareto,
}
POOLED_SHAPE = 1.0  # spread of the rates over customers where the data cannot tell it: exponential
LEAST = 1e-4  # added to expectations and probabilities: the logs of the later layers must exist, and order is kept


@dataclass(frozen=True)
class Terms:
    """What a model expects of each customer of a cut: purchase days within a horizon, P(any of them), P(alive now).

    Expectations are at least `LEAST`, P(any) lies at least as far inside (0, 1).
    """

    expected: Floats
    p_any: Floats
    p_alive: Floats

    @property
    def bare(self) -> Floats:
        """What the model itself expects, for totals: `LEAST` for everybody is a total of its own in a quiet shop."""
        return np.maximum(self.expected - LEAST, LEAST**2)


def fit_each(histories: pd.DataFrame, only: Sequence[str] = tuple(FITS)) -> tuple[dict[str, BtydFit], dict[str, str]]:
    """The models that the histories (columns x, t_x, age, people) can carry, and why the others were left out."""
    fits: dict[str, BtydFit] = {}
    refused: dict[str, str] = {}
    for name in only:
        try:
            fits[name] = FITS[name](histories)
        except ModelError as error:
            refused[name] = str(error)
    return fits, refused


def fit_pooled_rate(histories: pd.DataFrame) -> BtydFit:
    """The fallback for histories too thin to fit: nobody leaves, rates spread exponentially around the pooled rate.

    The pooled rate is (repeat purchases + 1/2) / weeks of exposure, so that it is above 0 where nobody came back yet.
    Raises ModelError when there is no exposure, i.e. everybody bought first on the as-of date.
    """
    people, x, age = (histories[c].to_numpy(dtype=np.float64) for c in ("people", "x", "age"))
    weeks = float(people @ age)
    if weeks <= 0:
        raise ModelError(
            "cannot forecast: every customer's first purchase is on the as-of date itself, so no time has passed to "
            "learn a rate from. Choose a later as-of date, or load a longer history."
        )
    rate = (float(people @ x) + 0.5) / weeks
    model = BgNbd(POOLED_SHAPE, POOLED_SHAPE / rate, *NO_DROPOUT)
    return BtydFit(model, float("nan"), int(people.sum()), has_dropout=False)


def terms_of(model: BgNbd | ParetoNbd, cut: Cut, weeks: float) -> Terms:
    """What `model` says about the customers of `cut` and the `weeks` behind it."""
    history = (cut.x, cut.t_x, cut.age)
    if isinstance(model, ParetoNbd):
        alive = pareto.p_alive(model, *history)
        expected = alive * pareto.mean_if_alive(model, cut.x, cut.age, np.full(len(cut), weeks))
        any_ = pareto.p_any(model, *history, weeks)
    else:
        alive = bgnbd.p_alive(model, *history)
        expected = bgnbd.expected_purchases(model, *history, weeks)
        any_ = bgnbd.p_any(model, *history, weeks)
    return Terms(expected + LEAST, LEAST + any_ * (1 - 2 * LEAST), alive)
