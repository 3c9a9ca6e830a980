"""A million paths attributed by every model, beside ChannelAttribution's Markov simulation: one JSON line each.

``bench_attribute.py [--paths N]``. The peer gets an environment of its own; where it cannot be had it is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from measure import describe_machine, run_measured
from peers.environment import run_peer

CHANNELS, STAY, CONVERT = 12, 0.8, 0.1


def make_paths(n: int) -> pd.DataFrame:
    """`n` rows, one going each: geometric lengths, channels of unequal size and unequal pull."""
    random = np.random.default_rng(1)
    lengths = random.geometric(1 - STAY, n)
    share = random.dirichlet(np.ones(CHANNELS))
    touches = random.choice(CHANNELS, lengths.sum(), p=share)
    names = np.array([f"channel {c}" for c in range(CHANNELS)])[touches]
    parts = np.split(names, np.cumsum(lengths)[:-1])
    last = touches[np.cumsum(lengths) - 1]
    converted = random.random(n) < CONVERT * (0.5 + last / CHANNELS)
    value = np.where(converted, random.gamma(2, 20, n).round(2), 0.0)
    return pd.DataFrame({"path": [" > ".join(p) for p in parts], "conversions": converted.astype(int),
                         "value": value, "nulls": (~converted).astype(int)})  # fmt: skip


def main() -> None:
    """Makes the paths, runs the command as a user would, then the peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--paths", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/paths.csv"
        make_paths(options.paths).to_csv(file, index=False)
        ours = run_measured([sys.executable, "-m", "cdp.cli", "attribute", "--paths", file, "--out", f"{folder}/out"])
        line = {"what": "attribute", "paths": options.paths, "seconds": ours.seconds,
                "paths_per_second": round(options.paths / ours.seconds), "peak_memory_mb": ours.peak_memory_mb,
                **describe_machine()}  # fmt: skip
        print(json.dumps(line))
        peer = run_peer("attribute", "run_channel_attribution.py", file)
        if peer:
            print(json.dumps({"what": "attribute: ChannelAttribution markov_model order 1, simulated",
                              **json.loads(peer.stdout.splitlines()[-1]), "seconds": peer.seconds,
                              "peak_memory_mb": peer.peak_memory_mb,
                              "ratio_of_seconds": round(ours.seconds / peer.seconds, 2)}))  # fmt: skip


if __name__ == "__main__":
    main()
