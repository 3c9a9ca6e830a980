"""Nights of few records run without generated code, and others as the settings say."""

from __future__ import annotations

from pyspark.sql import SparkSession

from cdp.runtime.interpreted import FEW_NEW, FEW_RECORDS, interpret_few, is_few

KEY = "spark.sql.codegen.wholeStage"


def test_many_new_records_or_many_in_all_are_not_few_and_an_empty_lake_tells_nothing() -> None:
    assert is_few(held=1, new=0) and is_few(held=0, new=FEW_NEW) and is_few(held=FEW_RECORDS - 1, new=1)
    assert not is_few(held=0, new=0)
    assert not is_few(held=1, new=FEW_NEW + 1)
    assert not is_few(held=FEW_RECORDS, new=1)


def test_few_are_interpreted_and_afterwards_the_settings_hold_again(spark: SparkSession) -> None:
    session = spark.newSession()
    session.conf.set(KEY, "true")
    interpret_few(session, held=1)
    assert session.conf.get(KEY) == "false"
    session.conf.set(KEY, "true")
    interpret_few(session, held=2 * FEW_RECORDS)
    assert session.conf.get(KEY) == spark.sparkContext.getConf().get(KEY)
