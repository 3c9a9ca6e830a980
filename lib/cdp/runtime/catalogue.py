"""Find the jobs by walking the folder, and put them in the order that their reads and writes give."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from types import ModuleType

from cdp.core.errors import CdpError, ConfigError, nearest_name
from cdp.runtime.bundle import bundled, walk_files
from cdp.runtime.job import Job, JobMain


@dataclass(frozen=True)
class LoadedJob:
    """A job file: its record, its main, its docstring and where it lies below jobs/."""

    job: Job
    main: JobMain
    doc: str
    path: str


def load_jobs() -> dict[str, LoadedJob]:
    """Every job by name. Works from a checkout, an installed wheel and a wheel on ``--py-files`` alike."""
    found: dict[str, LoadedJob] = {}
    for path, entry in walk_files(bundled("jobs"), ".py"):
        module = ModuleType("cdp_job_" + path.removesuffix(".py").replace("/", "_"))
        exec(compile(entry.read_text(encoding="utf-8"), str(entry), "exec"), module.__dict__)
        job: Job = module.JOB
        expected = path.removesuffix(".py").replace("/", ".")
        if job.name != expected:
            raise CdpError(f"jobs/{path}: the record says {job.name!r}, the file's place says {expected!r}")
        found[job.name] = LoadedJob(job, module.main, (module.__doc__ or "").strip(), path)
    return found


def find_job(name: str) -> LoadedJob:
    """One job by name; :class:`ConfigError` with the nearest name for an unknown one."""
    jobs = load_jobs()
    if name not in jobs:
        raise ConfigError(f"no job {name!r}: {nearest_name(name, list(jobs))}")
    return jobs[name]


def edges_of(jobs: dict[str, LoadedJob]) -> dict[str, set[str]]:
    """job -> the jobs that must end before it: those that write what it reads, and those that read what it replaces."""
    writers: dict[str, set[str]] = {}
    for name, loaded in jobs.items():
        for table in loaded.job.writes:
            writers.setdefault(table.full_name, set()).add(name)
    shared = {t: sorted(w) for t, w in writers.items() if len(w) > 1 and not t.startswith("ops.")}
    if shared:
        raise CdpError(f"a table has one job that writes it, but: {shared}")
    edges: dict[str, set[str]] = {name: set() for name in jobs}
    for name, loaded in jobs.items():
        for table in loaded.job.reads:
            edges[name] |= writers.get(table.full_name, set()) - {name}
        for table in loaded.job.reads_previous:
            others = writers.get(table.full_name, set())
            if name not in others:
                for writer in others:
                    edges[writer].add(name)
    return edges


def sort_jobs(jobs: dict[str, LoadedJob]) -> TopologicalSorter[str]:
    """A prepared sorter of their names: each is ready when those it must come after are done. A cycle is a bug."""
    sorter = TopologicalSorter(edges_of(jobs))
    try:
        sorter.prepare()
    except CycleError as error:
        raise CdpError(f"jobs read in a circle: {' -> '.join(error.args[1])}") from None
    return sorter


def order_jobs(jobs: dict[str, LoadedJob]) -> list[LoadedJob]:
    """The jobs in an order in which each comes after those it reads from; ties by name."""
    sorter, ordered = sort_jobs(jobs), list[LoadedJob]()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += [jobs[name] for name in ready]
        sorter.done(*ready)
    return ordered


def urgent_first(jobs: dict[str, LoadedJob]) -> list[str]:
    """Names by how many jobs wait for them, most first; ties in the order of `order_jobs`: what to start next."""
    order, edges = [loaded.job.name for loaded in order_jobs(jobs)], edges_of(jobs)
    before: dict[str, set[str]] = {}
    for name in order:
        before[name] = edges[name].union(*(before[earlier] for earlier in edges[name]))
    waiting = Counter(earlier for all_before in before.values() for earlier in all_before)
    return sorted(order, key=lambda name: -waiting[name])
