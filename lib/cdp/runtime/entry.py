"""How a process starts: options shared by every command, logging, exit codes, and a job under spark-submit."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console

from cdp.core.dates import parse_run_date, refuse_future
from cdp.core.errors import EXIT_DONE, EXIT_PARTIAL, CdpError, ConfigError, ContractError
from cdp.runtime.config import Configuration, load_configuration
from cdp.runtime.loggers import quiet_python_loggers

if TYPE_CHECKING:  # a verb without Spark starts without it
    from pyspark.sql import SparkSession

    from cdp.runtime.job import Job, JobContext, JobMain
    from cdp.tables.store import Lake

_SHORTCUTS = ("home", "lake", "input", "output")


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The options that every command with a lake takes."""
    group = parser.add_argument_group("where and how")
    group.add_argument(
        "--home", metavar="DIR", help="folder below which lake, input, output and state lie (default: data)"
    )
    group.add_argument("--lake", metavar="DIR|URL", help="the lake: a folder or a bucket such as s3a://bucket/lake")
    group.add_argument("--input", metavar="DIR", help="the deliveries: <input>/<source>/<YYYY-MM-DD>/<files>")
    group.add_argument("--output", metavar="DIR", help="where exports and reports go")
    group.add_argument("--env", default="local", metavar="NAME", help="settings of conf/env/NAME.yaml (default: local)")
    group.add_argument("--conf", metavar="DIR", help="a folder with your own definitions, laid over the bundled ones")
    group.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets",
                       help="one setting, e.g. spark.spark.master=local[4] or models.horizon_weeks=26")  # fmt: skip
    group.add_argument("--debug", action="store_true", help="show stack traces and Spark's own messages")


def configuration_of(options: argparse.Namespace) -> Configuration:
    """The configuration that the shared options ask for."""
    overrides = {key: value for key in _SHORTCUTS if (value := getattr(options, key, None))}
    for item in options.sets:
        key, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"--set {item}: write it as KEY=VALUE, e.g. --set models.horizon_weeks=26")
        overrides[key] = value
    return load_configuration(env=options.env, conf=options.conf, overrides=overrides)


def open_lake(configuration: Configuration, app_name: str) -> Lake:
    """A session and the lake on it."""
    from cdp.runtime.jars import file_system_jars
    from cdp.runtime.session import build_session
    from cdp.tables.store import Lake

    settings = configuration.settings
    stores = dict.fromkeys((*file_system_jars(settings.lake), *file_system_jars(settings.input)))
    extra = (*stores, *settings.packages)
    spark = build_session(app_name, settings.spark, extra_jars=extra)
    if spark.sparkContext.getCheckpointDir() is None:
        spark.sparkContext.setCheckpointDir(f"{settings.lake}/_checkpoints")
    return Lake(spark, settings.lake)


def open_session(app_name: str) -> SparkSession:
    """A session with the default settings, for a verb that works on files instead of a lake."""
    from cdp.runtime.session import build_session

    return build_session(app_name, load_configuration().settings.spark)


def checked_run_date(text: str) -> date:
    """The run date of the command line: a past date or today."""
    from cdp.runtime.night import utc_now

    run_date = parse_run_date(text)
    refuse_future(run_date, utc_now().date())
    return run_date


def guarded(action: Callable[[], int], *, debug: bool) -> int:
    """Run a command; our own errors become one message on stderr and their exit code, others stay bugs (1)."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    quiet_python_loggers()
    try:
        return action()
    except CdpError as error:
        if debug:
            raise
        Console(stderr=True).print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def exit_code(problems: Sequence[str], *, is_strict: bool) -> int:
    """0, or 6 when something was quarantined or a source failed (3 under ``--strict``)."""
    if not problems:
        return EXIT_DONE
    return ContractError.exit_code if is_strict else EXIT_PARTIAL


def run(job: Job, main: JobMain) -> int:
    """Run one job file as a program: ``spark-submit jobs/<area>/<job>.py --run-date D``; gives the exit code."""
    from cdp.runtime.catalogue import LoadedJob
    from cdp.runtime.night import run_one

    parser = argparse.ArgumentParser(prog=job.name, description=describe_job(job))
    parser.add_argument("--run-date", required=True, metavar="D", help="the night to process, YYYY-MM-DD")
    parser.add_argument("--strict", action="store_true", help="exit 3 instead of 6 when something was quarantined")
    add_shared_options(parser)
    options = parser.parse_args()

    def action() -> int:
        configuration = configuration_of(options)
        lake = open_lake(configuration, job.name)
        loaded = LoadedJob(job, main, "", "")
        context = run_one(lake, configuration, loaded, checked_run_date(options.run_date))
        print(outcome(context))
        return exit_code(context.problems, is_strict=options.strict)

    return guarded(action, debug=options.debug)


def outcome(context: JobContext) -> str:
    """What one run of one job did, and what a person must know of it, a line each."""
    lines = [f"{context.job.name} {context.run_date}: {context.rows_written or 'no change'}"]
    return "\n".join([*lines, *(f"  ! {p}" for p in context.problems), *(f"  - {note}" for note in context.notes)])


def describe_job(job: Job) -> str:
    """What the job reads and writes, for its help."""
    reads = ", ".join(t.full_name for t in job.reads) or "files"
    return f"Job {job.name}: reads {reads}; writes {', '.join(t.full_name for t in job.writes) or 'files'}."
