"""lifetimes' fit of one model, row by row as its users give it customers: ``run_lifetimes.py HISTORIES.npz MODEL``."""

from __future__ import annotations

import json
import statistics
import sys
import time

import lifetimes
import numpy as np

FITTERS = {
    "bgnbd": lifetimes.BetaGeoFitter,
    "mbgnbd": lifetimes.ModifiedBetaGeoFitter,
    "pareto": lifetimes.ParetoNBDFitter,
}


def main() -> None:
    """Fit three times and print the middle {seconds}, without the start and the reading."""
    with np.load(sys.argv[1]) as kept:
        x, t_x, age = kept["x"], kept["t_x"], kept["age"]
    seconds = []
    for seed in range(3):  # Pareto/NBD starts at a random point, by which it takes 6 to 13 seconds for 30,000 customers
        np.random.seed(seed)
        started = time.monotonic()
        FITTERS[sys.argv[2]]().fit(x, t_x, age)
        seconds.append(time.monotonic() - started)
    print(json.dumps({"seconds": round(statistics.median(seconds), 2)}))


if __name__ == "__main__":
    main()
