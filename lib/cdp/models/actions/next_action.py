"""The next best action of everybody: offers in, one action a person or none out, with the reason and a summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from cdp.models.actions.allocate import Plan, allocate
from cdp.models.actions.draw import Policy, carry_out, draws_of
from cdp.models.actions.off_policy import evaluate_policy, read_log
from cdp.models.actions.offers import OPEN, Offers
from cdp.models.actions.prices import Limits, use_of
from cdp.models.actions.rules import ActionRules
from cdp.models.actions.why import STATES, tell_why
from cdp.models.propensity.propensity_metrics import plain


@dataclass(frozen=True)
class NextActions:
    """`people`: one row a person by id: id (text), action (null: none), probability (with which just this was chosen),
    expected_gain (money, 0 for none), cost, is_explored, reasons; the offers, plan and policy behind; and the summary.
    """

    people: pd.DataFrame
    offers: Offers
    plan: Plan
    policy: Policy
    summary: dict[str, Any]


def choose_actions(offers: Offers, rules: ActionRules, *, as_of: date | None = None) -> NextActions:
    """Choose for everybody: the plan with the largest expected gain within the rules' limits, and its exploration.

    `as_of`: the day of the decision; with the rules' seed it settles the draws.
    """
    limits = limits_of(rules)
    cost = np.where(offers.state == OPEN, offers.cost, 0.0)
    draws = draws_of(offers.ids, len(offers.actions), seed=f"{rules.seed}|{as_of or ''}")
    plan = allocate(offers.open_gain, cost, limits, luck=draws.ties)
    policy = carry_out(plan, offers.open_gain, cost, limits, draws=draws, exploration=rules.exploration)
    names = np.array([None, *offers.actions], dtype=object)
    rows = np.arange(len(offers.ids))
    chosen = np.maximum(policy.choice - 1, 0)
    people = pd.DataFrame(
        {
            "id": offers.ids,
            "action": pd.Series(names[policy.choice], dtype=object),
            "probability": policy.of_choice,
            "expected_gain": np.where(policy.choice > 0, offers.gain[rows, chosen], 0.0),
            "cost": np.where(policy.choice > 0, cost[rows, chosen], 0.0),
            "is_explored": policy.is_drawn,
            "reasons": pd.Series(tell_why(offers, plan, policy), dtype=object),
        }
    )
    return NextActions(people, offers, plan, policy, plain(_summary(offers, rules, plan, policy, people)))


def evaluate_on_log(found: NextActions, log: pd.DataFrame) -> dict[str, Any]:
    """What the choices would have brought on logged decisions (off_policy.py), for the people that have scores.

    The report of `evaluate_policy`, and how many decisions were left out since their people have no score.
    """
    whole = read_log(log, found.offers.actions)
    place = pd.Index(found.offers.ids).get_indexer(pd.Index(whole.person))
    kept = place >= 0
    if not kept.any():
        return {"decisions": 0, "left_out": len(kept), "warnings": ["nobody in the log has a score"]}
    expected = np.column_stack([np.zeros(len(found.offers.ids)), np.nan_to_num(found.offers.gain)])
    report = evaluate_policy(whole.of(kept), found.policy.probability[place[kept]], expected[place[kept]])
    left_out = int((~kept).sum())
    if left_out:
        report["warnings"].append(f"{left_out} decisions were left out: their people have no score")
    return dict(plain({**report, "left_out": left_out}))


def limits_of(rules: ActionRules) -> Limits:
    """The budget and capacities, in the order of the names."""
    capacities = (rules.actions[name].capacity for name in rules.names)
    capacity = np.array([np.inf if c is None else float(c) for c in capacities])
    return Limits(np.inf if rules.budget is None else rules.budget, capacity)


def _summary(offers: Offers, rules: ActionRules, plan: Plan, policy: Policy, people: pd.DataFrame) -> dict[str, Any]:
    used = use_of(policy.choice, np.nan_to_num(offers.cost))
    actions = {
        name: {
            "people": int(used[i + 1]),
            "capacity": rules.actions[name].capacity,
            "expected_gain": float(people["expected_gain"][policy.choice == i + 1].sum()),
            "cost": float(people["cost"][policy.choice == i + 1].sum()),
            "worth_of_one_more": float(plan.prices[i + 1]),
            "scored_by": "uplift" if offers.by_uplift[i] else "probability",
            "closed": {told: int((offers.state[:, i] == state).sum()) for state, told in STATES.items()},
        }
        for i, name in enumerate(offers.actions)
    }
    return {
        "people": len(people),
        "people_with_an_action": int((policy.choice > 0).sum()),
        "expected_gain": float(people["expected_gain"].sum()),
        "plan": {"expected_gain": plan.gain, "at_most": plan.bound, "below_best_at_most": _share(plan)},
        "budget": {"given": rules.budget, "used": float(used[0]), "worth_of_one_more": float(plan.prices[0])},
        "exploration": {
            "asked": rules.exploration,
            "share": policy.share,
            "people": int(policy.is_drawn.sum()),
            "choices_changed": int((policy.choice != plan.choice).sum()),
        },
        "actions": actions,
        "warnings": _warnings(offers, rules, policy),
    }


def _share(plan: Plan) -> float:
    return 1 - plan.gain / plan.bound if plan.bound > 0 else 0.0


def _warnings(offers: Offers, rules: ActionRules, policy: Policy) -> list[str]:
    found = []
    if plain_scores := [n for n, u in zip(offers.actions, offers.by_uplift, strict=True) if not u]:
        found.append(
            f"{', '.join(plain_scores)}: scored by a probability, so what people would do anyway counts as gain; where "
            "an action was tested on a random part, give its uplift"
        )
    for i, name in enumerate(offers.actions):
        if not (offers.state[:, i] == OPEN).any():
            found.append(f"{name}: open to nobody, see 'closed'")
    if rules.exploration and policy.share < rules.exploration / 2:
        found.append(
            f"only {policy.share:.2%} of the people could be given to exploration ({rules.exploration:.0%} was asked): "
            "budget and capacities are small beside what is open"
        )
    if not rules.exploration:
        found.append("no exploration: the log will only know what these choices brought, not what others would have")
    return found
