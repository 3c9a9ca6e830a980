"""Pictures of a trained model: are its probabilities true, whom does it find, did it hold, what does it look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Groups = Sequence[tuple[int, float, float]]  # people, mean predicted, mean actual: lowest predictions first
Cuts = Mapping[str, Mapping[str, float]]  # past cut (ISO day) -> figures

OURS, THEIRS = "#2a6f97", "#f4a259"
SHOWN = 15  # features of the importance
MOST = 8  # the last bar holds this many repeat purchases and more


def draw_calibration(groups: Groups, *, of: str, title: str) -> Figure:
    """Predicted against observed share, in groups of people; the diagonal is perfect. `of`: whose share it is."""
    figure, axes = _blank(5.2)
    limit = min(1.0, 1.1 * max(max(p, a) for _, p, a in groups)) or 1.0  # what is rare is not a corner of the picture
    axes.plot([0, limit], [0, limit], color="0.75", linewidth=1)
    axes.plot([p for _, p, _ in groups], [a for _, _, a in groups], marker="o", color=OURS)
    axes.set(xlabel=f"predicted share of {of}", ylabel=f"observed share of {of}", title=title)
    axes.set(xlim=(0, limit), ylim=(0, limit))
    return figure


def _blank(width: float) -> tuple[Figure, Axes]:
    """A picture of this width (inches) and the usual height, with nothing drawn yet."""
    from matplotlib.figure import Figure  # pyplot would start a window system

    figure = Figure(figsize=(width, 4.6), layout="constrained")
    return figure, figure.add_subplot()


def draw_gains(found: Mapping[str, Groups], *, of: str) -> Figure:
    """The share of what is found (name -> groups, two at most) among the best-scored; the diagonal is chance.

    `of`: what is scored.
    """
    figure, axes = _blank(5.2)
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
    for (name, groups), colour in zip(found.items(), (OURS, THEIRS), strict=False):
        axes.plot(*gains_curve(groups), marker="o", label=name, color=colour)
    axes.set(xlabel=f"share of {of}, best score first", ylabel="share found", xlim=(0, 1), title="What the score finds")
    axes.legend(frameon=False)
    return figure


def gains_curve(groups: Groups) -> tuple[list[float], list[float]]:
    """(share of people, share of the actual total) from 0 to 1, the group with the highest prediction first."""
    people = np.array([n for n, _, _ in reversed(groups)], dtype=np.float64)
    total = people * np.array([actual for _, _, actual in reversed(groups)])
    x, y = (np.cumsum(part) / max(part.sum(), 1e-300) for part in (people, total))
    return [0.0, *x.tolist()], [0.0, *y.tolist()]


def draw_deciles(groups: Groups, *, of: str, title: str) -> Figure:
    """Predicted beside actual means of groups of people, from least to most predicted. `of`: what they are means of."""
    figure, axes = _blank(5.6)
    place = np.arange(1, len(groups) + 1)
    axes.bar(place - 0.2, [a for _, _, a in groups], width=0.4, label="actual", color=OURS)
    axes.bar(place + 0.2, [p for _, p, _ in groups], width=0.4, label="predicted", color=THEIRS)
    axes.set_xticks(place)
    axes.set(xlabel="group, the least predicted first", ylabel=of, title=title)
    axes.legend(frameon=False)
    return figure


def draw_backtest(forms: Mapping[str, Cuts], *, measures: Sequence[str]) -> Figure:
    """Measures (six at most) of two forms by name at each past cut, the simple form first and the cuts oldest first.

    The simple form's line is broader: where both say the same it is seen behind the other.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.2), layout="constrained")
    cuts, panels = sorted({cut for found in forms.values() for cut in found}), list(figure.subplots(2, 3).flat)
    for axes, measure in zip(panels, measures, strict=False):
        for (name, found), colour, width in zip(forms.items(), (THEIRS, OURS), (4.0, 1.5), strict=False):
            values = [found.get(cut, {}).get(measure, float("nan")) for cut in cuts]
            axes.plot(range(len(cuts)), values, marker="o", label=name, color=colour, linewidth=width)
        axes.set_xticks(range(len(cuts)), cuts, fontsize=7)
        axes.set_title(measure, fontsize=9)
    for axes in panels[len(measures) :]:
        axes.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_importance(sizes: Mapping[str, float], *, title: str) -> Figure:
    """What moves a probability: feature in words -> mean absolute push on its logit; the largest are shown."""
    figure, axes = _blank(6.6)
    shown = sorted(sizes.items(), key=lambda s: (-s[1], s[0]))[:SHOWN][::-1]
    axes.barh([name for name, _ in shown], [size for _, size in shown], color=OURS)
    axes.tick_params(axis="y", labelsize=8)
    axes.set(xlabel="mean absolute push on the log-odds", title=title)
    return figure


def draw_frequency(purchases: pd.DataFrame, model: BgNbd) -> Figure:
    """People by number of repeat purchases: observed, and expected by BG/NBD for the same ages."""
    observed, expected = frequency_table(purchases, model)
    figure, axes = _blank(5.6)
    place = np.arange(MOST + 1)
    axes.bar(place - 0.2, observed, width=0.4, label="observed", color=OURS)
    axes.bar(place + 0.2, expected, width=0.4, label="BG/NBD", color=THEIRS)
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
