"""The store: modes, checks, no version without a change, schema evolution."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame

from cdp.contracts.model import Column, TableContract
from cdp.core.errors import ContractError
from cdp.tables.store import Lake

PETS = TableContract(
    layer="gold",
    name="pets",
    doc="One pet.",
    key=("pet_id",),
    mode="replace",
    columns=(
        Column("pet_id", "STRING", "Id.", nullable=False),
        Column("owner", "STRING", "Owner's name.", pii="direct"),
        Column("age", "INT", "Age.", unit="years"),
        Column("run_id", "STRING", "Run.", volatile=True),
    ),
)


def _pets(lake: Lake, *records: tuple[Any, ...]) -> DataFrame:
    return lake.spark.createDataFrame(list(records), PETS.schema)


def test_replace_writes_no_version_without_a_change(lake: Lake) -> None:
    first = lake.write(PETS, _pets(lake, ("a", "Ana", 1, "r1"), ("b", "Bo", 2, "r1")))
    again = lake.write(PETS, _pets(lake, ("b", "Bo", 2, "r2"), ("a", "Ana", 1, "r2")))
    changed = lake.write(PETS, _pets(lake, ("a", "Ana", 2, "r3")))
    assert (first.rows, first.is_changed) == (2, True)
    assert (again.is_changed, again.version) == (False, first.version)
    assert changed.version == first.version + 1
    assert [r.age for r in lake.read(PETS).collect()] == [2]


def test_append_takes_only_new_keys_and_merge_only_changed_rows(lake: Lake) -> None:
    ledger = replace(PETS, name="ledger", mode="append")
    lake.write(ledger, _pets(lake, ("a", "Ana", 1, "r1")))
    second = lake.write(ledger, _pets(lake, ("a", "Ana", 9, "r2"), ("b", "Bo", 2, "r2")))
    assert second.rows == 1
    assert sorted((r.pet_id, r.age) for r in lake.read(ledger).collect()) == [("a", 1), ("b", 2)]

    merged = replace(PETS, name="merged", mode="merge")
    lake.write(merged, _pets(lake, ("a", "Ana", 1, "r1"), ("b", "Bo", 2, "r1")))
    before = lake.version(merged)
    assert not lake.write(merged, _pets(lake, ("a", "Ana", 1, "r2"))).is_changed
    assert lake.version(merged) == before
    lake.write(merged, _pets(lake, ("a", None, 5, "r3"), ("c", "Cy", 3, "r3")))
    assert sorted((r.pet_id, r.owner, r.age) for r in lake.read(merged).collect()) == [
        ("a", None, 5),
        ("b", "Bo", 2),
        ("c", "Cy", 3),
    ]


def test_a_value_that_moves_to_a_column_that_was_null_is_a_change(lake: Lake) -> None:
    names = Column("first_name", "STRING", "First name."), Column("last_name", "STRING", "Last name.")
    owners = replace(PETS, name="owners", columns=(PETS.columns[0], *names))
    for row in (("a", "Ana", None), ("a", None, "Ana")):
        assert lake.write(owners, lake.spark.createDataFrame([row], owners.schema)).is_changed
    assert [tuple(r) for r in lake.read(owners).collect()] == [("a", None, "Ana")]


def test_two_jobs_may_write_into_a_new_ledger_at_once(lake: Lake) -> None:
    ledger = replace(PETS, name="shared", mode="merge")
    with ThreadPoolExecutor(2) as two:
        done = two.map(lambda pet: lake.write(ledger, _pets(lake, (pet, "Ana", 1, "r1"))).rows, "abcd")
        assert list(done) == [1, 1, 1, 1]
    assert sorted(r.pet_id for r in lake.read(ledger).collect()) == ["a", "b", "c", "d"]


def test_replace_partition_leaves_the_others_alone(lake: Lake) -> None:
    daily = TableContract(
        layer="gold",
        name="daily",
        doc="One value a day.",
        key=("day", "k"),
        mode="replace_partition",
        partitioned_by=("day",),
        columns=(Column("day", "DATE", "Day."), Column("k", "INT", "Key."), Column("v", "INT", "Value.")),
    )

    def write(day: int, *values: int) -> bool:
        data = [(date(2026, 1, day), k, v) for k, v in enumerate(values)]
        return lake.write(daily, lake.spark.createDataFrame(data, daily.schema)).is_changed

    assert write(1, 10, 11) and write(2, 20) and write(1, 12)
    assert not write(2, 20)
    assert sorted((r.day.day, r.v) for r in lake.read(daily).collect()) == [(1, 12), (2, 20)]


def test_broken_rows_are_refused_whole(lake: Lake) -> None:
    with pytest.raises(ContractError, match=r"gold\.pets: 1 keys \(pet_id\)"):
        lake.write(PETS, _pets(lake, ("a", "Ana", 1, "r"), ("a", "Bo", 2, "r")))
    with pytest.raises(ContractError, match=r"null in columns.*pet_id.: 1"):
        lake.write(PETS, _pets(lake, (None, "Ana", 1, "r")))
    with pytest.raises(ContractError, match=r"missing columns: .*run_id.*did you mean 'age'"):
        lake.write(PETS, _pets(lake, ("a", "A", 1, "r")).drop("run_id").withColumnRenamed("age", "ages"))
    assert lake.version(PETS) == -1


def test_the_log_holds_no_direct_personal_data(lake: Lake) -> None:
    lake.write(PETS, _pets(lake, ("a", "Canary-Name", 1, "r1")))
    logs = [p.read_text() for p in (__import__("pathlib").Path(lake.path(PETS)) / "_delta_log").glob("*.json")]
    assert logs and not any("Canary-Name" in text for text in logs)
    detail = DeltaTable.forPath(lake.spark, lake.path(PETS)).detail().collect()[0]
    assert detail["properties"]["delta.dataSkippingStatsColumns"] == "pet_id,age,run_id"


def test_columns_are_added_and_widened_and_other_changes_refused(lake: Lake) -> None:
    lake.write(PETS, _pets(lake, ("a", "Ana", 1, "r1")))
    columns = tuple(replace(c, type="BIGINT") if c.name == "age" else c for c in PETS.columns)
    wider = replace(PETS, columns=(*columns, Column("colour", "STRING", "Colour.")))
    tomorrow = Lake(lake.spark, lake.root)
    assert tomorrow.read(wider).collect()[0].colour is None
    tomorrow.write(wider, lake.spark.createDataFrame([("a", "Ana", 2**40, "r2", "red")], wider.schema))
    assert [(r.age, r.colour) for r in tomorrow.read(wider).collect()] == [(2**40, "red")]

    narrower = replace(PETS, columns=tuple(replace(c, type="DATE") if c.name == "age" else c for c in PETS.columns))
    later = Lake(lake.spark, lake.root)
    with pytest.raises(ContractError, match=r"age is bigint, the contract says date.*cdp migrate gold\.pets"):
        later.write(narrower, lake.spark.createDataFrame([("a", "Ana", None, "r2")], narrower.schema))


def test_migrate_says_what_is_lost_before_it_rewrites(lake: Lake) -> None:
    with pytest.raises(ContractError, match=r"gold\.pets is not in the lake at .*: there is nothing to rewrite"):
        lake.migrate(PETS, accept_loss=True)
    texts = replace(PETS, columns=tuple(replace(c, type="STRING") if c.name == "age" else c for c in PETS.columns))
    lake.write(texts, lake.spark.createDataFrame([("a", "Ana", "7", "r"), ("b", "Bo", "old", "r")], texts.schema))
    assert lake.migrate(PETS, accept_loss=False) == ["1 values of age do not fit INT"]
    assert sorted(r.age for r in lake.read(texts).collect()) == ["7", "old"]
    lake.migrate(PETS, accept_loss=True)
    assert sorted((r.pet_id, r.age) for r in lake.read(PETS).collect()) == [("a", 7), ("b", None)]
