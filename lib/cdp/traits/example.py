"""Run the worked examples of trait files: their rows go through the same code as a night's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.core.dates import EPOCH
from cdp.rules.measures import SOURCE_TABLES, measure_people
from cdp.traits.spec import TraitSpec

_ORDINARY = {"is_bot": False, "is_return": False, "is_cancelled": False, "source": "example"}


def run_examples(spark: SparkSession, specs: Mapping[str, TraitSpec]) -> dict[str, Any]:
    """Trait name -> the value that its example's rows give (two Spark jobs per as-of date in use).

    Each example's rows are one person of that trait's name, so that all of them share a run.
    """
    values: dict[str, Any] = {}
    for as_of in sorted({spec.example.as_of for spec in specs.values()}):
        at_date = {name: spec for name, spec in specs.items() if spec.example.as_of == as_of}
        values |= _run_at(spark, at_date, as_of)
    return values


def run_example(spark: SparkSession, name: str, spec: TraitSpec) -> Any:
    """The value that the rows of this trait's example give."""
    return run_examples(spark, {name: spec})[name]


def _run_at(spark: SparkSession, specs: Mapping[str, TraitSpec], as_of: date) -> dict[str, Any]:
    owners = [(name, name, EPOCH) for name in specs]
    person_records = spark.createDataFrame(owners, "record_id STRING, person_id STRING, joined_on DATE")
    names = sorted({str(spec.table) for spec in specs.values()})
    tables = {table: _example_rows(spark, table, specs) for table in names}
    traits = measure_people(person_records, tables, measures=specs, as_of_dates=[as_of])
    return {row["person_id"]: row[row["person_id"]] for row in traits.collect()}


def _example_rows(spark: SparkSession, table: str, specs: Mapping[str, TraitSpec]) -> DataFrame:
    """The rows of all examples of one table, each owned by the record of its trait's name."""
    contract, time_column = SOURCE_TABLES[table]
    texts = []
    for name, spec in sorted(specs.items()):
        for row in spec.example.rows if spec.table == table else []:
            full = {**_ORDINARY, "received_at": row.get(time_column), **row, "record_id": name}
            texts.append((json.dumps(full, default=str),))
    parsed = F.from_json("row", contract.schema, {"mode": "FAILFAST"})
    return spark.createDataFrame(texts, "row STRING").select(parsed.alias("row")).select("row.*")
