"""``cdp lookalike``: who among all people resembles a seed audience."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.people import progress_of, read_people, reasons_table
from cdp.verbs.warnings import tell_warnings

USUAL_ID = "customer_id"


def add(verbs: Verbs) -> None:
    text = "rank people by their likeness to a seed audience, with reasons"
    parser = add_verb(verbs, "lookalike", lookalike_verb, text, lake=False)
    parser.epilog = (
        "FILE is .csv, .csv.gz or .parquet. The id is, in each file apart, the column of --id, else customer_id, else "
        "the first column; other columns of the seed file are not read. Every other column of the features, one row a "
        "person, is a feature. Writes DIR/lookalike.parquet (id as text, rank, score, is_seed, reasons; the most alike "
        "first, seed people among them, scored by models that have not seen them) and DIR/summary.json (recall of "
        "unseen seed people in the top shares, lift, the estimated share of people like the seed, warnings)."
    )
    parser.add_argument("--seed", required=True, metavar="FILE", help="the seed audience: one id a row")
    parser.add_argument("--features", required=True, metavar="FILE", help="everybody with features, the seed included")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the two files go")
    parser.add_argument("--id", metavar="COL", dest="id_column", help="the id's column, if it is not customer_id")


def lookalike_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp lookalike --seed FILE --features FILE --out DIR``."""
    from cdp.models.propensity.lookalike import find_lookalikes
    from cdp.models.propensity.propensity_model import read_ids
    from cdp.runtime.files import write_json, write_parquet

    asked = [options.id_column] if options.id_column else []
    seed, features = (read_people(file, *asked) for file in (options.seed, options.features))
    with progress_of(console, "comparing people with the seed") as on_step:
        found = find_lookalikes(
            read_ids(seed, _id_of(seed, options.id_column)),
            features,
            id_column=_id_of(features, options.id_column),
            on_step=on_step,
        )
    target = write_parquet(reasons_table(found.people), options.out, "lookalike.parquet")
    write_json(found.report, options.out, "summary.json")
    _tell(console, found.report)
    console.print(f"{len(found.people):,} people ranked: {target}", highlight=False)
    return 0


def _id_of(frame: Any, asked: str | None) -> str:
    return asked or (USUAL_ID if USUAL_ID in frame else str(frame.columns[0]))


def _tell(console: Console, report: dict[str, Any]) -> None:
    share = report["estimated_share_of_seed_like_people"]
    console.print(f"{report['seed_people']:,} seed people among {report['people']:,}; about {share:.1%} of the others "
                  f"are like them; ranked by {report['method']}: {report['why']}", highlight=False)  # fmt: skip
    for name, figures in report["metrics"].items():
        top = figures["top 10%"]
        told = f"AUC {figures['auc']['mean']:.3f}, {top['recall']:.0%} of unseen seed people in the top tenth"
        console.print(f"  {name}: {told} (lift {top['lift']:.1f})", highlight=False)
    tell_warnings(console, report["warnings"])
