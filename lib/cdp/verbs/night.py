"""``cdp nightly``, ``run``, ``land``, ``reprocess``, ``migrate``: what changes a lake."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from cdp.core.dates import days_between
from cdp.core.errors import ConfigError, TransientError, nearest_name
from cdp.runtime.config import Configuration
from cdp.runtime.entry import checked_run_date, configuration_of, exit_code, open_lake, outcome
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    nightly = add_verb(verbs, "nightly", nightly_verb, "run every job of a night, in order, where something changed")
    nightly.add_argument("--run-date", metavar="D", help="the night to process, YYYY-MM-DD")
    nightly.add_argument("--from", dest="first", metavar="D1", help="backfill: the first night")
    nightly.add_argument("--to", dest="last", metavar="D2", help="backfill: the last night")
    nightly.add_argument("--strict", action="store_true", help="exit 3 instead of 6 when something was quarantined")
    run = add_verb(verbs, "run", run_verb, "run one job")
    run.add_argument("job", help="its name, as `cdp jobs` prints it")
    run.add_argument("--run-date", required=True, metavar="D", help="YYYY-MM-DD")
    land = add_verb(verbs, "land", land_verb, "land what is new again and again, for streams, until it is told to stop")
    land.add_argument("--every", type=float, default=30.0, metavar="SECONDS", help="wait between rounds (default: 30)")
    again = add_verb(
        verbs,
        "reprocess",
        reprocess_verb,
        "make one source's silver rows again from bronze, after a mapping was mended",
    )
    again.add_argument("source", help="the source's name")
    again.add_argument("--run-date", required=True, metavar="D", help="the night to count it to, YYYY-MM-DD")
    migrate = add_verb(verbs, "migrate", migrate_verb, "rewrite a table whose stored shape no longer fits its contract")
    migrate.add_argument("table", help="layer.name")
    migrate.add_argument("--accept-loss", action="store_true", help="go on although values are lost (they are listed)")


def nightly_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp nightly``: one night, or all nights of a backfill, in one session under one lock."""
    if bool(options.run_date) == bool(options.first and options.last) or bool(options.first) != bool(options.last):
        raise ConfigError("nightly takes either --run-date D, or --from D1 and --to D2")
    if options.run_date:
        nights = [checked_run_date(options.run_date)]
    else:
        nights = list(days_between(checked_run_date(options.first), checked_run_date(options.last)))
    configuration = configuration_of(options)
    problems = run_nights(configuration, nights, console)
    return exit_code(problems, is_strict=options.strict)


def run_nights(configuration: Configuration, nights: Sequence, console: Console) -> list[str]:
    """Run the nights in one session under one lock; gives what a person must know."""
    from cdp.runtime.interpreted import interpret_few
    from cdp.runtime.lineup import check_definitions, check_expressions
    from cdp.runtime.lock import night_lock
    from cdp.runtime.night import run_night
    from cdp.runtime.runlog import finished_runs

    definitions = check_definitions(configuration)
    problems: list[str] = []
    with night_lock(configuration.settings.state), ThreadPoolExecutor(max_workers=2) as beside:
        beside.submit(_import_jobs)
        lake = open_lake(configuration, "cdp nightly")
        interpret_few(lake.spark, held=1)  # until it is known how many: what is asked first is short
        checked = beside.submit(check_expressions, lake.spark, definitions)
        for night in nights:
            finished = finished_runs(lake)
            checked.result()
            last = finished.latest_night
            if last is not None and night < last:
                console.print(f"night {night}: nothing to do, the night {last} has taken all deliveries up to it; "
                              f"late files of that date are taken by `--run-date {last}` or later")  # fmt: skip
                continue
            console.print(f"night {night}")
            result = run_night(lake, configuration, night, finished=finished, console=console)
            problems += result.problems
            told = f"{len(result.ran)} jobs ran, {len(result.unchanged)} unchanged, {result.seconds:.1f} s"
            console.print(f"night {night}: {told}", highlight=False)
    return problems


def _import_jobs() -> None:
    """Import what the jobs need, some seconds in all, while Java starts; who needs a module earlier waits for it."""
    from cdp.runtime.catalogue import load_jobs

    load_jobs()
    for module in ("mlflow", "mlflow.store.tracking.sqlalchemy_store", "cdp.reports.page"):
        importlib.import_module(module)


def run_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp run JOB``: one job, whether or not anything changed."""
    from cdp.runtime.catalogue import find_job
    from cdp.runtime.lock import night_lock
    from cdp.runtime.night import run_one

    loaded, run_date = find_job(options.job), checked_run_date(options.run_date)
    configuration = configuration_of(options)
    with night_lock(configuration.settings.state):
        context = run_one(open_lake(configuration, options.job), configuration, loaded, run_date)
    console.print(outcome(context), highlight=False, markup=False)
    return exit_code(context.problems, is_strict=False)


def land_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp land``: files, database rows and messages go to bronze as they come; a night decides on them."""
    from cdp.runtime.catalogue import find_job
    from cdp.runtime.job import JobContext
    from cdp.runtime.rounds import run_in_rounds

    def told(round_: JobContext | TransientError) -> None:
        text = outcome(round_) if isinstance(round_, JobContext) else str(round_)
        console.print(text, highlight=False, markup=False)

    configuration, job = configuration_of(options), find_job("ingest.land_files")
    lake = open_lake(configuration, "cdp land")
    run_in_rounds(lake, configuration, job, every_seconds=options.every, told=told)
    return 0


def reprocess_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp reprocess SOURCE``: silver rows of the source are made again from bronze, table by table."""
    from cdp.runtime.lock import night_lock
    from cdp.runtime.reprocess import reprocess_source

    run_date = checked_run_date(options.run_date)
    configuration = configuration_of(options)
    with night_lock(configuration.settings.state):
        counts = reprocess_source(open_lake(configuration, "cdp reprocess"), configuration, options.source, run_date)
    for table, rows in sorted(counts.items()):
        console.print(f"{table}: {rows:,} rows of {options.source}", highlight=False)
    console.print("run `cdp nightly` for that date to carry it on to people, profiles and audiences")
    return 0


def migrate_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp migrate TABLE``: show what a rewrite would lose; rewrite when nothing is, or when told to."""
    from cdp.runtime.lineup import table_contracts
    from cdp.runtime.lock import night_lock

    configuration = configuration_of(options)
    contracts = table_contracts(configuration)
    if options.table not in contracts:
        raise ConfigError(f"no table {options.table!r}: {nearest_name(options.table, list(contracts))}")
    with night_lock(configuration.settings.state):
        lake = open_lake(configuration, "cdp migrate")
        losses = lake.migrate(contracts[options.table], accept_loss=options.accept_loss)
    for loss in losses:
        console.print(f"{options.table}: {loss}", highlight=False)
    if losses and not options.accept_loss:
        raise ConfigError(f"{options.table} was not touched: run it again with --accept-loss if that may be lost")
    console.print(f"{options.table} fits its contract")
    return 0
