"""Jobs of a lake run one after another in a session of this process: a start of the JVM for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pyspark import SparkContext

from cdp.runtime.catalogue import load_jobs
from cdp.runtime.config import load_configuration
from cdp.runtime.entry import open_lake
from cdp.runtime.night import run_one

RunJob = Callable[[str, str], list[str]]


@contextmanager
def jobs_of(home: Path, conf: Path, settings: dict[str, str]) -> Iterator[RunJob]:
    """``run(job, run_date)`` on the lake of a home folder, with the settings of small machines; gives the problems.

    The JVM ends with it: another test's session has other jars, and those are read when a JVM starts.
    """
    configuration = load_configuration(env="ci", conf=str(conf), overrides={"home": str(home), **settings})
    lake, jobs = open_lake(configuration, "in-process"), load_jobs()
    try:
        yield lambda job, night: run_one(lake, configuration, jobs[job], date.fromisoformat(night)).problems
    finally:
        lake.spark.stop()
        gateway = SparkContext._gateway
        assert gateway is not None
        gateway.shutdown()
        gateway.proc.kill()
        gateway.proc.wait()
        SparkContext._gateway = SparkContext._jvm = None
