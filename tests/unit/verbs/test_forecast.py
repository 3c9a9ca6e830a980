"""``cdp forecast`` from a file to a file, and what it says about files that it cannot use."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cdp.cli import build_parser
from cdp.core.errors import ConfigError
from cdp.models.forecast.history import Purchases
from cdp.models.forecast.purchase_days import PurchaseDays
from cdp.verbs import transactions


@pytest.fixture
def run(spark, monkeypatch, tmp_path):
    """Run the verb on these lines of CSV in the session of the tests; gives the folder that it wrote."""
    monkeypatch.setattr(transactions, "open_session", lambda name: spark)

    def run_on(lines: list[str], *options: str):
        (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
        given = [
            "forecast",
            "--transactions",
            str(tmp_path / "sales.csv"),
            "--as-of",
            "2026-03-02",
            "--out",
            str(tmp_path / "out"),
        ]
        parsed = build_parser().parse_args([*given, *(options or ("--horizon-weeks", "4"))])
        assert parsed.action(parsed, Console(quiet=True)) == 0
        return tmp_path / "out"

    return run_on


def test_a_file_in_and_two_files_out(run, tmp_path):
    (tmp_path / "names.yaml").write_text("{customer_id: Kunde, at: Zeit, amount: Summe}")
    lines = ["Kunde;Zeit;Summe", "007;2026-01-05 10:00:00;10", "007;2026-02-02;20", "8;2026-03-02;5", "9;2026-03-03;5"]
    out = run(lines, "--horizon-weeks", "4", "--schema", str(tmp_path / "names.yaml"))
    rows = pd.read_parquet(out / "forecast.parquet")
    assert rows.columns.tolist() == [
        "customer_id", "expected_purchases", "p_any", "expected_spend", "spend_low", "spend_high"
    ]  # fmt: skip
    assert rows["customer_id"].tolist() == ["007", "8"]  # a customer of the day after the as-of date is not known
    assert (rows["spend_low"] <= rows["expected_spend"]).all() and (rows["expected_spend"] <= rows["spend_high"]).all()
    summary = json.loads((out / "summary.json").read_text())
    assert summary["method"] == "pooled_rate" and summary["warnings"] and summary["customers"] == 2
    assert summary["input"]["rows_after_as_of"] == 1


def test_without_amounts_the_spend_is_null(run):
    rows = pd.read_parquet(run(["customer_id,at", "a,2026-01-05", "b,2026-01-06"]) / "forecast.parquet")
    assert rows[["expected_spend", "spend_low", "spend_high"]].isna().all().all() and (rows["p_any"] > 0).all()


def test_what_is_wrong_is_said_before_any_work(run, tmp_path):
    with pytest.raises(ConfigError, match=r"no column 'at' for at \(.*allowed: customer_id, when.*--schema"):
        run(["customer_id,when", "a,2026-01-05"])
    with pytest.raises(ConfigError, match="--horizon-weeks 0: 1 to 520"):
        run(["customer_id,at", "a,2026-01-05"], "--horizon-weeks", "0")
    (tmp_path / "names.yaml").write_text("{customer: Kunde}")
    with pytest.raises(ConfigError, match=r"unknown key 'customer': did you mean 'customer_id'"):
        run(["customer_id,at", "a,2026-01-05"], "--horizon-weeks", "4", "--schema", str(tmp_path / "names.yaml"))


def test_rows_that_could_not_be_used_are_told():
    counts = {"rows": 5000, "rows_no_customer": 0, "rows_no_time": 3, "rows_no_amount": 1200, "rows_after_as_of": 7}
    counts["rows_far_before"] = 2
    read = PurchaseDays(Purchases(*(np.zeros(0) for _ in range(3))), [], counts)
    console = Console(record=True, width=400)
    transactions.tell_left_out(read, console)
    told = console.export_text()
    assert "of 5,000 rows left out: 3 without a readable time" in told and "1,200 without a readable amount" in told
    assert "2 without a likely time (five years and more before" in told
    assert "customer" not in told
    transactions.tell_left_out(PurchaseDays(read.purchases, [], dict.fromkeys(counts, 0)), console)
    assert not console.export_text()
