"""Which past days a forecast learns from: cuts whose window is over, as many as the history allows."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CUTS = 6
STEP_WEEKS = 4.0  # distance of two cuts: less where the history is short, more where the windows are long
MIN_HISTORY_WEEKS = 4.0  # before a cut, so that there is something to look back on
SHARE_OF_HISTORY = 0.45  # the longest past window: where that is less than the horizon, it is shorter than that
MIN_CUTS = 3  # where a shorter window makes room for them
LOOK_BACKS = (4, 8, 13, 26, 52)


@dataclass(frozen=True)
class CutPlan:
    """`days` of the past cuts, newest first; `window_weeks` behind each; `look_backs` that fit before all of them."""

    days: tuple[int, ...]
    window_weeks: float
    look_backs: tuple[int, ...]


def plan_cuts(first_day: int, as_of: int, horizon_weeks: float) -> CutPlan:
    """The cuts before `as_of` (days since 1970) of a history that begins at `first_day`; none where it is too short."""
    history = (as_of - first_day) / 7.0
    longest = min(SHARE_OF_HISTORY * history, history - MIN_HISTORY_WEEKS - (MIN_CUTS - 1))
    window = horizon_weeks if horizon_weeks <= longest else max(1.0, float(int(longest)))
    before = max(0.6 * window, MIN_HISTORY_WEEKS)
    room = history - window - before
    step = max(1.0, min(max(STEP_WEEKS, window / (MAX_CUTS - 1)), room / (MAX_CUTS - 1)))
    days = [as_of - round(7 * (window + k * step)) for k in range(MAX_CUTS)]
    days = [day for day in days if (day - first_day) / 7.0 >= before]
    shortest = (min(days) - first_day) / 7.0 if days else 0.0
    return CutPlan(tuple(days), window, tuple(w for w in LOOK_BACKS if w <= max(shortest, LOOK_BACKS[0])))
