"""``cdp show``, ``jobs``, ``catalog``: what is there."""

from __future__ import annotations

import argparse
import json

from rich.console import Console

from cdp.runtime.entry import configuration_of, open_lake
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    show = add_verb(verbs, "show", show_verb, "print one person: who, why, what, which scores and audiences")
    show.add_argument("what", choices=("person",))
    show.add_argument("key", help="a person id, or an identifier such as an e-mail address or customer number")
    add_verb(
        verbs, "jobs", jobs_verb, "list the jobs in the order of a night, with what they read and write", lake=False
    )
    catalog = add_verb(verbs, "catalog", catalog_verb, "describe every table: grain, columns, sensitivity")
    catalog.add_argument("--json", action="store_true", help="as JSON instead of Markdown")


def show_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp show person KEY``: everything known about one person, on the terminal."""
    from cdp.runtime.person import show_person

    configuration = configuration_of(options)
    lake = open_lake(configuration, "cdp show")
    print(show_person(lake, configuration, options.key, color=console.is_terminal))
    return 0


def jobs_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp jobs``: the night's order with reads and writes."""
    from cdp.runtime.catalogue import load_jobs, order_jobs

    for loaded in order_jobs(load_jobs()):
        job = loaded.job
        console.print(f"{job.name}: {loaded.doc.splitlines()[0]}", highlight=False, markup=False)
        console.print(f"    reads {', '.join(t.full_name for t in job.reads) or 'files'}", highlight=False)
        console.print(f"    writes {', '.join(t.full_name for t in job.writes) or 'files'}", highlight=False)
    return 0


def catalog_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp catalog``: every table of the lake, from the contracts."""
    from cdp.contracts.catalog import catalog_json, catalog_markdown
    from cdp.runtime.lineup import table_contracts

    contracts = table_contracts(configuration_of(options)).values()
    print(json.dumps(catalog_json(contracts), indent=2) if options.json else catalog_markdown(contracts))
    return 0
