"""Two pictures of a trained model: are its probabilities true, and does it know how often people buy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 8  # the last bar holds this many repeat purchases and more


def draw_calibration(groups: Sequence[tuple[int, float, float]], horizon_weeks: int) -> Figure:
    """Predicted against observed share of buyers, in ten groups; the diagonal is perfect."""
    from matplotlib.figure import Figure  # pyplot would start a window system

    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
    axes.plot([p for _, p, _ in groups], [a for _, _, a in groups], marker="o", color="#2a6f97")
    axes.set(
        xlabel="predicted share of buyers",
        ylabel="observed share of buyers",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"Bought within {horizon_weeks} weeks, ten groups of people",
    )
    return figure


def draw_frequency(purchases: pd.DataFrame, model: BgNbd) -> Figure:
    """People by number of repeat purchases: observed, and expected by the model for the same ages."""
    from matplotlib.figure import Figure

    observed, expected = frequency_table(purchases, model)
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.add_subplot()
    place = np.arange(MOST + 1)
    axes.bar(place - 0.2, observed, width=0.4, label="observed", color="#2a6f97")
    axes.bar(place + 0.2, expected, width=0.4, label="model", color="#f4a259")
    axes.set_xticks(place, [*map(str, range(MOST)), f"{MOST}+"])
    axes.set(xlabel="repeat purchase days", ylabel="people", title="How often people bought again")
    axes.legend(frameon=False)
    return figure


def frequency_table(purchases: pd.DataFrame, model: BgNbd) -> tuple[np.ndarray, np.ndarray]:
    """(observed, expected) people with 0, 1, ... `MOST` or more repeat purchases."""
    x, age, people = (purchases[c].to_numpy(dtype="float64") for c in ("x", "age", "people"))
    observed = np.bincount(np.minimum(x, MOST).astype(int), weights=people, minlength=MOST + 1)
    ages, row = np.unique(age, return_inverse=True)
    at_age = np.bincount(row, weights=people)
    at_least = [at_age.sum()] + [float(at_age @ bgnbd.p_at_least(model, n, 0.0, 0.0, ages)) for n in range(1, MOST + 1)]
    return observed, np.array([*(a - b for a, b in pairwise(at_least)), at_least[-1]])
