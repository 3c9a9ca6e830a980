"""Measures of definition files, analysed by Spark against their tables' contracts before any data is read."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from cdp.core.errors import ConfigError
from cdp.rules.expressions import Place, check_expression, expression_types
from cdp.rules.measures import SOURCE_TABLES, Measure, filtered_aggregate

_SOME_DAY = "DATE'2000-01-01'"


def check_measures(spark: SparkSession, measures: Mapping[str, Measure]) -> None:
    """:class:`ConfigError` for the first measure that is wrong; the names say where each stands.

    A name is a file, or a file and the key below which the measure lies: ``conf/models/email_click.yaml: label``.
    Refused: a column that does not exist, a filter that is no condition, an aggregate that aggregates nothing, a
    type that does not fit.
    """
    for table, (contract, _) in SOURCE_TABLES.items():
        of_table = {where: measure for where, measure in sorted(measures.items()) if measure.table == table}
        frame = spark.createDataFrame([], contract.schema)
        if not _are_sound(frame, of_table):
            for where, measure in of_table.items():
                _check(frame, where, measure)


def place(where: str, key: str, table: str) -> Place:
    """The place of a measure's key in a message."""
    file, _, above = where.partition(": ")
    return Place(file, f"{above}.{key}" if above else key, table)


def _are_sound(frame: DataFrame, measures: Mapping[str, Measure]) -> bool:
    """Whether nothing is wrong, in two analyses instead of three a measure; what is wrong, :func:`_check` says."""
    filtered = [(measure, filtered_aggregate(measure, _SOME_DAY)) for measure in measures.values()]
    if any(aggregate == plain for _, (plain, aggregate) in filtered):
        return False
    conditions = expression_types(frame, [measure.filter for measure, _ in filtered])
    values = [f"CAST({aggregate} AS {measure.type})" for measure, (_, aggregate) in filtered]
    is_right = conditions is not None and all(kind.simpleString() == "boolean" for kind in conditions)
    return is_right and expression_types(frame, values, aggregate=True) is not None


def _check(frame: DataFrame, where: str, measure: Measure) -> None:
    at = place(where, "filter", measure.table)
    if check_expression(frame, measure.filter, at).simpleString() != "boolean":
        raise ConfigError(f"{at}: {measure.filter!r} is not a condition (true or false)")
    aggregate, filtered = filtered_aggregate(measure, _SOME_DAY)
    at = place(where, "aggregate", measure.table)
    if filtered == aggregate:
        raise ConfigError(f"{at}: {measure.aggregate!r} calls no aggregate function, e.g. sum, count, max")
    check_expression(frame, filtered, at, aggregate=True)
    at = place(where, "type", measure.table)
    check_expression(frame, f"CAST({filtered} AS {measure.type})", at, aggregate=True)
