"""``cdp next-action`` on files: what it writes, that its output is a log, and what it says of what it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cdp.cli import main

ACTIONS = """
budget: 6
exploration: 0.2
actions:
  mail: {value: 10, cost: 1, consent: may_mail}
  call: {value: 40, cost: 3, consent: not_needed, capacity: 1}
"""


def _run(folder: Path, *options: str, actions: str = ACTIONS) -> int:
    (folder / "actions.yaml").write_text(actions)
    with pytest.raises(SystemExit) as left:
        main(["next-action", "--actions", str(folder / "actions.yaml"), "--out", str(folder / "out"), *options])
    return int(left.value.code or 0)


@pytest.fixture
def scores(tmp_path: Path) -> list[str]:
    """One file of scores for each action, and the people."""
    people = pd.DataFrame({"id": [f"{i:03d}" for i in range(40)]})
    mail, call = people.assign(probability=0.3), people.assign(probability=[i / 50 for i in range(40)])
    mail.to_csv(tmp_path / "mail.csv", index=False)
    call.to_parquet(tmp_path / "call.parquet")
    people.assign(may_mail=["yes", "no"] * 20).to_csv(tmp_path / "people.csv", index=False)
    return ["--scores", f"mail={tmp_path}/mail.csv", f"call={tmp_path}/call.parquet", "--people",
            str(tmp_path / "people.csv")]  # fmt: skip


def test_actions_and_summary_are_written_and_with_rewards_they_are_a_log(
    tmp_path: Path, scores: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path, *scores, "--as-of", "2026-03-10") == 0
    rows = pd.read_parquet(tmp_path / "out" / "actions.parquet")
    assert rows.columns.to_list() == [
        "id", "action", "probability", "expected_gain", "cost", "is_explored", "reasons", "as_of"
    ]  # fmt: skip
    assert rows["id"].tolist()[:2] == ["000", "001"] and rows["cost"].sum() <= 6
    assert (rows["action"] == "call").sum() <= 1 and set(rows["action"].dropna()) <= {"mail", "call"}
    assert not (rows["action"] == "mail")[1::2].any()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["people_with_an_action"] == rows["action"].notna().sum()
    assert summary["actions"]["mail"]["closed"]["no consent"] == 20
    rows.assign(reward=1.0).drop(columns="reasons").to_csv(tmp_path / "log.csv", index=False)
    assert _run(tmp_path, *scores, "--as-of", "2026-03-10", "--log", str(tmp_path / "log.csv")) == 0
    evaluation = json.loads((tmp_path / "out" / "summary.json").read_text())["evaluation"]
    assert evaluation["decisions"] == 40 and evaluation["ips"]["mean"] == pytest.approx(1)
    told = capsys.readouterr().out
    assert "of 40 people get an action" in told and "on 40 logged decisions" in told


def test_one_file_with_a_column_action(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("id,action,uplift,may_mail\n7,mail,0.5,1\n7,call,0.01,1\n8,call,0.5,0\n")
    assert _run(tmp_path, "--scores", str(tmp_path / "all.csv"), actions=ACTIONS.replace("0.2", "0")) == 0
    rows = pd.read_parquet(tmp_path / "out" / "actions.parquet")
    assert dict(zip(rows["id"], rows["action"], strict=True)) == {"7": "mail", "8": "call"}
    assert rows["expected_gain"].tolist() == [4, 17] and rows["probability"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("scores", "actions", "code", "message"),
    [
        ("id,action,uplift\n1,mial,0.5\n", ACTIONS, 3, "an action 'mial': did you mean 'mail'"),
        ("id,uplift\n1,0.5\n", ACTIONS, 3, "no column 'action': give one file for each action as NAME=FILE"),
        ("id,action,uplift\n1,call,0.5\n", "actions: {call: {value: 1, concent: x}}", 2, "did you mean 'consent'"),
        ("id,action,uplift\n1,call,0.5\n", "actions: {call: {value: 1}}", 2, "key 'actions.call.consent' is missing"),
        ("id,action,uplift\n1,call,0.5\n", ACTIONS + "at_most: {times: 1, days: 7}", 2, "give --contacts"),
        ("id,action,uplift\n1,call,0.5\n", "budget: -1\n" + ACTIONS[11:], 2, "key 'budget'"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scores: str, actions: str, code: int, message: str
) -> None:
    (tmp_path / "all.csv").write_text(scores)
    assert _run(tmp_path, "--scores", str(tmp_path / "all.csv"), actions=actions) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
