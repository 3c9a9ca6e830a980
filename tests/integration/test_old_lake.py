"""Lakes that earlier releases wrote are opened by today's code; the next night goes through, with the same people."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS, Run
from tests.integration.make_old_lake import ARCHIVES

RELEASES = sorted(p.name.removesuffix(".tar.gz") for p in ARCHIVES.glob("*.tar.gz"))


def _table(home: Path, name: str) -> pd.DataFrame:
    return DeltaTable(str(home / "lake" / name)).to_pandas()


def test_there_is_a_lake_of_a_release() -> None:
    assert "0.1.0" in RELEASES
    assert all((ARCHIVES / f"{r}.tar.gz").stat().st_size < 1_000_000 for r in RELEASES)


@pytest.mark.parametrize("release", RELEASES)
def test_the_next_night_on_a_lake_of_a_release(cdp: Run, tmp_path: Path, release: str) -> None:
    home = tmp_path / "home"
    with tarfile.open(ARCHIVES / f"{release}.tar.gz") as archive:
        archive.extractall(home, filter="data")
    people, records = _table(home, "gold/people"), _records(home)
    lines, files = _table(home, "silver/order_lines"), _table(home, "ops/files")
    assert len(people) >= 20 and len(records) >= 20 and len(lines) > 0

    done = cdp("nightly", "--run-date", NIGHTS[1], "--home", str(home), "--env", "ci")
    assert done.returncode in (0, 6), done.stdout + done.stderr

    assert set(people.person_id) <= set(_table(home, "gold/people").person_id)
    history = _table(home, "ops/identity_history")
    touched = {p for row in history[history.run_date.astype(str) == NIGHTS[1]].predecessor_ids for p in row}
    moved = {r for r, owner in records.items() if _records(home)[r] != owner and owner not in touched}
    assert moved == set(), "records changed their person without a merge or split in the history"
    after_people = _table(home, "gold/people").set_index("person_id")
    untouched = people[~people.person_id.isin(touched)].set_index("person_id")
    assert len(untouched) > len(touched), "a night's few deliveries touch few people"
    for column in ("status", "born_on", "anchor_record_id"):
        assert untouched[column].equals(after_people.loc[untouched.index, column]), column

    after = _table(home, "silver/order_lines")
    assert set(lines.order_line_id) <= set(after.order_line_id)
    accepted = _table(home, "ops/files")
    assert set(files.file_id) < set(accepted.file_id)
    kept = accepted[accepted.file_id.isin(files.file_id)].sort_values("file_id")
    assert list(kept.accepted_at) == list(files.sort_values("file_id").accepted_at), "an old file was taken again"


def _records(home: Path) -> dict[str, str]:
    """record_id -> person_id."""
    rows = _table(home, "gold/person_identifiers")
    records = rows[rows.identifier_type == "record"]
    return dict(zip(records.value, records.person_id, strict=True))
