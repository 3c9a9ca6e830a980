"""Why a person gets an action or none, in words."""

from __future__ import annotations

import numpy as np

from cdp.models.actions.allocate import Plan
from cdp.models.actions.draw import Policy
from cdp.models.actions.offers import (
    NO_CONSENT,
    NO_GAIN,
    NO_SCORE,
    OPEN,
    SHOWN_ENOUGH,
    SHOWN_ENOUGH_OF_ALL,
    Offers,
)

#: why an action is closed to a person
STATES = {
    NO_SCORE: "no score",
    NO_CONSENT: "no consent",
    SHOWN_ENOUGH: "shown often enough lately",
    SHOWN_ENOUGH_OF_ALL: "contacted often enough lately",
    NO_GAIN: "not expected to bring more than it costs",
}


def tell_why(offers: Offers, plan: Plan, policy: Policy) -> list[list[str]]:
    """For each person: the arithmetic of the choice, how it came about, and why not what would have brought more."""
    columns = (offers.state, np.nan_to_num(offers.gain), offers.score, offers.value, offers.cost)
    told = []
    choices = zip(policy.choice.tolist(), plan.choice.tolist(), policy.is_drawn.tolist(), strict=True)
    for (chosen, planned, is_drawn), (state, gain, score, value, cost) in zip(
        choices, zip(*(c.tolist() for c in columns), strict=True), strict=True
    ):
        reasons = []
        if chosen:
            a = chosen - 1
            kind = "uplift" if offers.by_uplift[a] else "probability"
            reasons.append(f"{kind} {score[a]:.3g} x {value[a]:.2f} - cost {cost[a]:.2f} = {gain[a]:.2f}")
        reasons += _how(offers.actions, chosen, planned, is_drawn)
        told.append(
            reasons + _why_not(offers.actions, state, gain, chosen, is_planned=not is_drawn and chosen == planned)
        )
    return told


def _how(names: tuple[str, ...], chosen: int, planned: int, is_drawn: bool) -> list[str]:
    if is_drawn:
        instead = f"; planned was {names[planned - 1] if planned else 'nothing'}" if chosen != planned else ""
        return [f"drawn to explore{instead}"]
    if chosen != planned:
        return [f"{names[planned - 1]} was planned, but exploration had used up what there was of it"]
    return []


def _why_not(
    names: tuple[str, ...], state: list[int], gain: list[float], chosen: int, *, is_planned: bool
) -> list[str]:
    """What would have gained more and why it was not taken; for nothing chosen, also what would not have gained."""
    reached = gain[chosen - 1] if chosen else 0.0
    told = []
    for a in sorted(range(len(names)), key=lambda a: -gain[a]):
        if state[a] == OPEN and gain[a] > reached and is_planned:
            told.append(f"{names[a]} ({gain[a]:.2f}): budget or capacity brings more elsewhere")
        elif state[a] in (NO_CONSENT, SHOWN_ENOUGH, SHOWN_ENOUGH_OF_ALL) and gain[a] > reached:
            told.append(f"{names[a]} ({gain[a]:.2f}): {STATES[state[a]]}")
        elif not chosen and state[a] == NO_GAIN:
            told.append(f"{names[a]} ({gain[a]:.2f}): {STATES[NO_GAIN]}")
        elif not chosen and state[a] == NO_SCORE:
            told.append(f"{names[a]}: {STATES[NO_SCORE]}")
    return told
