"""One Spark session for the in-process tests, and builders of tiny tables from contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.model import TableContract
from cdp.runtime.session import build_session
from cdp.tables.store import Lake

# Measured: C1 and SerialGC halve the start of tiny jobs (and make real data dearer: for tests only).
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=256m -XX:ReservedCodeCacheSize=240m"

# By itself Hypothesis fails an example that takes 200 ms, which on a busy machine any does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs Spark, so that the rest can run beside it in a process of its own."""
    if "spark" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one session of the in-process tier."""
    scratch = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.master": "local[2]",
        "spark.driver.memory": "3g",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.extraJavaOptions": _JAVA_OPTIONS,
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.checkpoint.dir": str(scratch / "checkpoints"),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.debug.maxToStringFields": "5",
        # As nights of few records do (runtime/interpreted.py); those of the real retailers run the written code.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    session = build_session("cdp-tests", settings)
    session.sparkContext.setCheckpointDir(str(scratch / "checkpoints"))
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty lake in a temporary folder."""
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def rows(spark: SparkSession) -> Callable[..., DataFrame]:
    """``rows(EVENTS, [{...}])``: a frame in the contract's shape; columns that are not given are null."""

    def build(contract: TableContract, records: list[dict[str, Any]]) -> DataFrame:
        names = set(contract.column_names)
        for record in records:
            unknown = set(record) - names
            assert not unknown, f"{contract.full_name} has no column {unknown}"
        data = [tuple(r.get(n) for n in contract.column_names) for r in records]
        return spark.createDataFrame(data, contract.schema)

    return build
