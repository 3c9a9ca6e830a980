"""``cdp identity``: how well people are told apart, why, and what a data steward decides about it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.errors import ConfigError
from cdp.runtime.entry import configuration_of, open_lake
from cdp.verbs.parser import Action, Verbs, add_verb

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def add(verbs: Verbs) -> None:
    identity = verbs.add_parser("identity", help="measure, explain and correct who is who")
    acts = identity.add_subparsers(title="what to do", metavar="ACT", required=True)
    evaluate = add_verb(
        acts, "evaluate", evaluate_verb, "compare the people of the lake with a truth that somebody knows"
    )
    evaluate.add_argument("--truth", required=True, metavar="FILE",
                          help="Parquet or CSV: record_id, person and, where known, household")  # fmt: skip
    evaluate.add_argument("--json", action="store_true", help="as JSON instead of text")
    explain = add_verb(acts, "explain", explain_verb, "tell why two are, or are not, one person; or what holds one")
    explain.add_argument("who", nargs="+", metavar="WHO", help="one person id, or two person or record ids")
    explain.add_argument("--json", action="store_true", help="as JSON instead of text")
    _add_act(acts, "merge", merge_verb, "decide that two people, or the people of two records, are one", 2)
    _add_act(acts, "forbid", forbid_verb, "decide that two people, or two records, are not one", 2)
    _add_act(acts, "unmerge", unmerge_verb,
             "take back what stewards merged into a person, or take records out of theirs", "+")  # fmt: skip


def _add_act(acts: Verbs, name: str, action: Action, text: str, n: int | str) -> None:
    act = add_verb(acts, name, action, f"{text}; holds from the next night on, also when all is rebuilt")
    act.add_argument("who", nargs=n, metavar="WHO", help="a person id or a record id (`cdp show person` tells both)")
    act.add_argument("--reason", required=True, metavar="TEXT", help="why, for whoever asks later")


def evaluate_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity evaluate --truth FILE``: precision, recall and the kinds of mistakes."""
    from dataclasses import asdict

    from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
    from cdp.identity.evaluate import evaluate_people, render_evaluation
    from cdp.rules.person_records import person_records
    from cdp.tables.store import missing_table_error

    lake = open_lake(configuration_of(options), "cdp identity")
    if lake.version(PERSON_IDENTIFIERS) < 0:
        raise missing_table_error(PERSON_IDENTIFIERS, "identity.resolve_people")
    owners = person_records(lake.read(PERSON_IDENTIFIERS))
    found = evaluate_people(owners, read_truth(lake.spark, options.truth))
    print(json.dumps(asdict(found), indent=2) if options.json else render_evaluation(found))
    return 0


def read_truth(spark: SparkSession, path: str) -> DataFrame:
    """A file of the verbs', or a folder (or bucket) of Parquet; ConfigError where there is none."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    from cdp.runtime.files import read_rows

    if Path(path).is_file():
        return read_rows(spark, [path])
    try:
        return spark.read.parquet(path)
    except (PySparkException, Py4JJavaError):
        raise ConfigError(f"--truth {path}: no CSV or Parquet file, and no folder of Parquet") from None


def explain_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity explain PERSON`` or ``explain A B``: records, links, evidence, what was cut."""
    from cdp.identity.render_explanation import render_pair, render_person
    from cdp.runtime.stewards import explain

    if len(options.who) > 2:
        raise ConfigError(f"explain takes one person id, or two person or record ids, not {len(options.who)}")
    configuration = configuration_of(options)
    told = explain(open_lake(configuration, "cdp identity"), configuration, options.who)
    render = render_person if len(options.who) == 1 else render_pair
    print(json.dumps(told, indent=2) if options.json else render(told))
    return 0


def merge_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity merge A B --reason TEXT``."""
    from cdp.runtime.night import utc_now
    from cdp.runtime.stewards import decide_merge

    lake = open_lake(configuration_of(options), "cdp identity")
    return _tell(decide_merge(lake, *options.who, reason=options.reason, now=utc_now()), console)


def forbid_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity forbid A B --reason TEXT``."""
    from cdp.runtime.night import utc_now
    from cdp.runtime.stewards import decide_forbid

    lake = open_lake(configuration_of(options), "cdp identity")
    return _tell(decide_forbid(lake, *options.who, reason=options.reason, now=utc_now()), console)


def unmerge_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp identity unmerge PERSON --reason TEXT`` or ``unmerge RECORD... --reason TEXT``."""
    from cdp.runtime.night import utc_now
    from cdp.runtime.stewards import decide_unmerge

    lake = open_lake(configuration_of(options), "cdp identity")
    return _tell(decide_unmerge(lake, options.who, reason=options.reason, now=utc_now()), console)


def _tell(row: dict[str, Any], console: Console) -> int:
    revoked = f", revokes {len(row['revokes'])} earlier" if row["revokes"] else ""
    console.print(f"decision {row['override_id']} ({row['kind']}){revoked}: holds from the next `cdp nightly` on",
                  highlight=False, markup=False, soft_wrap=True)  # fmt: skip
    return 0
