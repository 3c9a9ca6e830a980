"""``cdp forecast``: what every customer of a shop will buy, from a file of transactions."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.dates import parse_run_date
from cdp.core.errors import ConfigError, nearest_name
from cdp.runtime.entry import open_session
from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp.models.forecast.forecast import Forecast
    from cdp.models.forecast.purchase_days import PurchaseDays

COLUMNS = ("customer_id", "at", "amount")
SCHEMA_KEYS = (*COLUMNS, "at_format")
LONGEST_WEEKS = 520


def add(verbs: Verbs) -> None:
    text = "forecast purchases and spend of every customer from a file of transactions"
    parser = add_verb(verbs, "forecast", forecast_verb, text, lake=False)
    parser.add_argument("--transactions", required=True, nargs="+", metavar="FILE",
                        help="CSV or Parquet: customer_id, at (date or timestamp, UTC) and, where known, amount; a "
                        "purchase is a customer's UTC day with positive net amount")  # fmt: skip
    parser.add_argument("--as-of", required=True, metavar="D",
                        help="forecast from the end of this day, YYYY-MM-DD; later rows are not looked at")  # fmt: skip
    parser.add_argument("--horizon-weeks", required=True, type=int, metavar="W", help="how many weeks ahead")
    parser.add_argument("--schema", metavar="FILE",
                        help="YAML or JSON for files with other names, e.g. {customer_id: CustomerID, at: InvoiceDate, "
                        "amount: Total}; at_format gives a Spark pattern for times that are not ISO 8601")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="gets forecast.parquet and summary.json")


def forecast_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp forecast``: read, net per day, forecast, write."""
    from cdp.models.forecast.forecast import forecast
    from cdp.models.forecast.history import EPOCH
    from cdp.models.forecast.purchase_days import collect_purchase_days
    from cdp.runtime.files import read_rows, write_json, write_parquet

    as_of, schema = parse_run_date(options.as_of), read_schema(options.schema)
    if not 1 <= options.horizon_weeks <= LONGEST_WEEKS:
        raise ConfigError(f"--horizon-weeks {options.horizon_weeks}: 1 to {LONGEST_WEEKS} are possible")
    with console.status("reading the transactions") as status:
        rows = read_rows(open_session("cdp forecast"), options.transactions)
        rows = rows.select(*(rows[f"`{theirs}`"].alias(ours) for ours, theirs in columns_of(rows, schema).items()))
        read = collect_purchase_days(rows, until=as_of, at_format=schema.get("at_format"))
        made = forecast(
            read.purchases, as_of=(as_of - EPOCH).days, horizon_weeks=options.horizon_weeks, progress=status.update
        )
    write_parquet(forecast_table(made, read), options.out, "forecast.parquet")
    write_json({**made.summary, "input": read.counts}, options.out, "summary.json")
    _tell(made, as_of, options, console)
    return 0


def read_schema(path: str | None) -> dict[str, str]:
    """Our column names -> theirs, and `at_format`; ConfigError names the file and what is wrong with it."""
    import yaml

    if path is None:
        return {}
    try:
        raw = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not readable as YAML or JSON ({type(error).__name__})") from None
    if not isinstance(raw, dict) or not all(isinstance(v, str) for v in raw.values()):
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


def forecast_table(made: Forecast, read: PurchaseDays) -> pa.Table:
    """The rows of forecast.parquet, by customer; the spend columns are null where amounts are not known."""
    import pyarrow as pa

    ids = [read.customer_ids[i] for i in made.customer.tolist()]
    money: dict[str, Any] = {"expected_spend": made.amounts.spend, "spend_low": made.low, "spend_high": made.high}
    if not read.purchases.has_amounts:
        money = {name: pa.nulls(len(ids), pa.float64()) for name in money}
    return pa.table(
        {"customer_id": pa.array(ids, pa.string()), "expected_purchases": made.amounts.purchases,
         "p_any": made.amounts.p_any, **money}
    )  # fmt: skip


def _tell(made: Forecast, as_of: date, options: argparse.Namespace, console: Console) -> None:
    facts = made.summary
    console.print(
        f"{facts['customers']:,} customers, {options.horizon_weeks} weeks after {as_of}: "
        f"{made.amounts.purchases.sum():,.0f} purchases expected of {made.amounts.p_any.sum():,.0f} customers, by "
        f"{facts['model']} ({facts['method']}, intervals: {facts['intervals']})",
        highlight=False,
    )
    for warning in facts["warnings"]:
        console.print(f"note: {warning}", highlight=False)
    console.print(f"{options.out}/forecast.parquet and summary.json", highlight=False)
