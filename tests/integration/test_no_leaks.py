"""A planted person's values are in the tables that may hold them, and nowhere else that a night leaves something."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS, Run

TOKEN = "canaryleak"  # in every planted value, and in nothing else
# First and last in the alphabet, so that a column statistic (min, max) would show them.
PLANTED = {
    "customer_no": "C000canaryleak",
    "first_name": "Aacanaryleak",
    "last_name": "Zzcanaryleak",
    "email": "0canaryleak@example.org",
    "street": "0 Aacanaryleak Road",
    "created_at": "2025-01-01 10:00:00",
    "updated_at": "2025-01-01 10:00:00",
    "birth_date": "1980-01-01",
    "country": "GB",
    "system": "ERP",
}


@dataclass(frozen=True)
class Night:
    """A home after its second night, the one with the planted values, and all that its process printed."""

    home: Path
    said: str


@pytest.fixture(scope="module")
def night(cdp: Run, company: Path, first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("canary")
    inputs, home = folder / "input", folder / "home"
    shutil.copytree(company, inputs)
    shutil.copytree(first_night, home)
    crm = sorted((inputs / "crm" / NIGHTS[1]).iterdir())[0]
    header = crm.read_text().splitlines()[0].split(",")
    assert set(PLANTED) <= set(header)
    good = ",".join(PLANTED.get(column, "") for column in header)
    bad_date = ",".join({**PLANTED, "customer_no": "C001", "birth_date": TOKEN}.get(c, "") for c in header)
    short = f"C002,{TOKEN},{PLANTED['email']}"
    with crm.open("a", newline="") as out:
        out.write("".join(f"{row}\r\n" for row in (good, bad_date, short)))
    web = sorted((inputs / "web" / NIGHTS[1]).iterdir())[0]
    broken = f'{{"type": "identify", "traits": {{"email": "{PLANTED["email"]}"\n'
    if web.suffix == ".gz":
        web.write_bytes(web.read_bytes() + gzip.compress(broken.encode()))
    else:
        web.write_bytes(web.read_bytes() + broken.encode())
    done = cdp("nightly", "--run-date", NIGHTS[1], "--home", str(home), "--input", str(inputs), "--env", "ci")
    assert done.returncode in (0, 6), done.stdout + done.stderr
    return Night(home, done.stdout + done.stderr)


def _text(path: Path) -> str:
    """A file's content as text, unpacked where it is packed."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", errors="replace")


def _holds(text: str) -> bool:
    return TOKEN in text.lower()


def _table_holds(home: Path, table: str) -> bool:
    return _holds(DeltaTable(str(home / "lake" / table)).to_pandas().to_csv())


def test_the_planted_values_reached_the_tables_that_may_hold_them(night: Night) -> None:
    for table in ("silver/customer_records", "silver/identifiers", "gold/profiles"):
        assert _table_holds(night.home, table), table
    refused = DeltaTable(str(night.home / "lake/bronze/refused_records")).to_pandas()
    assert sum(TOKEN.encode() in bytes(raw) for raw in refused.raw) >= 2
    assert not refused.reasons.map(lambda r: _holds(str(list(r)))).any(), "a reason names the value"


def test_no_log_of_a_table_and_no_name_of_a_file_holds_them(night: Night) -> None:
    logs = [p for log in (night.home / "lake").rglob("_delta_log") for p in log.rglob("*") if p.is_file()]
    assert len(logs) > 20
    # The customer number is a pseudonym: the statistics of a file may hold it.
    assert [str(p) for p in logs if _holds(_text(p).replace(PLANTED["customer_no"], ""))] == []
    named = [p for p in night.home.rglob("*") if _holds(str(p.relative_to(night.home)))]
    assert named == []


def test_nothing_that_the_night_says_or_notes_holds_them(night: Night) -> None:
    assert "ingest.land_files" in night.said
    assert not _holds(night.said)
    for table in ("ops/runs", "ops/files", "ops/identity_history", "ops/deliveries", "ops/model_runs"):
        if (night.home / "lake" / table).exists():
            assert not _table_holds(night.home, table), table


def test_report_and_model_store_do_not_hold_them(night: Night) -> None:
    pages = list((night.home / "output" / "reports").glob("*.html"))
    store = [p for p in (night.home / "state").rglob("*") if p.is_file()]
    assert len(pages) == 2 and "mlflow.db" in {p.name for p in store}
    assert [str(p) for p in [*pages, *store] if _holds(_text(p))] == []


def test_a_look_up_that_finds_nobody_does_not_repeat_what_was_asked(cdp: Run, night: Night) -> None:
    asked = "nobody-canaryleak@example.org"
    done: subprocess.CompletedProcess[str] = cdp("show", "person", asked, "--home", str(night.home), "--env", "ci")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no person has this id" in done.stderr
    assert not _holds(done.stdout + done.stderr)
