"""``cdp recommend``: what each customer buys next, from a file of purchases."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.dates import parse_run_date
from cdp.core.errors import ConfigError
from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    from cdp.models.recommendation.recommendations import Recommendations

DEFAULT_ITEMS = 10


def add(verbs: Verbs) -> None:
    parser = add_verb(verbs, "recommend", recommend_verb,
                      "rank the items that each customer buys next: bought before (repeat) and new (explore)",
                      lake=False)  # fmt: skip
    parser.add_argument("--purchases", required=True, nargs="+", metavar="FILE",
                        help="CSV or Parquet: customer_id, at (a date, or a time in UTC or with its zone) and item_id; "
                        "rows that lack one are left out and counted; other columns are not read")  # fmt: skip
    parser.add_argument("--as-of", required=True, metavar="D",
                        help="YYYY-MM-DD: purchases up to the end of this day (UTC) are known, later ones are not "
                        "looked at")  # fmt: skip
    parser.add_argument("--k", type=int, default=DEFAULT_ITEMS, metavar="N",
                        help="up to N items of each part for each customer; rank orders both parts together, so its "
                        f"first N are the N best of all (default {DEFAULT_ITEMS})")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="gets recommendations.parquet (customer_id, rank, item_id, score, part, rank_in_part, "
                        "expected_on) and summary.json")  # fmt: skip


def recommend_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp recommend --purchases FILE --as-of D --k N --out DIR``."""
    from cdp.models.recommendation.purchase_log import collect_purchases
    from cdp.models.recommendation.recommendations import recommend_purchases
    from cdp.runtime.files import read_arrow, write_json, write_parquet

    as_of = parse_run_date(options.as_of)
    if options.k < 1:
        raise ConfigError(f"--k {options.k}: it counts items, so 1 or more")
    with console.status("reading the purchases") as status:
        log = collect_purchases(read_arrow(options.purchases))
        found = recommend_purchases(log, as_of, options.k, on_step=status.update)
    write_parquet(found.rows, options.out, "recommendations.parquet")
    write_json(found.summary, options.out, "summary.json")
    _tell(console, found)
    console.print(f"written: {options.out}/recommendations.parquet and summary.json", highlight=False)
    return 0


def _tell(console: Console, found: Recommendations) -> None:
    s = found.summary
    console.print(
        f"{s['customers']:,} customers, {s['items']:,} items: {found.rows.num_rows:,} recommendations; "
        f"repeat by {s['repeat_by']}, explore by {s['explore_by']}; score: {s['score']}", highlight=False,
    )  # fmt: skip
    if s["rows_left_out"]:
        console.print(f"left out: {s['rows_left_out']:,} rows without customer_id, at or item_id", highlight=False)
    metrics: dict[str, Any] = s["metrics"]
    if not metrics:
        console.print(
            "too little history to try this on an earlier date: two finished horizons of four weeks are needed"
        )
        return
    for items in ("all", "new"):
        over = metrics["gains"][f"ndcg_at_10_{items}_over_popular"]
        if over["mean"] is not None:
            reached, cuts = metrics[f"ndcg_at_10_{items}"], len(metrics["cuts"])
            told = f"{reached['mean']:.3f} ({reached['low']:.3f} to {reached['high']:.3f} over {cuts} earlier dates)"
            console.print(
                f"  NDCG@10, {items} items: {told}, {over['mean']:+.3f} over the most popular", highlight=False
            )
