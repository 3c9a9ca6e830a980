"""From the transactions of any shop to purchase days: one row per customer and UTC day with positive net spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp.core.errors import ConfigError, ContractError
from cdp.core.numbers import text_of_floats
from cdp.models.forecast.far_days import is_far
from cdp.models.forecast.history import Purchases

MONEY = T.DecimalType(28, 6)  # sums are exact, so that they do not depend on the order of the rows
BLANKS = " \t\r\n\u00a0"
PATTERNS = "https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html"


@dataclass(frozen=True)
class PurchaseDays:
    """The purchases, whose they are (`customer_ids[i]` is customer i, as text), and what was read.

    `counts`: rows read; rows refused for no customer, no readable time or no readable amount; rows after the as-of
    date, and of days long before all others (far_days.py); customer days whose net spend is not positive (returns,
    free orders).
    """

    purchases: Purchases
    customer_ids: list[str]
    counts: dict[str, int]


def collect_purchase_days(transactions: DataFrame, *, until: date, at_format: str | None = None) -> PurchaseDays:
    """Net the transactions (columns customer_id, at and, where known, amount) per customer and day, up to `until`.

    `at` is a date or a timestamp: text in ISO 8601, or in Spark's pattern `at_format`; without a zone it is UTC.
    Without a column `amount` every day with a transaction is a purchase. One pass in Spark; the days come to the
    driver. Raises ContractError when no row can be used, ConfigError for a pattern that is none.
    """
    has_amounts = "amount" in transactions.columns
    rows = transactions.select(
        _as_text(transactions, "customer_id").alias("customer"),
        F.to_date(_time(F.col("at").cast("string"), at_format)).alias("day"),
        (_money(F.col("amount").cast("string")) if has_amounts else F.lit(1).cast(MONEY)).alias("amount"),
    ).select("*", _state(until).alias("state"))
    days = (
        rows.groupBy("state", F.when(F.col("state") == "used", F.col("customer")).alias("customer"),
                     F.when(F.col("state") == "used", F.col("day")).alias("day"))
        .agg(F.sum("amount").alias("amount"), F.count(F.lit(1)).alias("rows"))
        .select("state", "customer", F.unix_date("day").alias("day"), F.col("amount").cast("double"), "rows")
    )  # fmt: skip
    try:
        return _purchases(days.toArrow(), has_amounts)
    except PySparkException as error:
        if "DATETIME_PATTERN" in (error.getCondition() or ""):
            raise ConfigError(f"at_format {at_format!r} is no pattern that Spark knows: see {PATTERNS}") from None
        raise


def _time(text: Column, at_format: str | None) -> Column:
    """A time of day alone is no time: Spark would take it for today's."""
    if at_format is not None:
        return F.try_to_timestamp(text, F.lit(at_format))
    return F.when(text.rlike(r"^\s*[+-]?\d{4}"), F.try_to_timestamp(text))


def _money(text: Column) -> Column:
    """Null what is no number, and an amount so small that it would become 0."""
    exact = text.try_cast(MONEY)
    return F.when((exact != 0) | (text.try_cast("double") == 0), exact)


def _state(until: date) -> Column:
    return (
        F.when(F.col("customer").isNull() | (F.col("customer") == ""), "no_customer")
        .when(F.col("day").isNull(), "no_time")
        .when(F.col("day") > F.lit(until), "after_as_of")
        .when(F.col("amount").isNull(), "no_amount")
        .otherwise("used")
    )


def _as_text(rows: DataFrame, name: str) -> Column:
    """An id as text without blanks around; a whole number that a file keeps as floating point as that number."""
    column = F.col(name)
    if isinstance(rows.schema[name].dataType, T.FloatType | T.DoubleType):
        return text_of_floats(column)
    return F.trim(column.cast("string"), F.lit(BLANKS))


def _purchases(days: pa.Table, has_amounts: bool) -> PurchaseDays:
    rows = days.to_pandas()
    seen = {str(state): int(n) for state, n in rows.groupby("state")["rows"].sum().items()}
    used = rows[rows["state"] == "used"]
    far = is_far(used["day"].to_numpy(np.int64))
    far_rows, used = int(used["rows"][far].sum()), used[~far]
    bought = used[used["amount"] > 0].sort_values(["customer", "day"], ignore_index=True)
    counts = {
        "rows": sum(seen.values()),
        **{f"rows_{state}": seen.get(state, 0) for state in ("no_customer", "no_time", "no_amount", "after_as_of")},
        "rows_far_before": far_rows,
        "days_without_positive_net_spend": len(used) - len(bought),
    }
    if not len(bought):
        told = ", ".join(f"{name} {n:,}" for name, n in counts.items())
        raise ContractError(
            f"no purchase can be used ({told}). A purchase is a day up to the as-of date with positive net spend, a "
            "customer and a readable time: check the as-of date and the columns."
        )
    code, ids = bought["customer"].factorize()  # sorted: the same codes in any order of the rows
    purchases = Purchases(
        code.astype(np.int64),
        bought["day"].to_numpy(np.int64),
        bought["amount"].to_numpy(np.float64) if has_amounts else np.ones(len(bought)),
        has_amounts,
    )
    return PurchaseDays(purchases, [str(i) for i in ids], counts)
