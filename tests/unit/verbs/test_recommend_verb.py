"""``cdp recommend`` on files: what it writes, and what it says of a command that it cannot follow."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cdp.cli import main

PURCHASES = """customer_id,at,item_id,price
007,2026-01-01,milk,1
007,2026-01-08T10:00:00Z,milk,1
007,2026-01-15,bread,2
8,2026-01-02 09:30:00,bread,2
8,2026-01-10,milk,1
8,2026-01-10,salt,1
9,,salt,1
10,2026-01-16,salt,1
"""


def _run(folder: Path, *options: str) -> int:
    (folder / "purchases.csv").write_text(PURCHASES)
    with pytest.raises(SystemExit) as left:
        main(["recommend", "--purchases", str(folder / "purchases.csv"), "--out", str(folder / "out"), *options])
    return int(left.value.code or 0)


def test_lists_and_summary_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, "--as-of", "2026-01-15", "--k", "2") == 0
    lists = pd.read_parquet(tmp_path / "out" / "recommendations.parquet")
    assert lists.columns.to_list() == [
        "customer_id", "rank", "item_id", "score", "part", "rank_in_part", "expected_on"]  # fmt: skip
    assert lists["customer_id"].unique().tolist() == ["007", "8"]  # text stays text; 10 only comes later
    first = lists.set_index(["customer_id", "part", "rank_in_part"])["item_id"]
    assert first["007", "repeat", 1] == "milk"
    assert first["007", "explore", 1] == "salt"
    assert len(lists.query("customer_id == '8'")) == 2  # of three items it has bought all: two repeat, none to explore
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["customers"], summary["rows_left_out"], summary["metrics"]) == (2, 1, {})
    assert "too little history" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--as-of", "2025-12-31"), 3, "the first is of 2026-01-01"),
        (("--as-of", "yesterday"), 2, "YYYY-MM-DD"),
        (("--as-of", "2026-01-15", "--k", "0"), 2, "1 or more"),
    ],
)
def test_a_command_that_cannot_be_followed_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, message: str
) -> None:
    assert _run(tmp_path, *options) == code
    assert message in capsys.readouterr().err
