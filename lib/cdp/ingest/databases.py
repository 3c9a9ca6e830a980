"""Read the rows of a database source, all of them or those past a watermark, as records to land.

The rows come through Spark's JDBC reader (https://spark.apache.org/docs/latest/sql-data-sources-jdbc.html), by ranges
of a column in parallel where the source names one, and become the same canonical JSON as rows of Parquet files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark import TaskContext
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, NumericType, TimestampNTZType, TimestampType

from cdp.core.errors import ConfigError, TransientError
from cdp.core.keys import hashed_text
from cdp.ingest.batches import Batch, BatchPart
from cdp.ingest.formats import DatabaseOptions, duration
from cdp.ingest.rows_as_json import rows_as_json
from cdp.ingest.spec import SourceSpec

#: Java does not find the driver of a jar that came with the session by itself: its class has to be named.
_DRIVERS = {
    "postgresql": "org.postgresql.Driver",
    "mysql": "com.mysql.cj.jdbc.Driver",
    "mariadb": "org.mariadb.jdbc.Driver",
    "sqlserver": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
    "oracle": "oracle.jdbc.OracleDriver",
}
_RECORDS = "record_no BIGINT, raw BINARY"
_FETCH_ROWS = "10000"
#: Each task numbers its own records: room for 2^33 of them.
_TASK_SHIFT = 33


def login_of(source: SourceSpec) -> dict[str, str]:
    """User and password of the source's database; ConfigError where one is not at its place."""
    options = source.database
    assert options is not None
    places = {"user": options.user, "password": options.password}
    return {name: place.read(f"source {source.name}, {name}").decode() for name, place in places.items()}


def read_batch(
    spark: SparkSession,
    source: SourceSpec,
    login: Mapping[str, str],
    *,
    since: str | None,
    delivered_on: date,
    keep: Callable[[DataFrame], DataFrame],
) -> tuple[Batch, DataFrame]:
    """Read the source's rows, past `since` less the overlap where it has a watermark.

    Rows are in the shape of bronze.landed_records without run_id and landed_at; no row is a batch without parts.
    `since` is the watermark of the last batch, None before the first: then all rows are read, those without a
    watermark too, which later reads never see. A batch is named by its content whatever the order of its rows: the
    same rows again are the same batch. `keep` holds the rows, so that the database is asked once. Raises ConfigError
    when it cannot be reached or does not know the table, a column or the user, TransientError when it fails midway.
    """
    options = source.database
    assert options is not None
    try:
        rows, newest = _select(spark, options, login, since)
    except (PySparkException, Py4JJavaError) as error:  # nothing was read yet, so the text quotes no row
        raise ConfigError(
            f"source {source.name}: the database does not answer ({_first_line(error)}); look at `database` in "
            f"conf/sources/{source.name}.yaml, at {options.user.place} and {options.password.place}, and whether the "
            "coordinates of the driver's jar stand in the setting `packages`"
        ) from None
    try:
        records = keep(rows.mapInArrow(_as_records, _RECORDS))
        content = F.sum(F.xxhash64("raw").cast("decimal(20,0)")).cast("string")
        found = records.agg(F.count("*").alias("n"), content.alias("content")).collect()[0]
    except (PySparkException, Py4JJavaError):
        raise TransientError(
            f"source {source.name}: the connection was lost or a row cannot be read; nothing of it was landed, the "
            "next run begins there again (--debug shows the database's own words)"
        ) from None
    batch_id = hashed_text(source.name, "table", str(found.n), found.content, length=16)
    part = BatchPart(batch_id, options.table or "query", None if newest is None else _as_text(newest), delivered_on)
    batch = Batch(source.name, "table", (part,) if found.n else ())
    return batch, _landed_rows(records, source.name, batch_id, delivered_on)


