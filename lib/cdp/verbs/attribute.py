"""``cdp attribute``: credit of channels for conversions, from a file of paths."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    from cdp.models.attribution.attribution import Attribution
    from cdp.models.attribution.paths import Paths


def add(verbs: Verbs) -> None:
    parser = add_verb(verbs, "attribute", attribute_verb,
                      "share conversions out among the channels of the paths that led to them", lake=False)  # fmt: skip
    parser.add_argument("--paths", required=True, nargs="+", metavar="FILE",
                        help="CSV or Parquet: path (written a > b > c, the last touch last), conversions (how often "
                        "the path ended with one) and, where known, value (what those brought in all) and nulls (how "
                        "often it ended without one). Empty numbers count as 0; rows with an empty path are left out "
                        "and counted; other columns are not read")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="gets credit.parquet (model, channel, conversions, value) and summary.json")  # fmt: skip


def attribute_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp attribute --paths FILE --out DIR``."""
    from cdp.models.attribution.attribution import CORRELATIONAL, attribute_paths
    from cdp.models.attribution.paths import collect_paths
    from cdp.runtime.files import read_arrow, write_json, write_parquet

    with console.status("reading the paths") as status:
        rows = read_arrow(options.paths)
        paths = collect_paths(rows)
        found = attribute_paths(paths, on_model=lambda name: status.update(f"attributing: {name}"))
    summary = _summarise(paths, found, rows.column_names)
    write_parquet(found.credit, options.out, "credit.parquet")
    write_json(summary, options.out, "summary.json")
    _tell(console, paths, found, summary)
    console.print(f"{CORRELATIONAL}\nwritten: {options.out}/credit.parquet and summary.json", highlight=False)
    return 0


def _summarise(paths: Paths, found: Attribution, columns: list[str]) -> dict[str, Any]:
    from cdp.models.attribution.attribution import CORRELATIONAL
    from cdp.models.attribution.paths import COLUMNS

    choice = found.markov
    measured = "cross-validated AUC of conversion" if choice.auc else "none: too few paths with or without a conversion"
    return {
        "distinct_paths": len(paths.conversions),
        "channels": len(paths.channels),
        "conversions": float(paths.conversions.sum()),
        "value": None if paths.value is None else float(paths.value.sum()),
        "nulls": float(paths.nulls.sum()),
        "metrics": {
            "conversion_share": found.conversion_share,
            "markov_orders": choice.orders,
            "markov_order": choice.chosen,
            "markov_order_measured_by": measured,
            "markov_auc": {str(o): {"mean": mean, "standard_error": se} for o, (mean, se) in choice.auc.items()},
        },
        "left_out_without_path": vars(paths.left_out),
        "columns_not_read": [name for name in columns if name not in COLUMNS],
        "note": CORRELATIONAL,
    }


def _tell(console: Console, paths: Paths, found: Attribution, summary: dict[str, Any]) -> None:
    chosen = f"markov_{found.markov.chosen}"
    told = f"{summary['conversions']:,.10g} conversions on {summary['distinct_paths']:,} distinct paths"
    console.print(f"{told}, {summary['channels']:,} channels; order by cross-validation: {chosen}", highlight=False)
    if paths.left_out.rows:
        lost = f"{paths.left_out.rows:,} rows without a channel ({paths.left_out.conversions:,.10g} conversions)"
        console.print(f"left out: {lost}", highlight=False)
    if summary["columns_not_read"]:
        console.print(f"not read: {', '.join(summary['columns_not_read'])}", highlight=False, markup=False)
    if paths.lengths.max() == 1:
        console.print("every path has one channel only: if that is not so, write them as a > b > c", highlight=False)
    table = found.credit.pivot(index="channel", columns="model", values="conversions")
    for channel, row in table.nlargest(12, chosen).iterrows():
        models = "  ".join(f"{name} {row[name]:,.1f}" for name in ("first", "last", "linear", "shapley", chosen))
        console.print(f"  {channel}: {models}", highlight=False, markup=False)
