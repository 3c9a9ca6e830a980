"""The pictures of a declared model: those of the value model (figures.py), of a probability alone."""

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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKTEST = ("auc", "log_loss", "brier", "calibration_error", "bias")
_SIMPLE = "base rate"


def draw(
    candidates: Mapping[str, Cuts], method: str, groups: Groups, importance: Mapping[str, float], horizon_weeks: int
) -> dict[str, Figure]:
    """File -> picture. Where the base rate scores nobody is ranked: then only the past cuts are drawn.

    `candidates`: name -> figures on the past cuts, the base rate among them; `groups`: people by what `method` says.
    """
    simple_first = dict(sorted(candidates.items(), key=lambda pair: pair[0] != _SIMPLE))
    backtest = draw_backtest(simple_first, measures=BACKTEST)
    if method == _SIMPLE:
        return {"backtest.png": backtest}
    title = f"Happened within {horizon_weeks} weeks, ten groups of people"
    return {
        "backtest.png": backtest,
        "calibration.png": draw_calibration(groups, of="people", title=title),
        "gains.png": draw_gains({"people to whom it happened": groups}, of="people"),
        "deciles.png": draw_deciles(groups, of="share to whom it happened", title=title),
        "importance.png": draw_importance(importance, title="What the score looks at"),
    }
