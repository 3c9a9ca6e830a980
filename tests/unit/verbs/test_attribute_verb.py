"""``cdp attribute`` on files: what it writes, and what it says of files that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cdp.cli import main

PATHS = """path,conversions,value,nulls,campaign
search > mail > shop,10,100.5,5,x
search>mail>shop,2,20,1,
mail > shop,4,40,7,x
,3,30,,x
shop,3,,2,x
"""


def _run(folder: Path, text: str) -> int:
    (folder / "paths.csv").write_text(text)
    with pytest.raises(SystemExit) as left:
        main(["attribute", "--paths", str(folder / "paths.csv"), "--out", str(folder / "out")])
    return int(left.value.code or 0)


def test_credit_and_summary_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path, PATHS) == 0
    credit = pd.read_parquet(tmp_path / "out" / "credit.parquet")
    assert credit.columns.to_list() == ["model", "channel", "conversions", "value"]
    models = ["first", "last", "linear", "decay", "shapley", "markov_1", "markov_2", "markov_3"]
    assert credit["model"].unique().tolist() == models
    sums = credit.groupby("model")[["conversions", "value"]].sum()
    assert sums["conversions"].to_numpy() == pytest.approx(19)
    assert sums["value"].to_numpy() == pytest.approx(160.5)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["metrics"]["markov_order"] in (1, 2, 3)
    assert summary["metrics"]["conversion_share"] == pytest.approx(19 / 34)
    assert summary["left_out_without_path"] == {"rows": 1, "conversions": 3.0, "value": 30.0, "nulls": 0.0}
    assert summary["columns_not_read"] == ["campaign"]
    assert "correlational" in summary["note"]
    told = capsys.readouterr().out
    assert "correlational" in told
    assert "left out: 1 rows" in told


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("path,converted\na > b,1\n", 3, "no column 'conversions'"),
        ("path,conversions\na > b,many\n", 3, "no number"),
        ("path,conversions\n", 3, "none of 0 rows"),
        ("", 2, "is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, message: str
) -> None:
    assert _run(tmp_path, text) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
