"""The pictures of a list's model: those of the value model (figures.py), of items instead of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cdp.models.figures import (
    Cuts,
    Groups,
    draw_backtest,
    draw_calibration,
    draw_deciles,
    draw_gains,
    draw_importance,
)
from cdp.models.recommendation.backtest_lists import MEASURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(candidates: Mapping[str, Cuts], groups: Groups, importance: Mapping[str, float]) -> dict[str, Figure]:
    """File -> picture; only the importance where nothing could be judged.

    `candidates`: name -> figures on the earlier days, the simple one first; `groups`: listed items by their chance.
    """
    found = {"importance.png": draw_importance(importance, title="What the order of the lists looks at")}
    if not groups:
        return found
    title = "Bought within four weeks, ten groups of listed items"
    return found | {
        "backtest.png": draw_backtest(candidates, measures=(*MEASURES, "calibration_error")),
        "calibration.png": draw_calibration(groups, of="listed items", title=title),
        "gains.png": draw_gains({"items that were bought": groups}, of="listed items"),
        "deciles.png": draw_deciles(groups, of="share that was bought", title=title),
    }
