"""``cdp forecast``: what every customer of a shop will buy, from a file of transactions."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.dates import EPOCH, parse_run_date
from cdp.core.errors import ConfigError
from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.transactions import add_transactions, read_transactions, tell_left_out

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp.models.forecast.forecast import Forecast
    from cdp.models.forecast.purchase_days import PurchaseDays

LONGEST_WEEKS = 520


def add(verbs: Verbs) -> None:
    text = "forecast purchases and spend of every customer from a file of transactions"
    parser = add_verb(verbs, "forecast", forecast_verb, text, lake=False)
    add_transactions(parser)
    parser.add_argument("--horizon-weeks", required=True, type=int, metavar="W", help="how many weeks ahead")
    parser.add_argument("--out", required=True, metavar="DIR", help="gets forecast.parquet and summary.json")


def forecast_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp forecast``: read, net per day, forecast, write."""
    from cdp.models.forecast.forecast import forecast
    from cdp.runtime.files import write_json, write_parquet

    as_of = parse_run_date(options.as_of)
    if not 1 <= options.horizon_weeks <= LONGEST_WEEKS:
        raise ConfigError(f"--horizon-weeks {options.horizon_weeks}: 1 to {LONGEST_WEEKS} are possible")
    with console.status("reading the transactions") as status:
        read = read_transactions(options, as_of)
        made = forecast(
            read.purchases, as_of=(as_of - EPOCH).days, horizon_weeks=options.horizon_weeks, progress=status.update
        )
    write_parquet(forecast_table(made, read), options.out, "forecast.parquet")
    write_json({**made.summary, "input": read.counts}, options.out, "summary.json")
    _tell(made, read, as_of, options, console)
    return 0


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


def _tell(made: Forecast, read: PurchaseDays, as_of: date, options: argparse.Namespace, console: Console) -> None:
    facts = made.summary
    console.print(
        f"{facts['customers']:,} customers, {options.horizon_weeks} weeks after {as_of}: "
        f"{made.amounts.purchases.sum():,.0f} purchases expected of {made.amounts.p_any.sum():,.0f} customers, by "
        f"{facts['model']} ({facts['method']}, intervals: {facts['intervals']})",
        highlight=False,
    )
    for warning in facts["warnings"]:
        console.print(f"note: {warning}", highlight=False)
    tell_left_out(read, console)
    console.print(f"{options.out}/forecast.parquet and summary.json", highlight=False)
