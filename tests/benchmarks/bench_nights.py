"""How long nights take, by size: one JSON line each, with plain Spark on the same files beside it.

``make bench``, or ``python tests/benchmarks/bench_nights.py --sizes 5000,50000``: the largest size takes hours and some
60 GB of disk on two cores, and each line is printed when it is known. Every step is a process of the
command line with two cores and 4 GB of driver memory. Lines (``what``): sample, first_night, later_night, idle_night
(a new date without new data), baseline (with the ratio of the first night to it), growth (exponent between two sizes:
1 is linear). Nothing here is asserted: read the numbers beside the ones of your last release on the same machine.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

sys.path.insert(0, str(Path(__file__).parent))
from measure import Measured, describe_machine, run_measured

LIMITS = ["--set", "spark.spark.master=local[2]", "--set", "spark.spark.driver.memory=4g"]
CDP = [sys.executable, "-m", "cdp.cli"]
Line = dict[str, Any]


def main() -> None:
    """Run all sizes and print their lines, then the growth between neighbours."""
    parser = argparse.ArgumentParser(description="Speed and size of nights, one JSON line each.")
    parser.add_argument("--sizes", default="5000,50000,500000", help="customers, separated by commas")
    parser.add_argument("--history-weeks", default="104")
    parser.add_argument("--keep", metavar="DIR", help="keep inputs and lakes there (default: a temporary folder)")
    options = parser.parse_args()
    first_nights: list[tuple[int, Line]] = []
    with tempfile.TemporaryDirectory(prefix="cdp-bench-") as scratch:
        for size in sorted(int(s) for s in options.sizes.split(",")):
            folder = Path(options.keep or scratch) / str(size)
            first_nights.append((size, bench_size(size, options.history_weeks, folder)))
    for (small, before), (large, after) in pairwise(first_nights):
        emit(growth_line(small, before, large, after))


def bench_size(size: int, history_weeks: str, folder: Path) -> Line:
    """All steps of one size; gives the first night's line."""
    inputs, home = folder / "input", folder / "home"
    sample = [
        *CDP,
        "sample",
        "--customers",
        str(size),
        "--history-weeks",
        history_weeks,
        "--nights",
        "3",
        "--seed",
        "1",
    ]
    made = run_measured([*sample, "--out", str(inputs)])
    days = sorted({d.name for s in inputs.iterdir() if s.name != "truth" for d in s.iterdir() if d.is_dir()})
    emit(line("sample", size, made, rows=None) | {"bytes": bytes_up_to(inputs, days[-1])})
    first = bench_night("first_night", size, days[0], home, inputs)
    emit(bench_baseline(size, days[0], folder, first))
    for day in days[1:]:
        bench_night("later_night", size, day, home, inputs)
    bench_night("idle_night", size, str(date.fromisoformat(days[-1]) + timedelta(days=1)), home, inputs)
    return first


def bench_night(what: str, size: int, run_date: str, home: Path, inputs: Path) -> Line:
    """One night as a process; rows are the records of the files that it took."""
    before = records_taken(home)
    command = [*CDP, "nightly", "--run-date", run_date, "--home", str(home), "--input", str(inputs), *LIMITS]
    done = run_measured(command)
    told = line(what, size, done, rows=records_taken(home) - before)
    told |= {"run_date": run_date, "jobs": seconds_by_job(home, run_date)}
    emit(told)
    return told


def bench_baseline(size: int, run_date: str, folder: Path, first: Line) -> Line:
    """Plain Spark on the first night's files; `ratio` compares whole processes, so both hold a session's start."""
    script = str(Path(__file__).with_name("baseline.py"))
    paths = ["--input", str(folder / "input"), "--out", str(folder / "baseline"), "--run-date", run_date]
    done = run_measured([sys.executable, script, *paths])
    told = line("baseline", size, done, rows=first["rows"])
    return told | {
        "seconds_without_start": json.loads(done.stdout.splitlines()[-1])["seconds"],
        "ratio": round(first["seconds"] / done.seconds, 2),
    }


def line(what: str, size: int, done: Measured, *, rows: int | None) -> Line:
    """The figures that every line has."""
    speed = round(rows / done.seconds, 1) if rows is not None else None
    return {
        "what": what, "customers": size, "seconds": done.seconds, "rows": rows, "rows_per_second": speed,
        "peak_memory_mb": done.peak_memory_mb, "machine": describe_machine(),
    }  # fmt: skip


def growth_line(small: int, before: Line, large: int, after: Line) -> Line:
    """Slope of log time over log size for the whole first night and for each job; 1 is linear."""

    def slope(low: float, high: float) -> float:
        return round(math.log(max(high, 1e-3) / max(low, 1e-3)) / math.log(large / small), 2)

    jobs = {job: slope(seconds, after["jobs"][job]) for job, seconds in before["jobs"].items() if job in after["jobs"]}
    return {"what": "growth", "from": small, "to": large,
            "exponent": slope(before["seconds"], after["seconds"]), "jobs": jobs}  # fmt: skip


def records_taken(home: Path) -> int:
    """Records of all accepted files in the ledger; 0 on a new home."""
    path = home / "lake" / "ops" / "files"
    if not (path / "_delta_log").exists():
        return 0
    ledger = DeltaTable(str(path)).to_pandas(columns=["state", "rows_read"])
    return int(ledger.loc[ledger["state"] == "accepted", "rows_read"].sum())


def seconds_by_job(home: Path, run_date: str) -> dict[str, float]:
    """Job -> seconds of its finished runs for the date, as ops.runs notes them."""
    runs = DeltaTable(str(home / "lake" / "ops" / "runs")).to_pandas()
    chosen = runs[(runs["state"] == "done") & (runs["run_date"].astype(str) == run_date)].sort_values("started_at")
    return {str(job): round(float(s), 2) for job, s in chosen.groupby("job", sort=False)["seconds"].sum().items()}


def bytes_up_to(inputs: Path, run_date: str) -> int:
    """Size of all deliveries dated up to the run date."""
    days = [d for s in inputs.iterdir() if s.name != "truth" for d in s.iterdir() if d.name <= run_date]
    return sum(f.stat().st_size for d in days for f in d.rglob("*") if f.is_file())


def emit(told: Line) -> None:
    """Print one line at once, so that a run that is stopped has told what it knows."""
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
