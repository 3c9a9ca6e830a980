"""``cdp next-action``: the next best action for each person, from scores and a file of actions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.dates import parse_run_date
from cdp.core.errors import ConfigError
from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.people import read_people, reasons_table
from cdp.verbs.warnings import tell_warnings

if TYPE_CHECKING:
    import pandas as pd

    from cdp.models.actions.contacts import Contacts
    from cdp.models.actions.next_action import NextActions
    from cdp.models.actions.rules import ActionRules

EXAMPLE = """\
ACTIONS.yaml, for example:

  budget: 5000                        # for all people together; leave it out for none
  exploration: 0.05                   # share of people (and of every limit) for trying other choices; 0: none
  at_most: {times: 3, days: 7}        # of all actions together, for each person
  actions:
    mail: {value: 30, cost: 0.1, consent: may_mail}
    call: {value: margin, cost: 6, consent: may_call, capacity: 200, at_most: {times: 1, days: 30}}

value (what a response brings) and cost (of showing it) are numbers or columns, consent is a column (yes/no, 1/0,
true/false; a gap is no) or not_needed. Columns are looked for among the scores, then in --people. An empty action is a
decision for none among contacts and in the log, and is refused among scores.

Writes DIR/actions.parquet (id as text, action: null where nothing is better, probability with which just this was
chosen, expected_gain = score x value - cost, cost, is_explored, reasons; and as_of where given) and DIR/summary.json
(what is used of each limit and what one more unit would bring, how far the plan may be from the best one, warnings).
With rewards added later the file is a log for --log.
"""


def add(verbs: Verbs) -> None:
    text = "choose one action or none for each person, by expected gain under consent, caps and budget"
    parser = add_verb(verbs, "next-action", next_action_verb, text, lake=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    parser.add_argument("--scores", required=True, nargs="+", metavar="[ACTION=]FILE",
                        help="one file for each action (mail=mail/scores.parquet, as cdp propensity writes them: id, "
                        "probability), or files with a column action; a column uplift is taken before probability. "
                        "CSV or Parquet, as all files here")  # fmt: skip
    parser.add_argument("--actions", required=True, metavar="YAML", help="the actions and their limits, see below")
    parser.add_argument("--people", metavar="FILE", help="one row a person: id and the columns that the actions name")
    parser.add_argument("--contacts", metavar="FILE",
                        help="who was shown what and when (id, action, at); needed for an at_most")  # fmt: skip
    parser.add_argument("--as-of", metavar="D", help="the day of the decision, YYYY-MM-DD: caps look back from it, and "
                        "another day explores with other people")  # fmt: skip
    parser.add_argument("--log", metavar="FILE",
                        help="decisions of the past (id, action, probability, reward: money, less the action's cost): "
                        "summary.json tells what these choices would have brought on them; the scores should be of "
                        "that time")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="where the two files go")


def next_action_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp next-action --scores FILE --actions YAML --out DIR``."""
    from cdp.models.actions.next_action import choose_actions, evaluate_on_log
    from cdp.models.actions.offers import collect_offers
    from cdp.models.actions.rules import ActionRules
    from cdp.rules.definitions import read_definition
    from cdp.runtime.files import write_json, write_parquet

    rules, as_of = read_definition(options.actions, ActionRules), options.as_of and parse_run_date(options.as_of)
    contacts = _contacts(options, rules)
    scores = read_scores(options.scores, rules.names)
    people = read_people(options.people, "id") if options.people else None
    log = read_people(options.log, "id") if options.log else None
    with console.status("choosing"):
        offers = collect_offers(scores, rules, people=people, contacts=contacts, as_of=as_of)
        found = choose_actions(offers, rules, as_of=as_of)
        evaluation = None if log is None else evaluate_on_log(found, log)
    summary = {"as_of": options.as_of, **found.summary, **({"evaluation": evaluation} if evaluation else {})}
    target = write_parquet(_table(found, as_of), options.out, "actions.parquet")
    write_json(summary, options.out, "summary.json")
    _tell(console, summary)
    console.print(f"{len(found.people):,} people: {target}", highlight=False)
    return 0


def read_scores(given: Sequence[str], names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Action -> its scores, from ``NAME=FILE`` and from files with a column action. No action may come twice."""
    from cdp.models.actions.offers import split_by_action

    found: dict[str, pd.DataFrame] = {}
    for word in given:
        name, _, file = word.partition("=")
        parts = {name: read_people(file, "id")} if file and name in names else split_by_action(_whole(word), names)
        for action, rows in parts.items():
            if action in found:
                raise ConfigError(f"--scores gives {action} twice")
            found[action] = rows
    return found


def _whole(file: str) -> pd.DataFrame:
    name, _, behind = file.partition("=")
    if behind and not Path(file).exists() and Path(behind).exists():
        raise ConfigError(f"--scores {file}: the actions file has no action {name!r}")
    return read_people(file, "id")


def _contacts(options: argparse.Namespace, rules: ActionRules) -> Contacts | None:
    from cdp.models.actions.contacts import read_contacts

    if rules.has_caps_by_time and not (options.contacts and options.as_of):
        raise ConfigError(
            f"{options.actions} has an at_most: give --contacts (who was shown what and when; a file with the header "
            "id,action,at alone where nobody was) and --as-of"
        )
    return read_contacts(read_people(options.contacts, "id", may_be_empty=True)) if options.contacts else None


def _table(found: NextActions, as_of: date | None) -> Any:
    import pyarrow as pa

    table = reasons_table(found.people)
    table = table.set_column(table.column_names.index("action"), "action", table["action"].cast(pa.string()))
    return table if as_of is None else table.append_column("as_of", pa.array([as_of] * len(table), pa.date32()))


def _tell(console: Console, summary: dict[str, Any]) -> None:
    plan, budget = summary["plan"], summary["budget"]
    spent = "" if budget["given"] is None else f", {budget['used']:,.2f} of {budget['given']:,.2f} spent"
    console.print(f"{summary['people_with_an_action']:,} of {summary['people']:,} people get an action: expected gain "
                  f"{summary['expected_gain']:,.2f}{spent}; the plan is at most {plan['below_best_at_most']:.2%} below "
                  "the best one", highlight=False)  # fmt: skip
    for name, of in summary["actions"].items():
        limit = "" if of["capacity"] is None else f" of {of['capacity']:,}"
        console.print(f"  {name}: {of['people']:,}{limit} people, gain {of['expected_gain']:,.2f}",
                      highlight=False, markup=False)  # fmt: skip
    tell_warnings(console, summary["warnings"])
    if evaluation := summary.get("evaluation"):
        _tell_evaluation(console, evaluation)


def _tell_evaluation(console: Console, evaluation: dict[str, Any]) -> None:
    console.print(f"on {evaluation['decisions']:,} logged decisions, reward a decision (95 %):", highlight=False)
    for name in ("logged", "ips", "snips", "doubly_robust", "gain"):
        if name in evaluation and evaluation[name]["mean"] is not None:
            of = evaluation[name]
            console.print(f"  {name}: {of['mean']:.4f} ({of['low']:.4f} to {of['high']:.4f})", highlight=False)
    tell_warnings(console, evaluation["warnings"])
