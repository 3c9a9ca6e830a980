"""A large full state: only the rows that changed are written, unless something speaks for writing it whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame

from cdp.contracts.model import Column, TableContract
from cdp.tables import changes
from cdp.tables.changes import pays_to_compare, pays_to_merge
from cdp.tables.store import Lake, WriteResult

TAGS = TableContract(
    layer="gold",
    name="tags",
    doc="Who has which tag.",
    key=("tag", "value"),
    mode="replace",
    is_derived=True,
    columns=(
        Column("tag", "STRING", "Kind of tag.", nullable=False),
        Column("value", "STRING", "Its value.", nullable=False, pii="direct"),
        Column("owner_id", "STRING", "Who has it.", pii="pseudonym"),
        Column("run_id", "STRING", "Run.", volatile=True),
    ),
)


def _rows(lake: Lake, owners: dict[str, str | None], run: str) -> DataFrame:
    return lake.spark.createDataFrame([("t", value, owner, run) for value, owner in owners.items()], TAGS.schema)


def _last_commit(lake: Lake) -> tuple[str, dict[str, Any]]:
    row = DeltaTable.forPath(lake.spark, lake.path(TAGS)).history(1).collect()[0]
    return row["operation"], {k: int(v) for k, v in row["operationMetrics"].items() if v.isdigit()}


def _owners(lake: Lake) -> dict[str, str | None]:
    return {r.value: r.owner_id for r in lake.read(TAGS).collect()}


def test_a_large_state_is_written_by_its_changes(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "FEWEST_COMPARED", 10)
    owners: dict[str, str | None] = {f"v{n}": f"p{n}" for n in range(20)}

    def write(run: str) -> WriteResult:
        return lake.write(TAGS, _rows(lake, owners, run))

    write("r1")
    owners |= {"v3": None, "v4": "p3", "new": "p99"}
    assert write("r2").rows == 3
    operation, metrics = _last_commit(lake)
    told = {name: metrics[f"numTargetRows{name}"] for name in ("Updated", "Inserted", "Copied", "Deleted")}
    assert (operation, told) == ("MERGE", {"Updated": 2, "Inserted": 1, "Copied": 0, "Deleted": 0})
    assert _owners(lake) == owners
    assert lake.read(TAGS).count() == 21  # counted from the log, which knows of the rows that are marked

    version = lake.version(TAGS)
    assert write("r3") == WriteResult(0, version, False)
    assert lake.version(TAGS) == version

    del owners["v7"]  # a value that is gone must leave the files
    assert write("r4").rows == 20
    assert _last_commit(lake)[0] == "WRITE" and _owners(lake) == owners
    files = lake.spark.read.parquet(*lake.spark.read.format("delta").load(lake.path(TAGS)).inputFiles())
    assert sorted(r.value for r in files.collect()) == sorted(owners)


def test_when_a_state_is_written_whole() -> None:
    assert pays_to_compare(TAGS, 1_000_000) and not pays_to_compare(TAGS, 10_000)
    names = (*TAGS.columns, Column("given_name", "STRING", "Name.", pii="direct"))
    assert not pays_to_compare(replace(TAGS, columns=names), 1_000_000)  # the old name would stay in its file
    assert pays_to_merge(10, 0, 1000, version=3)
    assert not pays_to_merge(10, 1, 1000, version=3)
    assert not pays_to_merge(400, 0, 1000, version=3)
    assert not pays_to_merge(10, 0, 1000, version=32)
