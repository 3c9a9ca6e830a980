"""``cdp propensity``: the probability of any event, with reasons, from a table of people who did and who did not."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.people import progress_of, read_people, reasons_table
from cdp.verbs.warnings import tell_warnings


def add(verbs: Verbs) -> None:
    text = "train on labelled people and give others a calibrated probability with reasons"
    parser = add_verb(verbs, "propensity", propensity_verb, text, lake=False)
    parser.epilog = (
        "FILE is .csv, .csv.gz or .parquet, one row a person. Every other column is a feature: numbers, categories, "
        "dates, booleans, gaps are found out; ids, constants and columns that give the label away are left out and "
        "named. Writes DIR/scores.parquet (id as text, probability, reasons: up to three texts such as 'tenure = 2 "
        "raises (+0.81)', the value and its push on the log-odds against the average person) and DIR/summary.json "
        "(cross-validated figures, what was chosen and why, warnings)."
    )
    parser.add_argument("--train", required=True, metavar="FILE", help="labelled people")
    parser.add_argument("--label", required=True, metavar="COL", help="1/0, yes/no or true/false: did it happen?")
    parser.add_argument("--id", required=True, metavar="COL", dest="id_column", help="the column that names the person")
    parser.add_argument("--score", required=True, metavar="FILE", help="people to score; the label is not needed")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the two files go")


def propensity_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp propensity --train FILE --label COL --id COL --score FILE --out DIR``."""
    from cdp.models.propensity.propensity import fit_propensity
    from cdp.models.propensity.propensity_model import check_scored, score_propensity
    from cdp.runtime.files import write_json, write_parquet

    train = read_people(options.train, options.id_column, options.label)
    people = read_people(options.score, options.id_column)
    with progress_of(console, "cross-validating and fitting") as on_step:
        trained = fit_propensity(train, label=options.label, id_column=options.id_column, on_step=on_step)
    warnings = check_scored(trained.model, people, id_column=options.id_column)
    scores = score_propensity(trained.model, people, id_column=options.id_column)
    report = trained.report
    report["warnings"] += warnings
    report["scored"] = len(scores)
    target = write_parquet(reasons_table(scores), options.out, "scores.parquet")
    write_json(report, options.out, "summary.json")
    _tell(console, report)
    console.print(f"{len(scores):,} people scored: {target}", highlight=False)
    return 0


def _tell(console: Console, report: dict[str, Any]) -> None:
    console.print(f"{report['rows']:,} rows, {report['positives']:,} positives ({report['base_rate']:.1%}); "
                  f"scored by {report['method']}: {report['why']}", highlight=False)  # fmt: skip
    for name, figures in report.get("metrics", {}).items():
        told = ", ".join(f"{key} {v['mean']:.4f} ± {v['sd']:.4f}" for key, v in figures.items())
        console.print(f"  {name}: {told}", highlight=False)
    tell_warnings(console, report["warnings"])
