"""Recommendations in the night: the purchases of people out of order lines, and the rows of gold.recommendations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.gold.recommendations import RECOMMENDATIONS
from cdp.models.recommendation.purchase_log import COLUMNS, collect_purchases
from cdp.models.recommendation.recommendations import Recommendations, rank_purchases
from cdp.models.recommendation.registered import ListVersion
from cdp.models.recommendation.spec import ListSpec
from cdp.rules.known import is_known

HOLD_DAYS = 7  # without new data a night's lists differ from those of the night before by a day's fading only
MAX_LINES = 5_000_000  # order lines whose people are ranked at a time on the driver

_SCHEMA = pa.schema([
    ("list", pa.string()), ("person_id", pa.string()), ("as_of", pa.date32()), ("rank", pa.int32()),
    ("item_id", pa.string()), ("score", pa.float64()), ("score_kind", pa.string()), ("part", pa.string()),
    ("rank_in_part", pa.int32()), ("expected_on", pa.date32()), ("model_name", pa.string()),
    ("model_version", pa.string()),
])  # fmt: skip


def item_purchases(order_lines: DataFrame, person_records: DataFrame, *, item: str, as_of: date) -> DataFrame:
    """Who bought which item on which day: (customer_id, at, item_id), distinct.

    `person_records` is (record_id, person_id). As in build_snapshots a line is known when it was ordered before the
    as-of day 00:00 UTC and had arrived by its end; cancelled lines never count, and a day on which a person's net of
    the item is not positive (all went back) is none on which it was bought. Lines without an item are left out.
    """
    is_sale = ~F.coalesce("is_cancelled", F.lit(False)) & F.col("record_id").isNotNull() & F.col(item).isNotNull()
    lines = order_lines.where(is_known("ordered_at", as_of) & is_sale).select(
        "record_id", F.to_date("ordered_at").alias("at"), F.col(item).alias("item_id"), "amount"
    )
    mine = lines.join(person_records.select("record_id", F.col("person_id").alias("customer_id")), on="record_id")
    return mine.groupBy(*COLUMNS).agg(F.sum("amount").alias("net")).where("net > 0").select(*COLUMNS)


def shares_of(purchases: DataFrame, *, order_lines: int) -> list[DataFrame]:
    """The purchases in as many shares of people as keep each below `MAX_LINES` or so: mostly one.

    A share learns from its own people alone, of whom there are plenty then.
    """
    n = max(1, -(-order_lines // MAX_LINES))
    dealt = F.pmod(F.xxhash64("customer_id"), F.lit(n))
    return [purchases.where(dealt == share) for share in range(n)] if n > 1 else [purchases]


def recommend_night(
    name: str, spec: ListSpec, purchases: pa.Table, *, champion: ListVersion | None, as_of: date
) -> tuple[pa.Table, dict[str, Any] | None]:
    """Rows of gold.recommendations by the champion, by shares without one, at the end of the day before; a summary.

    `purchases`: rows of `item_purchases`; without one there are no rows, and no summary.
    """
    if not purchases.num_rows:
        return _SCHEMA.empty_table(), None
    model = champion.recommender if champion else None
    found = rank_purchases(collect_purchases(purchases), as_of - timedelta(days=1), spec.k, model)
    return _rows(name, found, champion, as_of), found.summary


def _rows(name: str, found: Recommendations, champion: ListVersion | None, as_of: date) -> pa.Table:
    n, rows = found.rows.num_rows, found.rows.rename_columns({"customer_id": "person_id"})
    same = {
        "list": name,
        "as_of": as_of,
        "score_kind": "chance" if champion else "share",
        "model_name": champion.name if champion else None,
        "model_version": champion.version if champion else None,
    }
    for column, value in same.items():
        rows = rows.append_column(column, pa.repeat(pa.scalar(value, _SCHEMA.field(column).type), n))
    return rows.select(RECOMMENDATIONS.column_names).cast(_SCHEMA)


def tell_list(name: str, summary: dict[str, Any], champion: ListVersion | None) -> str:
    """One line for who reads the night: how many people and items, and what ranked them."""
    by = f"{champion.name} version {champion.version}" if champion else "shares of past purchases: no model scores yet"
    return f"{name}: {summary['customers']:,} customers, {summary['items']:,} items, ranked by {by}"
