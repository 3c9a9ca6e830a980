"""What the verbs on transactions share: their options, and the purchase days of any shop's files."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from cdp.core.errors import ConfigError, nearest_name
from cdp.runtime.entry import open_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from rich.console import Console

    from cdp.models.forecast.purchase_days import PurchaseDays

COLUMNS = ("customer_id", "at", "amount")
SCHEMA_KEYS = (*COLUMNS, "at_format")
LEFT_OUT = {
    "rows_no_customer": "customer",
    "rows_no_time": "readable time (2026-01-31 or 2026-01-31T09:30:00Z)",
    "rows_far_before": "likely time (five years and more before all others, such as 1900-01-01)",
    "rows_no_amount": "readable amount (1234.5; at most six decimals)",
}


def add_transactions(parser: argparse.ArgumentParser) -> None:
    """The options --transactions, --as-of and --schema."""
    parser.add_argument("--transactions", required=True, nargs="+", metavar="FILE",
                        help="CSV or Parquet: customer_id, at (date or timestamp, UTC) and, where known, amount; a "
                        "purchase is a customer's UTC day with positive net amount")  # fmt: skip
    parser.add_argument("--as-of", required=True, metavar="D",
                        help="look from the end of this day, YYYY-MM-DD; later rows are not looked at")  # fmt: skip
    parser.add_argument("--schema", metavar="FILE",
                        help="YAML or JSON for files with other names, e.g. {customer_id: CustomerID, at: InvoiceDate, "
                        "amount: Total}; at_format gives a Spark pattern for times that are not ISO 8601")  # fmt: skip


def read_transactions(options: argparse.Namespace, as_of: date) -> PurchaseDays:
    """The purchase days up to the end of `as_of` in the files that the options name."""
    from cdp.models.forecast.purchase_days import collect_purchase_days
    from cdp.runtime.files import read_rows

    schema = read_schema(options.schema)
    rows = read_rows(open_session("cdp transactions"), options.transactions)
    found = columns_of(rows, schema)
    rows = rows.select(*(rows[f"`{theirs.replace('`', '``')}`"].alias(ours) for ours, theirs in found.items()))
    return collect_purchase_days(rows, until=as_of, at_format=schema.get("at_format"))


def tell_left_out(read: PurchaseDays, console: Console) -> None:
    """Say which rows were not used because something in them was missing or unreadable."""
    told = [f"{read.counts[name]:,} without a {what}" for name, what in LEFT_OUT.items() if read.counts[name]]
    if told:
        console.print(f"note: of {read.counts['rows']:,} rows left out: {', '.join(told)}", highlight=False)


def read_schema(path: str | None) -> dict[str, str]:
    """Our column names -> theirs, and `at_format`; ConfigError names the file and what is wrong with it."""
    from cdp.rules.definitions import read_yaml

    if path is None:
        return {}
    raw = read_yaml(path)
    if not isinstance(raw, dict) or not all(isinstance(v, str) and v for v in raw.values()):
        raise ConfigError(f"{path}: write `customer_id: CustomerID`, one line a column")
    for key in raw:
        if key not in SCHEMA_KEYS:
            raise ConfigError(f"{path}: unknown key {key!r}: {nearest_name(str(key), list(SCHEMA_KEYS))}")
    return raw


def columns_of(rows: DataFrame, schema: dict[str, str]) -> dict[str, str]:
    """Our names -> the file's, of the columns that are there; a renamed or required column that is not is an error."""
    found = {}
    for ours in COLUMNS:
        theirs = schema.get(ours, ours)
        if theirs in rows.columns:
            found[ours] = theirs
        elif ours in schema or ours != "amount":
            near = nearest_name(theirs, rows.columns)
            raise ConfigError(f"no column {theirs!r} for {ours} ({near}); other names are given by --schema")
    return found
