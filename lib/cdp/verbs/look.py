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
    text = "list the jobs in the order of a night, with what they read and write"
    jobs = add_verb(verbs, "jobs", jobs_verb, text, lake=False)
    jobs.add_argument(
        "--json", action="store_true", help="as JSON, with the jobs that each comes after: for schedulers"
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
    from cdp.runtime.catalogue import edges_of, load_jobs, order_jobs

    jobs = load_jobs()
    before = edges_of(jobs)
    told = [
        {
            "job": loaded.job.name,
            "does": loaded.doc.splitlines()[0],
            "reads": [table.full_name for table in loaded.job.reads],
            "writes": [table.full_name for table in loaded.job.writes],
            "after": sorted(before[loaded.job.name]),
        }
        for loaded in order_jobs(jobs)
    ]
    if options.json:
        print(json.dumps(told, indent=2))
        return 0
    for job in told:
        console.print(f"{job['job']}: {job['does']}", highlight=False, markup=False)
        console.print(f"    reads {', '.join(job['reads']) or 'files'}", highlight=False)
        console.print(f"    writes {', '.join(job['writes']) or 'files'}", highlight=False)
    return 0


def catalog_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp catalog``: every table of the lake, from the contracts."""
    from cdp.contracts.catalog import catalog_json, catalog_markdown
    from cdp.runtime.lineup import table_contracts

    contracts = table_contracts(configuration_of(options)).values()
    print(json.dumps(catalog_json(contracts), indent=2) if options.json else catalog_markdown(contracts))
    return 0
