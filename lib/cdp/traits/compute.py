"""Compute traits: all traits of one silver table in one grouping by person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.core.dates import start_of
from cdp.rules.expressions import count_by_sets, filter_aggregates
from cdp.traits.spec import SOURCE_TABLES, TraitSpec


def compute_traits(
    person_records: DataFrame, tables: Mapping[str, DataFrame], *, specs: Mapping[str, TraitSpec], as_of: date
) -> DataFrame:
    """One row per person: ``person_id``, ``as_of`` and a column per trait, in the order of the names.

    ``person_records`` says whose record is whose (``record_id``, ``person_id``) and who is a person at all:
    people without a single row in ``tables`` ("silver.events" -> frame) get every trait's default.

    Point in time: a row counts if it happened before midnight UTC at the start of ``as_of`` and had arrived
    by the end of that day. Rows without a record belong to nobody.
    """
    result = person_records.select("person_id").distinct()
    for table in sorted({spec.table for spec in specs.values()}):
        of_table = {name: spec for name, spec in specs.items() if spec.table == table}
        by_person = _aggregate_table(tables[table], person_records, of_table, as_of)
        result = result.join(by_person, on="person_id", how="left")
    traits = [_with_default(F.col(f"`{name}`"), specs[name]).alias(name) for name in sorted(specs)]
    return result.select("person_id", F.lit(as_of).cast("date").alias("as_of"), *traits)


def _aggregate_table(
    table: DataFrame, person_records: DataFrame, specs: Mapping[str, TraitSpec], as_of: date
) -> DataFrame:
    """One row per person with at least one row that counts for at least one of the traits."""
    conditions = {name: row_condition(spec, as_of) for name, spec in specs.items()}
    counts_for_any = reduce(Column.__or__, [F.expr(c) for c in sorted(set(conditions.values()))])
    rows = table.where(_known_by(specs, as_of)).where(counts_for_any)
    owned = rows.join(person_records.select("record_id", "person_id"), on="record_id", how="inner")
    return owned.groupBy("person_id").agg(
        *(F.expr(trait_sql(spec, conditions[name], as_of)).alias(name) for name, spec in sorted(specs.items()))
    )


def row_condition(spec: TraitSpec, as_of: date) -> str:
    """The SQL predicate that a row must meet to count for this trait: its filter and its window."""
    if spec.window_days is None:
        return f"({spec.filter})"
    time_column = SOURCE_TABLES[spec.table][1]
    first_day = as_of - timedelta(days=spec.window_days)
    return f"({spec.filter}) AND {time_column} >= TIMESTAMP'{first_day} 00:00:00+00:00'"


def trait_sql(spec: TraitSpec, condition: str, as_of: date) -> str:
    """The trait as one SQL aggregate over the rows of a person; null where no row meets the condition.

    Counts are null, not 0, without a row: so a person whose rows count for other traits only gets the same
    default as a person without any row.
    """
    aggregate = count_by_sets(spec.aggregate.replace(":as_of", f"DATE'{as_of}'"))
    aggregate = filter_aggregates(aggregate, condition)
    any_row = f"count_if({condition}) > 0"
    return f"CAST(CASE WHEN {any_row} THEN {aggregate} END AS {spec.type})"


def _known_by(specs: Mapping[str, TraitSpec], as_of: date) -> Column:
    """Rows that had happened before ``as_of`` and had arrived by its end (all specs are of one table)."""
    time_column = SOURCE_TABLES[next(iter(specs.values())).table][1]
    happened = F.col(time_column) < F.lit(start_of(as_of))
    arrived = F.col("received_at") < F.lit(start_of(as_of + timedelta(days=1)))
    return happened & arrived


def _with_default(value: Column, spec: TraitSpec) -> Column:
    if spec.default is None:
        return value
    return F.coalesce(value, F.lit(spec.default).cast(spec.type))
