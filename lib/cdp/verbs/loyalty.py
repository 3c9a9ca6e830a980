"""``cdp loyalty``: who keeps to the own rhythm, who speeds up and who fades, from a file of transactions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.dates import EPOCH, parse_run_date
from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.transactions import add_transactions, read_transactions, tell_left_out

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp.models.forecast.purchase_days import PurchaseDays
    from cdp.models.loyalty import Loyalty


def add(verbs: Verbs) -> None:
    text = "score how far each customer keeps to the own rhythm of purchases, with state and reasons"
    parser = add_verb(verbs, "loyalty", loyalty_verb, text, lake=False)
    parser.epilog = (
        "Writes DIR/loyalty.parquet, one row for each customer with a purchase up to the as-of date: customer_id as "
        "text; score, 0 gone or going to 1 coming more and more, about a half for who keeps the own rhythm; state "
        "(rising, steady, fading: what chance does to one in ten, lapsed: silent for longer than 95 % of such a "
        "person's gaps); silent_weeks; longer (share of such gaps that last longer); pace and amount (recent against "
        "before, 1: the same); reasons. And DIR/summary.json."
    )
    add_transactions(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="where the two files go")


def loyalty_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp loyalty --transactions FILE --as-of D --out DIR``."""
    from cdp.models.forecast.history import cut_at
    from cdp.models.loyalty import count_states, learn_rhythm, loyalty_reasons, score_loyalty
    from cdp.runtime.files import write_json, write_parquet

    as_of = parse_run_date(options.as_of)
    with console.status("reading the transactions") as status:
        read = read_transactions(options, as_of)
        status.update("comparing everybody with the own past")
        cut = cut_at(read.purchases, (as_of - EPOCH).days)
        rhythm = learn_rhythm(cut)
        found = score_loyalty(cut, rhythm)
    states = count_states(found)
    summary: dict[str, Any] = {
        "as_of": options.as_of,
        "customers": len(cut),
        "states": states,
        "mean_score": float(found.score.mean()),
        "rates": {"r": rhythm.r, "alpha_weeks": rhythm.alpha},
        "input": read.counts,
    }
    target = write_parquet(loyalty_table(found, loyalty_reasons(cut, found), read), options.out, "loyalty.parquet")
    write_json(summary, options.out, "summary.json")
    told = ", ".join(f"{n:,} {name}" for name, n in states.items())
    console.print(f"{len(cut):,} customers: {told}; {target}", highlight=False)
    tell_left_out(read, console)
    return 0


def loyalty_table(found: Loyalty, reasons: list[list[str]], read: PurchaseDays) -> pa.Table:
    """The rows of loyalty.parquet, by customer; `amount` is null where amounts are not known."""
    import pyarrow as pa

    from cdp.models.loyalty import STATES

    has_amounts = read.purchases.has_amounts
    return pa.table(
        {
            "customer_id": pa.array(read.customer_ids, pa.string()),
            "score": found.score,
            "state": pa.array([STATES[i] for i in found.state.tolist()], pa.string()),
            "silent_weeks": found.silence,
            "longer": found.longer,
            "pace": found.pace,
            "amount": pa.array(found.amount) if has_amounts else pa.nulls(len(reasons), pa.float64()),
            "reasons": pa.array(reasons, pa.list_(pa.string())),
        }
    )
