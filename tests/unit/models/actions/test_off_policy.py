"""Off-line evaluation on simulated logs whose truth is known: unbiased, within its interval, and loud where blind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cdp.core.errors import ContractError
from cdp.models.actions.off_policy import evaluate_policy, read_log

NAMES = ("call", "mail")
PEOPLE = 1200


def _simulated(seed: int, *, explored: float = 0.3) -> tuple[dict[str, Any], float]:
    """The report on one log of a policy that prefers `mail`, about one that takes the better; and that one's truth."""
    rng = np.random.default_rng(seed)
    x = rng.random(PEOPLE)
    rate = np.column_stack([np.full(PEOPLE, 0.2), 0.1 + 0.5 * x, 0.5 - 0.3 * x])
    logging = np.full((PEOPLE, 3), explored / 3) + np.array([0, 0, 1 - explored])
    choice = np.array([rng.choice(3, p=p) for p in logging])
    rows = np.arange(PEOPLE)
    reward = 10.0 * (rng.random(PEOPLE) < rate[rows, choice])
    log = pd.DataFrame({"id": rows, "action": np.array([None, *NAMES], dtype=object)[choice],
                        "probability": logging[rows, choice], "reward": reward})  # fmt: skip
    target = np.full((PEOPLE, 3), 0.05 / 3)
    target[rows, rate.argmax(axis=1)] += 0.95
    expected = np.column_stack([np.zeros(PEOPLE), x, 1 - x])  # in the right order, on a scale of its own
    return evaluate_policy(read_log(log, NAMES), target, expected), float((target * rate * 10).sum(axis=1).mean())


def test_all_three_are_unbiased_their_intervals_hold_the_truth_and_two_are_narrower() -> None:
    runs = [_simulated(seed) for seed in range(100)]
    width = {}
    for name in ("ips", "snips", "doubly_robust"):
        errors = np.array([report[name]["mean"] - truth for report, truth in runs])
        inside = np.mean([report[name]["low"] <= truth <= report[name]["high"] for report, truth in runs])
        assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(runs)), name
        assert 0.89 <= inside <= 0.99, name
        width[name] = np.mean([report[name]["high"] - report[name]["low"] for report, _ in runs])
    assert max(width["doubly_robust"], width["snips"]) < 0.9 * width["ips"]
    report = runs[0][0]
    assert report["gain"]["mean"] == pytest.approx(report["doubly_robust"]["mean"] - report["logged"]["mean"])
    assert 150 < report["effective_decisions"] < PEOPLE and report["mean_weight"] == pytest.approx(1, abs=0.15)


def test_a_log_of_the_policy_itself_is_its_mean() -> None:
    log = read_log(pd.DataFrame({"id": list("abcd"), "action": ["mail", None, "mail", None],
                                 "probability": [0.5] * 4, "reward": [3.0, 1.0, 5.0, 1.0]}), NAMES)  # fmt: skip
    report = evaluate_policy(log, np.tile([0.5, 0, 0.5], (4, 1)), np.zeros((4, 3)))
    assert report["ips"]["mean"] == report["snips"]["mean"] == report["logged"]["mean"] == 2.5
    assert report["effective_decisions"] == 4
    assert "evidence is that of 4 decisions" in report["warnings"][0]


def test_a_log_without_support_is_told() -> None:
    rng = np.random.default_rng(1)
    size = 2000
    log = read_log(pd.DataFrame({"id": range(size), "action": "mail", "probability": 0.5, "reward": rng.random(size)}),
                   NAMES)  # fmt: skip
    report = evaluate_policy(log, np.tile([0.0, 0.6, 0.4], (size, 1)), np.zeros((size, 3)))
    assert any("never shows 60.0%" in w for w in report["warnings"])
    assert any("weights average 0.800" in w for w in report["warnings"])


def test_decisions_of_one_person_are_one_piece_of_evidence() -> None:
    one = pd.DataFrame({"id": range(500), "action": "mail", "probability": 1.0, "reward": np.arange(500) % 7})
    policy, expected = np.tile([0.0, 0, 1], (500, 1)), np.zeros((500, 3))
    alone = evaluate_policy(read_log(one, NAMES), policy, expected)["ips"]
    thrice = evaluate_policy(read_log(pd.concat([one] * 3), NAMES), np.tile(policy, (3, 1)), np.tile(expected, (3, 1)))
    assert thrice["ips"]["high"] == pytest.approx(alone["high"]) and thrice["people"] == 500


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("probability", 0.0, "1 of 2 rows without a probability above 0"),
        ("probability", "often", "1 of 2 rows without a probability"),
        ("reward", None, "1 of 2 rows without a reward"),
        ("id", None, "1 of 2 rows without an id"),
        ("reward", 1e200, r"log: column reward: 1 values lie beyond 1e\+15"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused(column: str, value: Any, message: str) -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "action": ["mail", None], "probability": [0.5, 0.5], "reward": [1.0, 0.0]})
    rows[column] = [rows[column][0], value]
    with pytest.raises(ContractError, match=message):
        read_log(rows, NAMES)
    with pytest.raises(ContractError, match="log: no column 'reward'"):
        read_log(rows.drop(columns="reward"), NAMES)
