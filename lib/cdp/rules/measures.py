"""Measures of people: one number, date or word per person and day, computed from the rows of one silver table.

Traits, the features of models and what models are to foretell are all measures: one grammar and one engine, point in
time for one day or for many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.rules.expressions import count_by_sets, filter_aggregates
from cdp.rules.known import is_known

SOURCE_TABLES: dict[str, tuple[TableContract, str]] = {
    EVENTS.full_name: (EVENTS, "event_at"),
    ORDER_LINES.full_name: (ORDER_LINES, "ordered_at"),
    FEEDBACK.full_name: (FEEDBACK, "given_at"),
}
"""The tables that measures may read, each with the column that says when a row happened."""


class Measure(BaseModel):
    """What is computed: ``filter`` and ``aggregate`` are SQL over the table's columns.

    ``:as_of`` in the aggregate is the as-of date. ``window_days`` N counts rows of the N days before the as-of
    date, null all history; the as-of day itself never counts. ``default`` is the value of a person without a
    single row that counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Literal["silver.events", "silver.order_lines", "silver.feedback"]
    filter: str = "true"
    aggregate: str
    window_days: int | None = Field(default=None, gt=0)
    default: bool | int | float | str | None = None
    type: str


def measure_people(
    person_records: DataFrame,
    tables: Mapping[str, DataFrame],
    *,
    measures: Mapping[str, Measure],
    as_of_dates: Sequence[date],
    truths: Collection[str] = (),
) -> DataFrame:
    """One row per person and date: ``person_id``, ``as_of`` and a column per measure, in the order of the names.

    ``person_records`` says whose record is whose and from which date on that was known (``record_id``, ``person_id``,
    ``joined_on``), and who is a person at all: people without a single row in ``tables`` ("silver.events" -> frame)
    get every measure's default.

    Point in time: a row counts if it happened before midnight UTC at the start of the as-of date, had arrived by the
    end of that day, and its record had joined the person by then. The measures named in ``truths`` count a row for
    whose it is, whenever that was learned. Rows without a record belong to nobody. Each table is read once, for all
    dates.
    """
    dates = sorted(set(as_of_dates))
    key = ["person_id", "as_of"] if len(dates) > 1 else ["person_id"]  # a constant in a join's key costs a shuffle
    result = _at_dates(person_records.select("person_id").distinct(), dates)
    for table in sorted({measure.table for measure in measures.values()}):
        of_table = {name: measure for name, measure in sorted(measures.items()) if measure.table == table}
        found = _measure_table(tables[table], person_records, of_table, dates, truths).select(*key, *of_table)
        result = result.join(found, on=key, how="left")
    values = [_with_default(F.col(f"`{name}`"), measures[name]).alias(name) for name in sorted(measures)]
    return result.select("person_id", "as_of", *values)


def row_condition(measure: Measure, as_of: str) -> str:
    """The SQL predicate that a row must meet to count: filter and window; ``as_of`` is the date as SQL."""
    if measure.window_days is None:
        return f"({measure.filter})"
    time_column = SOURCE_TABLES[measure.table][1]
    return f"({measure.filter}) AND {time_column} >= CAST(date_sub({as_of}, {measure.window_days}) AS TIMESTAMP)"


def filtered_aggregate(measure: Measure, as_of: str) -> tuple[str, str]:
    """The aggregate as of a date (SQL), without and with the rows' condition behind each call in it."""
    aggregate = count_by_sets(measure.aggregate.replace(":as_of", as_of))
    return aggregate, filter_aggregates(aggregate, row_condition(measure, as_of))


def _measure_table(
    table: DataFrame,
    person_records: DataFrame,
    measures: Mapping[str, Measure],
    dates: Sequence[date],
    truths: Collection[str],
) -> DataFrame:
    """One row per person and date with at least one row that counts for at least one of the measures of a table."""
    happened_at = SOURCE_TABLES[next(iter(measures.values())).table][1]
    known_from = F.greatest(F.date_add(F.to_date(happened_at), 1), F.to_date("received_at"))
    owners = person_records.select("record_id", "person_id", "joined_on")
    # Windows begin earliest on the first date: what counts for none of them there is left out before rows multiply.
    rows = table.where(is_known(happened_at, dates[-1])).where(_counts_for_any(measures, f"DATE'{dates[0]}'"))
    if any(name in truths for name in measures):  # rows of records that joined later stay, for these alone
        measures = {name: m if name in truths else _once_joined(m) for name, m in measures.items()}
    else:
        owners = owners.where(F.col("joined_on") <= F.lit(dates[-1]))
        known_from = F.greatest(known_from, "joined_on")
    counting = _at_dates(rows.join(owners, on="record_id", how="inner"), dates, known_from)
    if len(dates) > 1:
        counting = counting.where(_counts_for_any(measures, "as_of"))
    return counting.groupBy("person_id", "as_of").agg(
        *(F.expr(_measure_sql(measure)).alias(name) for name, measure in measures.items())
    )


def _once_joined(measure: Measure) -> Measure:
    """The measure over those rows whose record had joined the person by the as-of date."""
    return measure.model_copy(update={"filter": f"({measure.filter}) AND joined_on <= as_of"})


def _counts_for_any(measures: Mapping[str, Measure], as_of: str) -> Column:
    conditions = sorted({row_condition(measure, as_of) for measure in measures.values()})
    return reduce(Column.__or__, map(F.expr, conditions))


def _at_dates(rows: DataFrame, dates: Sequence[date], known_from: Column | None = None) -> DataFrame:
    """Each row once for each date, from ``known_from`` on, in the column ``as_of``.

    With one date, whose rows are chosen already, ``as_of`` is a constant, which Spark folds into the plan.
    """
    days = [F.lit(day).cast("date") for day in dates]
    if len(days) == 1:
        return rows.withColumn("as_of", days[0])
    all_days = F.array(*days)
    its = all_days if known_from is None else F.filter(all_days, lambda day: day >= known_from)
    return rows.withColumn("as_of", F.explode(its))


def _measure_sql(measure: Measure) -> str:
    """The measure as one SQL aggregate over the rows of a person and date; null where no row meets the condition.

    Counts are null, not 0, without a row: so a person whose rows count for other measures only gets the same
    default as a person without any row.
    """
    _, aggregate = filtered_aggregate(measure, "as_of")
    any_row = f"count_if({row_condition(measure, 'as_of')}) > 0"
    return f"CAST(CASE WHEN {any_row} THEN {aggregate} END AS {measure.type})"


def _with_default(value: Column, measure: Measure) -> Column:
    if measure.default is None:
        return value
    return F.coalesce(value, F.lit(measure.default).cast(measure.type))
