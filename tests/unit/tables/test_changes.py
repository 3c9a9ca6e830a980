"""A large full state: only the rows that changed are written, unless something speaks for writing it whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame

from cdp.contracts.model import Column, TableContract
from cdp.tables import changes
from cdp.tables.changes import Changes, pays_to_compare
from cdp.tables.store import Lake, WriteResult

TAGS = TableContract(
    layer="gold",
    name="tags",
    doc="Who has which tag.",
    key=("tag", "value"),
    mode="replace",
    is_derived=True,
    subject="owner_id",
    columns=(
        Column("tag", "STRING", "Kind of tag.", nullable=False),
        Column("value", "STRING", "Its value.", nullable=False, pii="direct"),
        Column("owner_id", "STRING", "Who has it.", pii="pseudonym"),
        Column("run_id", "STRING", "Run.", volatile=True),
    ),
)


def _rows(lake: Lake, owners: dict[str, str], run: str) -> DataFrame:
    return lake.spark.createDataFrame([("t", value, owner, run) for value, owner in owners.items()], TAGS.schema)


def _last_commit(lake: Lake) -> tuple[str, dict[str, int]]:
    row = DeltaTable.forPath(lake.spark, lake.path(TAGS)).history(1).collect()[0]
    names = ("Updated", "Inserted", "Deleted", "Copied")
    return row["operation"], {n: int(row["operationMetrics"].get(f"numTargetRows{n}", 0)) for n in names}


def test_a_large_state_is_written_by_its_changes(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "FEWEST_COMPARED", 10)
    owners = {f"v{n}": f"p{n // 2}" for n in range(20)}

    def write(run: str) -> WriteResult:
        return lake.write(TAGS, _rows(lake, owners, run))

    write("r1")
    owners |= {"v3": "p9", "new": "p99"}
    del owners["v4"]  # its owner still has another one
    assert write("r2").rows == 3
    assert _last_commit(lake) == ("MERGE", {"Updated": 1, "Inserted": 1, "Deleted": 1, "Copied": 0})
    again = Lake(lake.spark, lake.root)
    assert {r.value: r.owner_id for r in again.read(TAGS).collect()} == owners
    assert again.read(TAGS).count() == 20  # counted from the log, which knows of the rows that are marked

    version = lake.version(TAGS)
    assert write("r3") == WriteResult(0, version, False)
    assert lake.version(TAGS) == version

    for value in ("v6", "v7"):  # who is gone must leave the files
        del owners[value]
    assert write("r4").rows == 18
    assert _last_commit(lake)[0] == "WRITE"
    files = lake.spark.read.parquet(*lake.read(TAGS).inputFiles())
    assert sorted(r.value for r in files.collect()) == sorted(owners)


def test_a_session_without_file_skipping_reads_a_lake_with_marked_rows(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FEWEST_COMPARED", 2)
    skipping = "spark.databricks.delta.stats.skipping"
    owners = {f"v{n}": "p" for n in range(8)}
    lake.write(TAGS, _rows(lake, owners, "r1"))
    try:
        lake.spark.conf.set(skipping, "false")
        lake.write(TAGS, _rows(lake, owners | {"v1": "q"}, "r2"))
        assert _last_commit(lake)[0] == "WRITE"
        lake.spark.conf.set(skipping, "true")
        lake.write(TAGS, _rows(lake, owners, "r3"))
        assert _last_commit(lake)[0] == "MERGE"
        lake.spark.conf.set(skipping, "false")
        assert {r.owner_id for r in Lake(lake.spark, lake.root).read(TAGS).collect()} == {"p"}
    finally:
        lake.spark.conf.unset(skipping)


def test_when_a_state_is_written_whole() -> None:
    assert pays_to_compare(TAGS, 1_000_000) and not pays_to_compare(TAGS, 10_000)
    names = (*TAGS.columns, Column("given_name", "STRING", "Name.", pii="direct"))
    assert not pays_to_compare(replace(TAGS, columns=names), 1_000_000)  # the old name would stay in its file
    assert Changes(10, 0).pay_to_merge(1000, version=3)
    assert not Changes(10, 1).pay_to_merge(1000, version=3)
    assert not Changes(400, 0).pay_to_merge(1000, version=3)
    assert not Changes(10, 0).pay_to_merge(1000, version=24)
