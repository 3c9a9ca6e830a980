"""``cdp subscription-churn``: who of the people under contract leaves, and by when."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from cdp.core.dates import parse_run_date
from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.people import progress_of, read_people, reasons_table
from cdp.verbs.warnings import tell_warnings


def add(verbs: Verbs) -> None:
    text = "the probability that each running contract ends within 1, 3, 6 and 12 months, with reasons"
    parser = add_verb(verbs, "subscription-churn", subscription_churn_verb, text, lake=False)
    parser.epilog = (
        "FILE is .csv, .csv.gz or .parquet, one row a contract: customer_id, started_on, ended_on (empty or "
        "after D: it runs on; contracts that start after D are not looked at); every other column is a feature, as "
        "known when the contract started. Columns that tell only of ended contracts are left out and named. Writes "
        "DIR/churn.parquet (a row a running contract, a customer may have several: id as text, from_on: the contract's "
        "own date from which its months count, p_left_by_1, _3, _6, _12, reasons) and DIR/summary.json (AUC, Brier, "
        "calibration error and bias on past days beside a spline logistic regression, what was chosen and why, the "
        "last year's ratio to all years, warnings). For snapshots with a label of your own see cdp propensity."
    )
    parser.add_argument("--contracts", required=True, metavar="FILE", help="contracts that run and that have ended")
    parser.add_argument("--as-of", required=True, metavar="D", help="score at the end of this day, YYYY-MM-DD")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the two files go")


def subscription_churn_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp subscription-churn --contracts FILE --as-of D --out DIR``."""
    from cdp.models.propensity.contracts import END, ID, START
    from cdp.models.propensity.subscription import forecast_churn
    from cdp.runtime.files import write_json, write_parquet

    as_of = parse_run_date(options.as_of)
    contracts = read_people(options.contracts, ID, START, END)
    with progress_of(console, "testing on past days and fitting") as on_step:
        found = forecast_churn(contracts, as_of=as_of, on_step=on_step)
    target = write_parquet(reasons_table(found.people), options.out, "churn.parquet")
    write_json({**found.report, "as_of": options.as_of}, options.out, "summary.json")
    _tell(console, found.report)
    console.print(f"{len(found.people):,} running contracts scored: {target}", highlight=False)
    return 0


def _tell(console: Console, report: dict[str, Any]) -> None:
    console.print(f"{report['contracts']:,} contracts, {report['left']:,} have ended; scored by {report['method']}: "
                  f"{report['why']}", highlight=False)  # fmt: skip
    for method, horizons in report["metrics"].items():
        for months, figures in horizons.items():
            told = ", ".join(f"{n} {figures[n]['mean']:.4f}" for n in ("auc", "brier", "calibration_error"))
            console.print(f"  {method}, {months}: {told}", highlight=False)
    tell_warnings(console, report["warnings"])
