"""What a table got since an earlier state: its new rows where it only grew, and no answer where more happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from cdp.contracts.model import Column, TableContract
from cdp.tables.fs import delete_folder
from cdp.tables.store import Lake

VISITS = TableContract(
    layer="silver",
    name="visits",
    doc="One visit.",
    key=("visit_id",),
    mode="append",
    clustered_by=("visit_id",),
    columns=(Column("visit_id", "STRING", "Id.", nullable=False), Column("pages", "INT", "Pages.", unit="pages")),
)


def _add(lake: Lake, *visits: tuple[Any, ...]) -> str:
    lake.write(VISITS, lake.spark.createDataFrame(list(visits), VISITS.schema))
    return lake.state_of(VISITS)


def _since(lake: Lake, state: str) -> list[tuple[Any, ...]] | None:
    rows = lake.added_since(VISITS, state)
    return None if rows is None else sorted(tuple(r) for r in rows.collect())


def test_rows_that_were_added_are_told_until_any_go(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "a lake [1] {of}*"))  # Spark takes such names for patterns
    assert (lake.state_of(VISITS), _since(lake, "")) == ("", None)
    first = _add(lake, ("a", 1))
    assert _since(lake, first) == []
    second = _add(lake, ("b", 2))
    third = _add(lake, ("c", 3))
    assert _since(lake, first) == [("b", 2), ("c", 3)]
    assert _since(lake, second) == [("c", 3)]
    assert lake.erase(VISITS, "visit_id = 'a'") == 1
    _add(lake, ("d", 4))
    assert _since(lake, third) is None


def test_a_state_is_known_again_only_in_the_same_table(lake: Lake) -> None:
    _add(lake, ("a", 1))
    other = _add(lake, ("b", 2))
    delete_folder(lake.spark, lake.path(VISITS))
    _add(lake, ("a", 1))
    again = _add(lake, ("b", 2))
    assert (other != again, _since(lake, other), _since(lake, again)) == (True, None, [])


def test_a_full_state_says_what_it_was_made_of(lake: Lake) -> None:
    days = replace(VISITS, name="days", mode="replace")
    rows = lake.spark.createDataFrame([("a", 1)], VISITS.schema)
    lake.write(days, rows, made_of={"silver.visits": "1:x"})
    lake.write(days, rows, made_of={"silver.visits": "2:y"})
    assert lake.made_of(days) == {"silver.visits": "1:x"}  # the rows that came since then were worth nothing
    lake.write(days, rows.limit(0))
    assert lake.made_of(days) == {}
