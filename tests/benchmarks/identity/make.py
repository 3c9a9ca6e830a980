"""Write labelled sets: ``python -m tests.benchmarks.identity.make --out DIR --kinds register,crm --seeds 1,2``."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import KINDS


def main() -> None:
    """One folder a kind and seed: the files, schema.yaml, truth.csv."""
    parser = argparse.ArgumentParser(description="Labelled sets of person records.")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--records", default=8_000, type=int)
    options = parser.parse_args()
    for kind in options.kinds.split(","):
        for seed in options.seeds.split(","):
            made = KINDS[kind](int(seed), options.records)
            made.write(options.out / f"{kind}_{seed}")
            print(f"{kind}_{seed}: {len(made.truth):,} records of {made.truth['person'].nunique():,} persons")


if __name__ == "__main__":
    main()
