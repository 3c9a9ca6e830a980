"""``cdp loyalty`` from a file to files."""

from __future__ import annotations

import json

import pandas as pd
from rich.console import Console

from cdp.cli import build_parser
from cdp.verbs import transactions


def test_everybody_who_bought_by_then_gets_a_score_a_state_and_reasons(spark, monkeypatch, tmp_path):
    monkeypatch.setattr(transactions, "open_session", lambda name: spark)
    weekly = [f"{who};2026-0{1 + week // 4}-{1 + 7 * (week % 4):02d};10" for who in ("007", "8") for week in range(8)]
    lines = ["Kunde;Zeit;Summe", *weekly, *(f"007;2026-03-{day:02d};10" for day in range(1, 29, 7)), "9;2026-12-01;5"]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "names.yaml").write_text("{customer_id: Kunde, at: Zeit, amount: Summe}")
    given = ["loyalty", "--transactions", str(tmp_path / "sales.csv"), "--as-of", "2026-03-29", "--out",
             str(tmp_path / "out"), "--schema", str(tmp_path / "names.yaml")]  # fmt: skip
    parsed = build_parser().parse_args(given)
    assert parsed.action(parsed, Console(quiet=True)) == 0
    rows = pd.read_parquet(tmp_path / "out" / "loyalty.parquet")
    assert rows.columns.tolist() == [
        "customer_id", "score", "state", "silent_weeks", "longer", "pace", "amount", "reasons"
    ]  # fmt: skip
    assert rows["customer_id"].tolist() == ["007", "8"] and rows["state"].tolist() == ["steady", "lapsed"]
    assert rows["score"][0] > 0.4 > 0.2 > rows["score"][1] and rows["pace"][1] < 0.8
    assert rows["reasons"][1][0].startswith("silent for 5.0 weeks")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["states"] == {"rising": 0, "steady": 1, "fading": 0, "lapsed": 1}
    assert summary["customers"] == 2 and summary["input"]["rows_after_as_of"] == 1