def _landed_rows(records: DataFrame, source: str, batch_id: str, delivered_on: date) -> DataFrame:
    return records.select(
        F.concat(F.lit(f"{batch_id}:"), F.col("record_no").cast("string")).alias("landed_id"),
        F.lit(source).alias("source"),
        F.lit(batch_id).alias("file_id"),
        "record_no",
        "raw",
        F.lit(delivered_on).alias("delivered_on"),
    )


def _select(
    spark: SparkSession, options: DatabaseOptions, login: Mapping[str, str], since: str | None
) -> tuple[DataFrame, Any]:
    """The wanted rows, lazily, and the newest watermark among them."""
    bounds = _bounds(spark, options, login)
    reader = _connect(spark, options, login).option("dbtable", options.rows_sql())
    if options.partition_column and bounds["lowest"] is not None:
        reader = reader.option("partitionColumn", options.partition_column).option("numPartitions", options.partitions)
        reader = reader.option("lowerBound", str(bounds["lowest"])).option("upperBound", str(bounds["highest"]))
    rows, newest = reader.load(), bounds.get("newest")
    return (rows if newest is None else rows.where(_is_new(rows, options, newest, since))), newest


def _connect(spark: SparkSession, options: DatabaseOptions, login: Mapping[str, str]) -> Any:
    reader = spark.read.format("jdbc").option("url", options.url).options(**login)
    reader = reader.option("fetchsize", _FETCH_ROWS).option("preferTimestampNTZ", "true")
    kind = options.url.split(":")[1]
    if kind in _DRIVERS:
        reader = reader.option("driver", _DRIVERS[kind])
    if kind == "postgresql":  # a filter's time is text there, read in the connection's zone
        reader = reader.option("sessionInitStatement", "SET TIME ZONE 'UTC'")
    return reader


def _bounds(spark: SparkSession, options: DatabaseOptions, login: Mapping[str, str]) -> dict[str, Any]:
    """The newest watermark and the range of the partition column, in one small query."""
    wanted = []
    if options.watermark:
        wanted.append(f"max({options.watermark}) AS newest")
    if options.partition_column:
        wanted += [f"min({options.partition_column}) AS lowest", f"max({options.partition_column}) AS highest"]
    if not wanted:
        return {}
    query = f"(SELECT {', '.join(wanted)} FROM {options.rows_sql()}) AS bounds"
    return dict(_connect(spark, options, login).option("dbtable", query).load().collect()[0].asDict())


def _is_new(rows: DataFrame, options: DatabaseOptions, newest: Any, since: str | None) -> Column:
    """Rows up to the newest watermark, which is noted in the ledger: what is written meanwhile comes next time."""
    assert options.watermark is not None
    column, kind = F.col(options.watermark), rows.schema[options.watermark].dataType
    if not isinstance(kind, (DateType, NumericType, TimestampNTZType, TimestampType)):
        raise ConfigError(f"watermark {options.watermark} is of type {kind.simpleString()}: name a time or a number")
    upper = column <= F.lit(newest)
    if since is None:
        return upper | column.isNull()
    overlap = duration(options.overlap) or timedelta(0)
    if overlap and isinstance(kind, NumericType):
        raise ConfigError(f"watermark {options.watermark} is a number: an `overlap` in time does not fit it")
    lower: Any = Decimal(since) if isinstance(kind, NumericType) else type(newest).fromisoformat(since) - overlap
    return (column >= F.lit(lower)) & upper


def _first_line(error: Exception) -> str:
    cause = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else str(error)
    return str(cause).splitlines()[0]


def _as_text(watermark: Any) -> str:
    return watermark.isoformat() if isinstance(watermark, date) else str(watermark)


def _as_records(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    context = TaskContext.get()
    number = (context.partitionId() if context else 0) << _TASK_SHIFT
    for batch in batches:
        size = batch.num_rows
        numbers = pa.array(np.arange(number + 1, number + 1 + size, dtype=np.int64))
        yield pa.RecordBatch.from_arrays([numbers, rows_as_json(batch)], names=["record_no", "raw"])
        number += size
