"""What goes wrong at the command line: a clear message, its exit code, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS, ROOT, Run
from tests.integration.lakes import table_versions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nightly", "--run-date", "2999-01-01"], "is in the future"),
        (["nightly", "--run-date", "soon"], "write it as YYYY-MM-DD"),
        (["nightly", "--from", "2026-01-06", "--to", "2026-01-05"], "swap them"),
        (["nightly"], "either --run-date D, or --from D1 and --to D2"),
        (["run", "identity.resolve_peeple", "--run-date", "2026-01-05"], "did you mean 'identity.resolve_people'"),
        (["nightly", "--run-date", "2026-01-05", "--set", "modles.horizon_weeks=3"], "did you mean 'models'"),
        (["migrate", "gold.peeple"], "did you mean 'gold.people'"),
    ],
)
def test_a_wrong_command_says_what_is_right(cdp: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    extra = ["--home", str(tmp_path)]
    done = cdp(*arguments, *extra)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_lists_work_without_a_lake(cdp: Run, tmp_path: Path) -> None:
    assert "nightly" in cdp("--help").stdout
    listed = cdp("jobs").stdout
    assert (
        listed.index("ingest.land_files") < listed.index("identity.resolve_people") < listed.index("ops.write_report")
    )
    after = {job["job"]: job["after"] for job in json.loads(cdp("jobs", "--json").stdout)}
    assert after["ingest.accept_records"] == ["ingest.land_files"]
    assert "## gold.profiles" in cdp("catalog").stdout
    assert {"landed_records", "profiles"} <= {t["name"] for t in json.loads(cdp("catalog", "--json").stdout)}
    assert "no model is registered yet" in cdp("models", "list", "--home", str(tmp_path)).stdout


@pytest.mark.parametrize(
    ("definition", "old", "new", "message"),
    [
        ("traits/orders_90d", "table:", "tabel:", "unknown key 'tabel': did you mean 'table'"),
        ("traits/spend_90d", "sum(amount)", "sum(amuont)", "did you mean 'amount'"),
        ("audiences/likely_churners", "churn_score", "churn_scor", "churn_score"),
    ],
)
def test_a_wrong_definition_is_named(
    cdp: Run, lake_copy: Path, company: Path, tmp_path: Path, definition: str, old: str, new: str, message: str
) -> None:
    text = (ROOT / "conf" / f"{definition}.yaml").read_text()
    assert old in text
    overlay = tmp_path / "conf" / f"{definition}.yaml"
    overlay.parent.mkdir(parents=True)
    overlay.write_text(text.replace(old, new))
    place = ["--home", str(lake_copy), "--input", str(company), "--env", "ci"]
    done = cdp("nightly", "--run-date", NIGHTS[-1], *place, "--conf", str(tmp_path / "conf"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{definition}.yaml" in done.stderr
    assert message in done.stderr


def test_broken_files_are_quarantined_by_name_and_the_rest_goes_on(
    cdp: Run, lake_copy: Path, company: Path, tmp_path: Path
) -> None:
    inputs = tmp_path / "input"
    shutil.copytree(company, inputs)
    (inputs / "crm" / "2026-01-08").mkdir()
    (inputs / "web" / "2026-01-08").mkdir()
    (inputs / "email" / "2026-01-08").mkdir()
    shutil.rmtree(inputs / "surveys")
    whole = gzip.compress(b'{"type":"track"}\n' * 1000)
    (inputs / "web" / "2026-01-08" / "part-00000.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (inputs / "email" / "2026-01-08" / "part-00000.csv").write_bytes(b"")
    header = next((inputs / "crm" / NIGHTS[0]).iterdir()).read_text().splitlines()[0]
    (inputs / "crm" / "2026-01-08" / "part-00000.csv").write_text(f"{header}\r\nC1,shifted,row\r\n")
    place = ["--home", str(lake_copy), "--input", str(inputs), "--env", "ci"]
    done = cdp("nightly", "--run-date", "2026-01-08", *place, "--strict")
    assert done.returncode == 3, done.stdout + done.stderr  # 6 without --strict
    for told in ("part-00000.jsonl.gz", "part-00000.csv", "surveys"):
        assert told in done.stdout
    ledger = DeltaTable(str(lake_copy / "lake/ops/files")).to_pandas()
    quarantined = ledger[(ledger.state == "quarantined") & (ledger.delivered_on.astype(str) == "2026-01-08")]
    assert set(quarantined.source) == {"web", "email"}
    refused = DeltaTable(str(lake_copy / "lake/bronze/refused_records")).to_pandas()
    shifted = refused[refused.delivered_on.astype(str) == "2026-01-08"]
    assert [[r["code"] for r in reasons] for reasons in shifted.reasons] == [["wrong_columns"]]


def test_two_nights_at_once_and_a_lock_left_by_a_killed_one(cdp: Run, lake_copy: Path, company: Path) -> None:
    arguments = ["nightly", "--run-date", NIGHTS[-1], "--home", str(lake_copy), "--input", str(company), "--env", "ci"]
    first = subprocess.Popen(
        [sys.executable, "-m", "cdp.cli", *arguments], stdout=subprocess.PIPE, start_new_session=True
    )
    lock = lake_copy / "state" / "night.lock"
    deadline = time.monotonic() + 60
    while not lock.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = cdp(*arguments)
    assert second.returncode == 5, second.stderr
    assert "another run holds" in second.stderr
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = table_versions(lake_copy / "lake")
    third = cdp(*arguments)
    assert third.returncode in (0, 6), third.stderr
    assert table_versions(lake_copy / "lake") == before


def test_show_person_tells_who_and_why(cdp: Run, three_nights: Path) -> None:
    identifiers = DeltaTable(str(three_nights / "lake/gold/person_identifiers")).to_pandas()
    email = identifiers[identifiers.identifier_type == "email"].sort_values("value").iloc[0]
    done = cdp("show", "person", str(email.value), "--home", str(three_nights), "--env", "ci")
    assert done.returncode == 0, done.stderr
    assert email.person_id in done.stdout
    assert email.value in done.stdout
    missing = cdp("show", "person", "nobody@nowhere.example", "--home", str(three_nights), "--env", "ci")
    assert missing.returncode == 2
    assert "nobody" in missing.stderr


def test_reprocess_makes_silver_again_from_bronze(cdp: Run, lake_copy: Path, company: Path, tmp_path: Path) -> None:
    before = DeltaTable(str(lake_copy / "lake/silver/order_lines")).to_pandas()
    overlay = tmp_path / "conf" / "mappings"
    overlay.mkdir(parents=True)
    mapping = (ROOT / "conf" / "mappings" / "pos.yaml").read_text()
    assert "value: store" in mapping
    (overlay / "pos.yaml").write_text(mapping.replace("value: store", "value: shop"))
    done = cdp(
        "reprocess",
        "pos",
        "--run-date",
        NIGHTS[-1],
        "--home",
        str(lake_copy),
        "--env",
        "ci",
        "--conf",
        str(tmp_path / "conf"),
    )
    assert done.returncode == 0, done.stderr
    after = DeltaTable(str(lake_copy / "lake/silver/order_lines")).to_pandas()
    assert len(after) == len(before)
    assert set(after[after.source == "pos"].channel) == {"shop"}
    assert set(after[after.source != "pos"].channel) == set(before[before.source != "pos"].channel)
    assert set(after.order_line_id) == set(before.order_line_id)


def test_a_steward_decides_and_asks_why(cdp: Run, lake_copy: Path) -> None:
    held = DeltaTable(str(lake_copy / "lake" / "gold" / "person_identifiers")).to_pandas()
    crm = held[(held["identifier_type"] == "record") & held["value"].str.startswith("crm:")]
    one, other = crm.drop_duplicates("person_id")["value"].sort_values().tolist()[:2]
    decided = cdp("identity", "merge", one, other, "--reason", "same passport", "--home", str(lake_copy), "--env", "ci")
    assert decided.returncode == 0 and "holds from the next" in decided.stdout
    told = cdp("identity", "explain", one, other, "--home", str(lake_copy), "--env", "ci", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert not found["is_one_person"] and [d["reason"] for d in found["decisions"]] == ["same passport"]
    assert found["pairs"][0]["record_a"] == one and found["pairs"][0]["evidence"][0]["step"] == "prior"
