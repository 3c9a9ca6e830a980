"""Three nights of a made company from the command line, and the same nights again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS, Run
from tests.integration.kills import has_commit, nights_command, run_until
from tests.integration.lakes import differences, table_versions


def _rows(home: Path, table: str) -> list[dict[str, object]]:
    return DeltaTable(str(home / "lake" / table.replace(".", "/"))).to_pyarrow_table().to_pylist()


def test_every_input_record_is_accounted_for(three_nights: Path) -> None:
    files = [f for f in _rows(three_nights, "ops.files") if f["state"] == "accepted"]
    assert files
    for file in files:
        decided = file["rows_accepted"] + file["rows_duplicate"] + file["rows_refused"]  # type: ignore[operator]
        assert file["rows_read"] == decided, file["path"]
    refused = _rows(three_nights, "bronze.refused_records")
    assert len(refused) == sum(f["rows_refused"] for f in files) > 0  # type: ignore[misc]
    assert all(r["reasons"] for r in refused)


def test_people_scores_audiences_and_exports_are_there(cdp: Run, three_nights: Path) -> None:
    people = [p for p in _rows(three_nights, "gold.people") if p["status"] == "active"]
    known = [p for p in people if p["is_known"]]
    # 300 humans; duplicates that nothing ties stay apart, devices that nobody claimed are people too.
    assert 250 <= len(known) <= 600
    assert len({p["person_id"] for p in people}) == len(people)
    predictions = [p for p in _rows(three_nights, "gold.predictions") if str(p["as_of"]) == NIGHTS[-1]]
    by_model = {m: [p for p in predictions if p["model"] == m] for m in ("churn", "ltv", "email_click")}
    assert len({len(found) for found in by_model.values()}) == 1 and len(predictions) == 3 * len(by_model["ltv"]) > 0
    assert all(0 <= p["score"] <= 1 for p in by_model["churn"] + by_model["email_click"])  # type: ignore[operator]
    snapshots = {s["person_id"]: s for s in _rows(three_nights, "gold.snapshots") if str(s["as_of"]) == NIGHTS[-1]}
    traits = {t["person_id"]: t for t in _rows(three_nights, "gold.traits")}
    assert set(snapshots) == {p["person_id"] for p in by_model["email_click"]}
    assert all(s["email_opens_90d"] == traits[person]["email_opens_90d"] for person, s in snapshots.items())
    lists = _rows(three_nights, "gold.recommendations")
    assert {r["person_id"] for r in lists} == set(snapshots) and {str(r["as_of"]) for r in lists} == {NIGHTS[-1]}
    assert {(r["model_name"], r["model_version"]) for r in lists} == {("cdp.recommendations.products", "1")}
    credits = _rows(three_nights, "gold.channel_credits")
    of_models = {m: [c for c in credits if c["model"] == m] for m in ("first", "linear", "markov_1")}
    orders = [sum(c["conversions"] for c in found) for found in of_models.values()]  # type: ignore[misc]
    assert min(orders) > 0 and max(orders) - min(orders) < 1e-6
    assert {("email", "welcome"), ("google", "winter_sale")} <= {(c["channel"], c["campaign"]) for c in credits}
    assert cdp("models", "list", "--home", str(three_nights)).stdout.count("champion") == 4
    person = str(lists[0]["person_id"])
    told = cdp(
        "models", "explain", "cdp.recommendations.products", "--person", person, "--home", str(three_nights)
    ).stdout
    assert told.count("% within four weeks") == sum(r["person_id"] == person for r in lists)
    assert any(m["left_on"] is None for m in _rows(three_nights, "gold.audience_members"))
    for delivery in _rows(three_nights, "ops.deliveries"):
        folder = Path(str(delivery["path"]))
        folder = folder if folder.is_dir() else folder.parent
        assert (folder / "_SUCCESS").exists()
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["sha256"] == delivery["sha256"]
    page = (three_nights / "output" / "reports" / f"night-{NIGHTS[-1]}.html").read_text()
    assert "<svg" in page and NIGHTS[-1] in page


def test_the_night_again_changes_nothing_and_writes_no_version(cdp: Run, lake_copy: Path, company: Path) -> None:
    before = table_versions(lake_copy / "lake")
    again = cdp(
        "nightly",
        "--from",
        NIGHTS[0],
        "--to",
        NIGHTS[-1],
        "--home",
        str(lake_copy),
        "--input",
        str(company),
        "--env",
        "ci",
    )
    assert again.returncode in (0, 6), again.stderr
    assert "0 jobs ran" in again.stdout
    assert table_versions(lake_copy / "lake") == before


def test_a_night_that_was_killed_four_times_equals_an_undisturbed_one(
    first_night: Path, company: Path, tmp_path: Path
) -> None:
    """Kill the run when a commit of a table appears, start it again, compare with the undisturbed lake."""
    home = tmp_path / "killed"
    command = nights_command(home, company, NIGHTS[0], NIGHTS[0])
    for table in ("bronze/landed_records", "silver/order_lines", "gold/person_identifiers", "gold/predictions"):
        ended = run_until(command, has_commit(home / "lake", table), at_most_seconds=300)
        assert ended is None, f"the run ended before {table} was written"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 6), done.stderr
    assert differences(first_night / "lake", home / "lake") == []
