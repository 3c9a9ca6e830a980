"""The baseline: plain Spark reads the same raw files and writes them as Delta tables, with no question asked.

A program of its own, so that it starts its session as a night does: ``baseline.py --input DIR --out DIR --run-date D``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from itertools import islice
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp.runtime.session import build_session

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "4g",
    "spark.sql.shuffle.partitions": "8",
    "spark.ui.enabled": "false",
}


def read_raw(spark: SparkSession, files: list[str]) -> DataFrame:
    """All files of one source's delivery, with the schema that Spark infers; JSON with its keys given, as text.

    Inference refuses JSON in which one record has a key twice, and the raw files hold such faults.
    """
    name = files[0].removesuffix(".gz")
    if name.endswith(".csv"):
        return spark.read.csv(files, header=True, inferSchema=True, multiLine=True, escape='"')
    if name.endswith(".parquet"):
        return spark.read.parquet(*files)
    if name.endswith(".xml"):
        return spark.read.xml(files, rowTag="ticket")
    return spark.read.schema(T.StructType([T.StructField(k, T.StringType()) for k in top_keys(files)])).json(files)


def top_keys(files: list[str]) -> list[str]:
    """The keys of the first records of each file, once whatever their case; broken lines have none."""
    keys: dict[str, str] = {}
    for file in files:
        with gzip.open(file, "rb") if file.endswith(".gz") else Path(file).open("rb") as lines:
            for line in islice(lines, 1000):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                keys |= {key.lower(): key for key in record} if isinstance(record, dict) else {}
    return list(keys.values())


def flatten(df: DataFrame) -> DataFrame:
    """Nested columns as JSON text and plain column names: what Delta takes without more settings."""
    columns = []
    for number, field in enumerate(df.schema.fields):
        column = F.col(f"`{field.name}`")
        if isinstance(field.dataType, T.StructType | T.ArrayType | T.MapType):
            column = F.to_json(column)
        elif isinstance(field.dataType, T.NullType):
            column = column.cast("string")
        columns.append(column.alias(f"c{number}"))
    return df.select(*columns)


def main() -> None:
    """Write every delivery dated up to the run date; prints {seconds, bytes} without the session's start."""
    parser = argparse.ArgumentParser()
    for name in ("--input", "--out", "--run-date"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    spark = build_session("baseline", SETTINGS)
    started, size = time.monotonic(), 0
    for source in sorted(p for p in Path(options.input).iterdir() if p.is_dir() and p.name != "truth"):
        days = sorted(d for d in source.iterdir() if d.name <= options.run_date)
        files = [f for day in days for f in sorted(day.iterdir()) if f.is_file()]
        if not files:
            continue
        size += sum(f.stat().st_size for f in files)
        flatten(read_raw(spark, [str(f) for f in files])).write.format("delta").save(f"{options.out}/{source.name}")
    print(json.dumps({"seconds": round(time.monotonic() - started, 2), "bytes": size}))
    spark.stop()


if __name__ == "__main__":
    main()
