"""How well and how fast records are told apart, beside the best open tools: one JSON line each.

``make bench``, or ``python tests/benchmarks/bench_identity.py --kinds crm,feeds --records 50000``. Sets of labelled
records are made (and the two public febrl sets taken), and each tool runs on them as a process of its own, at its
defaults: ``cdp resolve``, Splink on DuckDB, GoldenMatch with its automatic choice and with its automatic
Fellegi-Sunter model (peers/environment.py; where that cannot be had they are left out, with a word).
Lines: what, kind, tool, records, seconds, peak memory, precision, recall, F1, B-cubed, largest cluster; `ratio` is the
time of ``cdp resolve`` over the tool's, `f1_ahead` how far its F1 lies above the tool's. Nothing here is asserted.
Thin sets are others of which the tools are told few columns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))
from measure import describe_machine, run_measured
from peers.environment import SECONDS_AT_MOST, peers_python
from tests.benchmarks.identity import KINDS
from tests.benchmarks.identity.score import read_truth, score

TOOLS = ("splink", "goldenmatch", "goldenmatch_fs")
_PEERS = Path(__file__).parent / "peers"
_TOLD = ("records", "precision", "recall", "f1", "cubed_precision", "cubed_recall", "cubed_f1", "largest",
         "largest_true", "false_in_household")  # fmt: skip
Line = dict[str, Any]


def main() -> None:
    """Make the sets, run every tool on every set, print a line for each."""
    parser = argparse.ArgumentParser(description="Quality and speed of identity resolution, one JSON line each.")
    parser.add_argument("--kinds", default=",".join([*KINDS, "febrl1", "febrl2"]), help="separated by commas")
    parser.add_argument("--records", default="10000", help="records of each made set; several sizes with commas")
    parser.add_argument("--seed", default=12, type=int, help="of the made sets")
    options = parser.parse_args()
    peers = peers_python("identity")
    with tempfile.TemporaryDirectory(prefix="cdp-bench-") as scratch:
        for folder in make_sets(options, Path(scratch), peers):
            bench_set(folder, peers)


def make_sets(options: argparse.Namespace, scratch: Path, peers: str | None) -> list[Path]:
    """The folders of the sets asked for; the public ones come with the peers' environment."""
    kinds = options.kinds.split(",")
    folders = []
    for kind in (k for k in kinds if k in KINDS):
        for records in options.records.split(","):
            folder = scratch / f"{kind}_{options.seed}_{records}"
            KINDS[kind](options.seed, int(records)).write(folder)
            folders.append(folder)
    public = [k for k in kinds if k not in KINDS]
    if public and peers:
        subprocess.run([peers, str(_PEERS / "febrl.py"), str(scratch)], check=True)
        folders += [scratch / f"{kind}_0" for kind in public]
    return folders


def bench_set(folder: Path, peers: str | None) -> None:
    """All tools on one set; `cdp resolve` first, so that the others can be put beside it."""
    ours = bench_tool("cdp", [sys.executable, "-m", "cdp.cli", "resolve"], folder)
    emit(ours)
    for tool in TOOLS if peers else ():
        theirs = bench_tool(tool, [str(peers), str(_PEERS / f"run_{tool}.py")], folder)
        if "seconds" in theirs and "seconds" in ours:
            theirs["ratio"] = round(ours["seconds"] / theirs["seconds"], 2)
            theirs["f1_ahead"] = round(ours["f1"] - theirs["f1"], 4)
        emit(theirs)


def bench_tool(tool: str, command: list[str], folder: Path) -> Line:
    """One tool on one set; a tool that fails says so in its line."""
    files = [str(f) for f in sorted(folder.glob("*.csv")) if f.name != "truth.csv"]
    told: Line = {"what": "identity", "kind": folder.name.split("_")[0], "set": folder.name, "tool": tool}
    out = folder / "out" / tool
    try:
        schema = ["--schema", str(folder / "schema.yaml"), "--out", str(out)]
        done = run_measured([*command, *schema, *files], seconds_at_most=SECONDS_AT_MOST)
    except SystemExit as error:
        return told | {"failed": str(error)[-500:]}
    found = score(pd.read_parquet(out / "people.parquet"), read_truth(folder))
    figures = {name: round(found[name], 4) if isinstance(found[name], float) else found[name] for name in _TOLD}
    times = {"seconds": done.seconds, "peak_memory_mb": done.peak_memory_mb, "machine": describe_machine()}
    return told | figures | times


def emit(told: Line) -> None:
    """Print one line at once, so that a run that is stopped has told what it knows."""
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
