"""``cdp propensity`` and ``cdp lookalike`` from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    tenure = rng.integers(0, 60, 400)
    left = rng.random(400) < np.where(tenure < 12, 0.7, 0.1)
    return pd.DataFrame({
        "customer_id": [f"{i:05d}" for i in range(400)], "tenure": tenure,
        "plan": rng.choice(["a", "b"], 400), "churn": np.where(left, "Yes", "No"),
    })  # fmt: skip


def test_propensity_from_csv_to_scores(
    people: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people.iloc[:300].to_csv(tmp_path / "train.csv", index=False, sep=";")
    people.iloc[300:].drop(columns="churn").to_parquet(tmp_path / "score.parquet")
    code = run("propensity", "--train", f"{tmp_path}/train.csv", "--label", "churn", "--id", "customer_id",
               "--score", f"{tmp_path}/score.parquet", "--out", f"{tmp_path}/out")  # fmt: skip
    table = pq.read_table(tmp_path / "out/scores.parquet")
    assert code == 0 and "100 people scored" in capsys.readouterr().out
    assert [(f.name, str(f.type)) for f in table.schema] == [
        ("id", "string"), ("probability", "double"), ("reasons", "list<element: string>")]  # fmt: skip
    assert table["id"].to_pylist() == people["customer_id"].iloc[300:].tolist()
    by_tenure = table.to_pandas()["probability"].groupby(people["tenure"].iloc[300:].to_numpy() < 12).mean()
    assert by_tenure[True] > 0.5 > by_tenure[False]
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["rows"] == 300 and summary["scored"] == 100 and summary["metrics"]["spline logistic"]["auc"]


@pytest.mark.parametrize(("change", "code", "told"), [
    ({"--label": "left"}, 3, "there is no column 'left'"),
    ({"--id": "who"}, 3, "there is no column 'who'"),
    ({"--train": "nowhere.csv"}, 2, "no file nowhere.csv"),
])  # fmt: skip
def test_propensity_says_what_is_wrong(change, code, told, people, tmp_path, capsys):  # type: ignore[no-untyped-def]
    people.to_csv(tmp_path / "train.csv", index=False)
    given = {"--train": f"{tmp_path}/train.csv", "--label": "churn", "--id": "customer_id",
             "--score": f"{tmp_path}/train.csv", "--out": f"{tmp_path}/out", **change}  # fmt: skip
    assert run("propensity", *(part for pair in given.items() for part in pair)) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_lookalike_from_a_list_of_ids(people: pd.DataFrame, tmp_path: Path) -> None:
    likes = people[people["tenure"] < 12]
    likes.iloc[::2][["customer_id"]].to_csv(tmp_path / "seed.csv", index=False)
    people.drop(columns="churn")[["plan", "customer_id", "tenure"]].to_csv(tmp_path / "features.csv", index=False)
    code = run("lookalike", "--seed", f"{tmp_path}/seed.csv", "--features", f"{tmp_path}/features.csv",
               "--out", f"{tmp_path}/out")  # fmt: skip
    table = pq.read_table(tmp_path / "out/lookalike.parquet")
    assert code == 0 and table.column_names == ["id", "rank", "score", "is_seed", "reasons"]
    found = table.to_pandas()
    assert found["is_seed"].sum() == len(likes.iloc[::2])
    assert set(found.loc[~found["is_seed"], "id"].head(20)) <= set(likes["customer_id"])
    assert json.loads((tmp_path / "out/summary.json").read_text())["metrics"]["model"]["top 20%"]["lift"] > 2


def test_long_ids_keep_their_digits_beside_a_row_without_one(people: pd.DataFrame, tmp_path: Path) -> None:
    ids = [*range(90_071_992_547_409_931, 90_071_992_547_409_931 + 399), None]
    table = pa.Table.from_pandas(people).set_column(0, "customer_id", pa.array(ids, pa.int64()))
    pq.write_table(table, tmp_path / "people.parquet")
    code = run("propensity", "--train", f"{tmp_path}/people.parquet", "--label", "churn", "--id", "customer_id",
               "--score", f"{tmp_path}/people.parquet", "--out", f"{tmp_path}/out")  # fmt: skip
    assert code == 0
    assert pq.read_table(tmp_path / "out/scores.parquet")["id"].to_pylist() == [str(i) for i in ids[:-1]]


def test_subscription_churn_from_contracts_to_probabilities(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdp.models.propensity.subscription.CUTS", 1)
    monkeypatch.setattr("cdp.models.propensity.subscription.REPEATS", 1)
    monkeypatch.setattr("cdp.models.propensity.propensity_metrics.DRAWS", 50)
    rng = np.random.default_rng(1)
    start, plan = np.datetime64("2024-06-01") + rng.integers(0, 500, 250), rng.choice(["month", "year"], 250)
    end = start + rng.geometric(np.where(plan == "month", 1 / 200, 1 / 900))
    pd.DataFrame({
        "customer_id": np.arange(250), "plan": plan, "started_on": start,
        "ended_on": np.where(end < np.datetime64("2026-01-01"), end, np.datetime64("NaT")),
    }).to_csv(tmp_path / "contracts.csv", index=False)  # fmt: skip
    given = ("subscription-churn", "--contracts", f"{tmp_path}/contracts.csv", "--out", f"{tmp_path}/out")
    assert run(*given, "--as-of", "2026-01-01") == 0
    assert "running contracts scored" in capsys.readouterr().out
    table = pq.read_table(tmp_path / "out/churn.parquet")
    assert [(f.name, str(f.type)) for f in table.schema] == [
        ("id", "string"), ("from_on", "date32[day]"), *((f"p_left_by_{k}", "double") for k in (1, 3, 6, 12)),
        ("reasons", "list<element: string>")]  # fmt: skip
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["running"] == len(table) and "12 months" in summary["metrics"]["spline logistic"]
    assert run(*given, "--as-of", "2024-01-01") == 3
