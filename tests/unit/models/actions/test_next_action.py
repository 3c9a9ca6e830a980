"""From scores, people and contacts to actions: consent, caps, errors; and what choosing is worth."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cdp.core.errors import ConfigError, ContractError
from cdp.models.actions.contacts import read_contacts
from cdp.models.actions.next_action import NextActions, choose_actions, evaluate_on_log
from cdp.models.actions.off_policy import read_log
from cdp.models.actions.offers import collect_offers, split_by_action
from cdp.models.actions.rules import ActionRules

DAY = date(2026, 3, 10)


def _rules(**given: Any) -> ActionRules:
    actions = {"mail": {"value": 10, "cost": 1, "consent": "may_mail"}, "call": {"value": 40, "consent": "not_needed"}}
    return ActionRules.model_validate({"exploration": 0, "actions": actions, **given})


def _choose(scores: dict[str, dict[str, list[Any]]], rules: ActionRules, **given: Any) -> NextActions:
    frames = {name: pd.DataFrame(columns) for name, columns in scores.items()}
    return choose_actions(collect_offers(frames, rules, **given), rules, as_of=given.get("as_of"))


def _actions(found: NextActions) -> dict[str, Any]:
    return dict(zip(found.people["id"], found.people["action"], strict=True))


def test_each_gets_what_gains_most_of_what_is_open_with_the_reason() -> None:
    people = pd.DataFrame({"id": [1, 2, 3, 4], "may_mail": ["yes", "no", None, "yes"], "margin": [400, 5, 5, 5]})
    rules = _rules(actions={"mail": {"value": 10, "cost": 1, "consent": "may_mail"},
                            "call": {"value": "margin", "cost": 2, "consent": "not_needed"}})  # fmt: skip
    found = _choose({"mail": {"id": [4, 3, 2, 1], "probability": [0.05, 0.9, 0.9, 0.9]},
                     "call": {"id": [1, 2], "uplift": [0.1, 0.5]}}, rules, people=people)  # fmt: skip
    assert _actions(found) == {"1": "call", "2": "call", "3": None, "4": None}
    one, two, three, four = found.people["reasons"]
    assert one == ["uplift 0.1 x 400.00 - cost 2.00 = 38.00"]
    assert two == ["uplift 0.5 x 5.00 - cost 2.00 = 0.50", "mail (8.00): no consent"]
    assert three == ["mail (8.00): no consent", "call: no score"]
    assert "mail (-0.50): not expected to bring more than it costs" in four
    assert found.summary["actions"]["mail"]["closed"]["no consent"] == 2
    assert found.summary["expected_gain"] == 38.5
    assert any(w.startswith("mail: scored by a probability") for w in found.summary["warnings"])


def test_caps_count_the_days_they_look_back_to() -> None:
    rules = _rules(at_most={"times": 2, "days": 7}, actions={
        "mail": {"value": 10, "consent": "not_needed", "at_most": {"times": 1, "days": 2}},
        "call": {"value": 5, "consent": "not_needed"},
    })  # fmt: skip
    contacts = read_contacts(pd.DataFrame(
        [("a", "mail", "2026-03-09T23:59:59Z"), ("b", "mail", "2026-03-08"), ("c", "call", "2026-03-04"),
         ("c", "call", "2026-03-10 08:00"), ("d", "call", "2026-03-03"), ("d", "call", "2026-03-10"),
         ("e", None, "2026-03-10"), ("e", "mail", "2026-03-11"), ("e", "mail", " 9999-12-31 ")],
        columns=["id", "action", "at"],
    ))  # fmt: skip
    score = {"id": list("abcde"), "probability": [0.5] * 5}
    found = _choose({"mail": score, "call": score}, rules, contacts=contacts, as_of=DAY)
    assert _actions(found) == {"a": "call", "b": "mail", "c": None, "d": "mail", "e": "mail"}
    assert found.people["reasons"][0][1] == "mail (5.00): shown often enough lately"
    assert found.people["reasons"][2] == ["mail (5.00): contacted often enough lately",
                                          "call (2.50): contacted often enough lately"]  # fmt: skip


def test_the_order_of_rows_and_how_ids_are_written_change_nothing() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": range(500), "probability": np.round(rng.random(500), 1)})
    rules = _rules(budget=60, exploration=0.1, actions={"mail": {"value": 9, "cost": 1, "consent": "not_needed"}})
    mixed = frame.sample(frac=1, random_state=3).astype({"id": float})
    first, second = (choose_actions(collect_offers({"mail": f}, rules), rules) for f in (frame, mixed))
    pd.testing.assert_frame_equal(first.people, second.people)
    assert first.summary == second.summary and first.summary["budget"]["used"] <= 60


@pytest.mark.parametrize(
    ("scores", "kind", "message"),
    [
        ({"mail": {"id": [1], "p": [0.5]}}, ContractError, "mail: no column 'uplift' and none 'probability'"),
        ({"mail": {"id": [1], "probability": [1.5]}}, ContractError, "1 values of probability lie outside 0 to 1"),
        ({"mail": {"id": [1, 1], "probability": [0.5, 0.5]}}, ContractError, "mail: 1 rows repeat an id"),
        ({"mail": {"id": [1], "probability": [0.5]}}, ContractError, "column 'may_mail' is neither among"),
        (
            {"mail": {"id": [1], "probability": [0.5], "may_mail": ["perhaps"]}},
            ContractError,
            "may_mail of consents: 1 of",
        ),
        ({}, ContractError, "no action has a score: the actions are call, mail"),
    ],
)
def test_scores_that_cannot_be_used_are_named(scores: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        _choose(scores, _rules())


def test_fillers_are_no_money() -> None:
    offer = {"mail": {"id": [1, 2], "probability": [0.5, 0.5], "margin": [1e200, 7]}}
    rules = _rules(actions={"mail": {"value": "margin", "consent": "not_needed"}})
    with pytest.raises(ContractError, match=r"action mail: column margin: 1 values lie beyond 1e\+15, such as 1e\+200"):
        _choose(offer, rules)
    with pytest.raises(ValidationError, match="less than or equal to 1000000000000000"):
        _rules(actions={"mail": {"value": 1e308, "consent": "not_needed"}})


NO_ACTION = [None, np.nan, "", "  "]


def test_a_row_without_an_action_is_a_decision_for_none_in_contacts_and_logs_and_refused_among_scores() -> None:
    rules = _rules(at_most={"times": 1, "days": 7}, actions={"mail": {"value": 10, "consent": "not_needed"}})
    ids = [1, 2, 3, 4, 5]
    contacts = read_contacts(pd.DataFrame({"id": ids, "action": [*NO_ACTION, " mail "], "at": ["2026-03-09"] * 5}))
    found = _choose({"mail": {"id": ids, "probability": [0.5] * 5}}, rules, contacts=contacts, as_of=DAY)
    assert _actions(found) == {"1": "mail", "2": "mail", "3": "mail", "4": "mail", "5": None}
    log = pd.DataFrame({"id": ids, "action": [*NO_ACTION, "mail"], "probability": [0.5] * 5, "reward": [0.0] * 5})
    assert read_log(log, ("mail",)).choice.tolist() == [0, 0, 0, 0, 1]
    assert not any("does not know" in warning for warning in evaluate_on_log(found, log)["warnings"])
    with pytest.raises(ContractError, match="the scores have 4 of 5 rows without an action"):
        split_by_action(log, ["mail"])
    for name in ("", " "):
        with pytest.raises(ValidationError, match="a name is not empty"):
            _rules(actions={name: {"value": 1, "consent": "not_needed"}})


def test_caps_without_contacts_are_refused_rather_than_ignored() -> None:
    with pytest.raises(ConfigError, match="at_most caps contacts"):
        _choose({"call": {"id": [1], "probability": [0.5]}}, _rules(at_most={"times": 1, "days": 7}))


def _simulated_company(people: int = 4000, seed: int = 1) -> tuple[dict[str, pd.DataFrame], ActionRules, np.ndarray]:
    """Scores with errors, rules with a budget for some, and the true gain of none and each action for each person."""
    rng = np.random.default_rng(seed)
    names, value, cost = ("call", "coupon", "mail"), np.array([60.0, 25.0, 12.0]), np.array([6.0, 3.0, 0.5])
    truth = rng.beta([1.5, 2, 3], [12, 10, 20], (people, 3))
    score = np.clip(truth * np.exp(rng.normal(0, 0.3, truth.shape)), 0, 1)
    rules = ActionRules.model_validate({"budget": 0.8 * people, "exploration": 0.1, "actions": {
        n: {"value": v, "cost": c, "consent": "not_needed"} for n, v, c in zip(names, value, cost, strict=True)
    }})  # fmt: skip
    scores = {n: pd.DataFrame({"id": range(people), "uplift": score[:, i]}) for i, n in enumerate(names)}
    return scores, rules, np.column_stack([np.zeros(people), truth * value - cost])


def _spend_in_turn(choice: np.ndarray, cost: np.ndarray, budget: float) -> np.ndarray:
    """The choices of the first people for whom the budget lasts."""
    money = np.concatenate([[0.0], cost])[choice]
    return np.where(np.cumsum(money) <= budget, choice, 0)


def test_it_brings_far_more_than_the_likeliest_action_or_any_and_the_log_tells_so() -> None:
    scores, rules, truth = _simulated_company()
    rng, rows = np.random.default_rng(2), np.arange(len(truth))
    cost = np.array([6.0, 3.0, 0.5])
    found = choose_actions(collect_offers(scores, rules), rules)
    order = np.array([int(i) for i in found.people["id"]])
    ours = truth[order, found.policy.choice].sum()
    score = np.column_stack([scores[n]["uplift"] for n in rules.names])
    likeliest = truth[rows, _spend_in_turn(1 + score.argmax(axis=1), cost, rules.budget or 0)].sum()
    anything = truth[rows, _spend_in_turn(rng.integers(1, 4, len(rows)), cost, rules.budget or 0)].sum()
    assert ours > 1.5 * likeliest and ours > 2 * anything
    assert found.summary["budget"]["used"] <= 0.8 * len(truth)
    assert found.summary["plan"]["below_best_at_most"] < 1e-3

    shown = rng.integers(0, 4, len(rows))  # a log of chance alone
    names = np.array([None, *rules.names], dtype=object)
    log = pd.DataFrame({"id": rows, "action": names[shown], "probability": 0.25,
                        "reward": truth[rows, shown] + np.random.default_rng(3).normal(0, 5, len(rows))})  # fmt: skip
    report = evaluate_on_log(found, log)
    value = (found.policy.probability * truth[order]).sum(axis=1).mean()
    assert report["doubly_robust"]["low"] <= value <= report["doubly_robust"]["high"]
    assert report["gain"]["low"] > 0 and report["left_out"] == 0 and not report["warnings"]
    half = evaluate_on_log(found, pd.concat([log[::2], log[::2].assign(id="nobody")]))
    assert half["left_out"] == half["decisions"] == len(rows) // 2
