"""The same company from any number of cores, of the promised size, cut into nights by the time of receipt."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.sample.blocks import blocks_of
from cdp.sample.company import SOURCES, generate_company

from .conftest import CUSTOMERS, NIGHTS, SEED, Company


def _hashes(root: Path) -> dict[str, str]:
    return {
        str(f.relative_to(root)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(root.rglob("*"))
        if f.is_file()
    }


def test_same_seed_same_bytes_whatever_the_parallelism(spark: SparkSession, company: Company, tmp_path: Path) -> None:
    again = generate_company(
        spark, customers=CUSTOMERS, history_weeks=104, nights=NIGHTS, seed=SEED, out=str(tmp_path), partitions=1
    )
    assert _hashes(tmp_path) == _hashes(company.root)
    assert again == company.summary


def test_another_seed_is_another_company(spark: SparkSession, company: Company, tmp_path: Path) -> None:
    generate_company(spark, customers=60, history_weeks=8, nights=1, seed=1, out=str(tmp_path))
    first = _hashes(tmp_path)
    generate_company(spark, customers=60, history_weeks=8, nights=1, seed=2, out=str(tmp_path))
    second = _hashes(tmp_path)
    assert first["web/2026-01-05/part-00000.jsonl"] != second["web/2026-01-05/part-00000.jsonl"]
    assert {Path(name).parts[1] for name in second if name.startswith("crm/")} == {"2026-01-05"}


def test_blocks_cover_every_customer_once() -> None:
    for customers in (1, 249, 250, 251, 5_000, 50_000, 50_001):
        blocks = blocks_of(customers)
        covered = [c for b in blocks for c in range(b.first, b.first + b.customers)]
        assert covered == list(range(customers))
        assert max(b.customers for b in blocks) <= 5_000


def test_averages_are_as_promised(company: Company) -> None:
    persons = company.truth("persons")
    assert len(persons) == CUSTOMERS
    assert persons["orders"].mean() == pytest.approx(8, rel=0.2)
    assert persons["orders"].median() < persons["orders"].mean() / 1.7, "heavy tail"
    assert persons["orders"].quantile(0.99) > 40
    events = company.summary.total("web") + company.summary.total("email")
    assert events / CUSTOMERS == pytest.approx(60, rel=0.2)
    web = _web_orders(company)
    pos = company.table("pos")
    pos = pos[(pos["quantity"] > 0) & pos["receipt_no"].notna()]
    n_lines = sum(len(o["properties"]["products"]) for o in web.values()) + len(pos)
    assert n_lines / CUSTOMERS == pytest.approx(20, rel=0.2)
    receipts = pos.groupby("receipt_no")["card_no"].first()
    assert len(web) / (len(web) + len(receipts)) == pytest.approx(0.6, abs=0.08)
    assert receipts.notna().mean() == pytest.approx(0.6, abs=0.08)


def _good(lines: list[str]) -> list[dict]:
    out = []
    for line in lines:
        try:
            message = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(message.get("receivedAt"), str) and message["type"] != "teleport" and "-13-" not in line:
            out.append(message)
    return out


def _web_orders(company: Company) -> dict[str, dict]:
    return {m["properties"]["order_id"]: m for m in _good(company.lines("web")) if m.get("event") == "Order Completed"}


def test_web_orders_of_truth_are_all_delivered(company: Company) -> None:
    web = _web_orders(company)
    pos = company.table("pos").query("receipt_no.notna() and quantity > 0 and unit_price > 0")
    receipts = set(pos["receipt_no"].str.removesuffix("x"))
    total = int(company.truth("persons")["orders"].sum())
    # what the device or the store still held back when the last night ended is missing
    assert total - 25 <= len(web) + len(receipts) <= total
    for message in list(web.values())[:200]:
        parts = message["properties"]["products"]
        net = sum(p["price"] * p["quantity"] - p["discount"] for p in parts)
        assert message["properties"]["revenue"] == pytest.approx(net, abs=0.011)


@pytest.mark.parametrize("night", range(NIGHTS))
def test_nights_are_disjoint_in_time_of_receipt(company: Company, night: int) -> None:
    folder = f"2026-01-{5 + night:02d}"
    end = pd.Timestamp(folder, tz="UTC")
    start = end - pd.Timedelta(days=1) if night else pd.Timestamp("1970-01-01", tz="UTC")
    received = pd.to_datetime([m["receivedAt"] for m in _good(company.lines("web", folder))], utc=True)
    updated = pd.to_datetime(company.csv("crm", folder)["updated_at"], utc=True, errors="coerce").dropna()
    mails = pd.to_numeric(company.csv("email", folder)["occurred_at"], errors="coerce").dropna()
    for times in (received, updated, pd.to_datetime(mails, unit="ms", utc=True)):
        assert len(times) > 0
        assert times.min() >= start
        assert times.max() < end
    sold = company.table("pos", folder)["sold_at"].dropna()
    assert sold.max() < end


def test_summary_counts_what_is_in_the_files(company: Company) -> None:
    for source in ("web", "consents"):
        assert company.summary.total(source) == len(company.lines(source))
    for folder, n in company.summary.rows["pos"].items():
        assert n == len(company.table("pos", folder))
    written = json.loads((company.root / "truth" / "summary.json").read_text())
    assert written["rows"] == company.summary.rows
    assert set(company.summary.rows) == set(SOURCES)
    assert datetime.fromisoformat(min(company.summary.rows["web"])).date().isoformat() == "2026-01-05"


def test_a_company_is_replaced_and_a_strangers_folder_is_not(spark: SparkSession, tmp_path: Path) -> None:
    generate_company(spark, customers=600, history_weeks=4, nights=1, seed=1, out=str(tmp_path))
    assert len(list(tmp_path.glob("crm/*/part-*"))) == 2
    generate_company(spark, customers=100, history_weeks=4, nights=1, seed=1, out=f"file:{tmp_path}")
    assert len(list(tmp_path.glob("crm/*/part-*"))) == 1
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="choose an empty folder"):
        generate_company(spark, customers=10, history_weeks=4, nights=1, seed=1, out=str(foreign))
    with pytest.raises(ConfigError, match="customers must be 1"):
        generate_company(spark, customers=0, history_weeks=4, nights=1, seed=1, out=str(tmp_path))
