"""ChannelAttribution's Markov chain of order 1, simulated as by default: ``run_channel_attribution.py PATHS``."""

from __future__ import annotations

import json
import sys
import time

import ChannelAttribution
import pandas as pd


def main() -> None:
    """Attribute a CSV file's paths and print {markov_1_seconds}, without the start and the reading."""
    paths = pd.read_csv(sys.argv[1])
    started = time.monotonic()
    ChannelAttribution.markov_model(
        paths, "path", "conversions", var_value="value", var_null="nulls", order=1, out_more=False, flg_pro=False,
        verbose=0,
    )  # fmt: skip
    print(json.dumps({"markov_1_seconds": round(time.monotonic() - started, 2)}))


if __name__ == "__main__":
    main()
