"""How fast the BTYD models are fitted for a million customers, beside lifetimes: one JSON line a model.

`python tests/benchmarks/bench_forecast.py [--customers N]`. lifetimes gets all customers, row by row as its users give
them, but for Pareto/NBD, for which it needs many minutes: there one in thirty. `ratio` is its seconds a customer (the
middle of three fits) over ours, those of putting equal histories together included, which it does not do. It has an
environment of its own; where that cannot be had it is left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time

import numpy as np
from measure import describe_machine
from peers.environment import run_peer

from cdp.models.btyd.btyd import FITS
from cdp.models.forecast.history import Cut, Purchases, cut_at, equal_histories

WEEKS = 104
PEER_TAKES_ONE_IN = {"bgnbd": 1, "mbgnbd": 1, "pareto": 30}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    cut = cut_at(made_purchases(customers), 7 * WEEKS)
    for name, fit in FITS.items():
        started = time.monotonic()
        histories = equal_histories(cut)
        aggregated, cpu = time.monotonic(), time.process_time()
        fitted = fit(histories)
        seconds, cpu = time.monotonic() - aggregated, time.process_time() - cpu
        print(json.dumps({
            "what": f"fit_{name}", "size": customers, "unique_histories": len(histories),
            "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2),
            "seconds_of_aggregation": round(aggregated - started, 2),
            "rows_per_second": round(customers / seconds), "log_likelihood": round(fitted.log_likelihood, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            **beside_lifetimes(name, cut, (aggregated - started + seconds) / customers), "machine": describe_machine(),
        }), flush=True)  # fmt: skip


def beside_lifetimes(name: str, cut: Cut, ours: float) -> dict[str, float | None]:
    """The peer's seconds on its part, and how many times dearer one of its customers is than `ours`, in seconds."""
    part = slice(None, None, PEER_TAKES_ONE_IN[name])
    x, t_x, age = cut.x[part], cut.t_x[part], np.maximum(cut.age[part], 1 / 7)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, x=x, t_x=t_x, age=age)
        file.flush()
        ran = run_peer("forecast", "run_lifetimes.py", file.name, name)
    if ran is None:
        return {}
    seconds = json.loads(ran.stdout)["seconds"]
    return {
        "peer_size": len(x), "peer_seconds": seconds, "peer_memory_mb": ran.peak_memory_mb,
        "ratio": round(seconds / len(x) / ours, 1),
    }  # fmt: skip


def made_purchases(customers: int) -> Purchases:
    """Customers of a Pareto/NBD shop who join over two years, seeded."""
    rng = np.random.default_rng(1)
    rate, leaving = rng.gamma(0.6, 1 / 12.0, customers) / 7, rng.gamma(0.5, 1 / 8.0, customers) / 7
    age = rng.integers(1, 7 * WEEKS, customers)
    alive = np.minimum(age, rng.exponential(1 / np.maximum(leaving, 1e-9)))
    repeats = rng.poisson(rate * alive)
    who = np.repeat(np.arange(customers), repeats)
    later = 7 * WEEKS - age[who] + np.ceil(rng.random(len(who)) * alive[who]).astype(np.int64)
    days = np.unique(np.concatenate([np.arange(customers) * 1000 + 7 * WEEKS - age, who * 1000 + later]))
    customer, day = np.divmod(days, 1000)
    return Purchases(customer, day, np.ones(len(days)), has_amounts=False)


if __name__ == "__main__":
    main()
