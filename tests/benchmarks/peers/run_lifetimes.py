"""lifetimes' fit of one model, row by row as its users give it customers: ``run_lifetimes.py HISTORIES.npz MODEL``."""

from __future__ import annotations

import json
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
    """Fit and print {seconds}, without the start and the reading."""
    with np.load(sys.argv[1]) as kept:
        x, t_x, age = kept["x"], kept["t_x"], kept["age"]
    started = time.monotonic()
    FITTERS[sys.argv[2]]().fit(x, t_x, age)
    print(json.dumps({"seconds": round(time.monotonic() - started, 2)}))


if __name__ == "__main__":
    main()
