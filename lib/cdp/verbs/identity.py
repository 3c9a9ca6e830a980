"""``cdp identity``: how well people are told apart."""

from __future__ import annotations

import argparse
import json

from rich.console import Console

from cdp.runtime.entry import configuration_of, open_lake
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    identity = verbs.add_parser("identity", help="measure how well people are told apart")
    acts = identity.add_subparsers(title="what to do", metavar="ACT", required=True)
    evaluate = add_verb(
        acts, "evaluate", evaluate_verb, "compare the people of the lake with a truth that somebody knows"
    )
    evaluate.add_argument("--truth", required=True, metavar="FILE",
                          help="Parquet or CSV: record_id, person and, where known, household")  # fmt: skip
    evaluate.add_argument("--json", action="store_true", help="as JSON instead of text")


def evaluate_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity evaluate --truth FILE``: precision, recall and the kinds of mistakes."""
    from dataclasses import asdict

    from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
    from cdp.identity.evaluate import evaluate_people, read_truth, render_evaluation
    from cdp.rules.person_records import person_records
    from cdp.tables.store import missing_table_error

    lake = open_lake(configuration_of(options), "cdp identity")
    if lake.version(PERSON_IDENTIFIERS) < 0:
        raise missing_table_error(PERSON_IDENTIFIERS, "identity.resolve_people")
    owners = person_records(lake.read(PERSON_IDENTIFIERS))
    found = evaluate_people(owners, read_truth(lake.spark, options.truth))
    print(json.dumps(asdict(found), indent=2) if options.json else render_evaluation(found))
    return 0
