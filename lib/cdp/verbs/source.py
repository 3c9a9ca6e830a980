"""``cdp source``: propose a source file from data."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.console import Console

from cdp.core.errors import EXIT_DONE, ConfigError
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    source = verbs.add_parser("source", help="propose a source file from data")
    acts = source.add_subparsers(title="what to do", metavar="ACT", required=True)
    init = add_verb(
        acts, "init", init_verb,
        "look at a CSV, JSON or Parquet file and write a source file with its mapping, for a person to review",
        lake=False,
    )  # fmt: skip
    init.add_argument("file", metavar="FILE")
    init.add_argument("--out", metavar="SOURCE.yaml", help="default: the data file's name, in this folder")


def init_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp source init FILE``; an existing file is not overwritten."""
    from cdp.ingest.propose import propose_source

    path = Path(options.file)
    if not path.is_file():
        raise ConfigError(f"no file {path}")
    name = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_")
    name = name if name[:1].isalpha() else f"source_{name}"
    target = Path(options.out or f"{name}.yaml")
    if target.exists():
        raise ConfigError(f"{target} exists: give another name by --out")
    target.write_text(propose_source(str(path), name=name), "utf-8")
    console.print(f"{target} is a proposal: review it, then run", highlight=False, markup=False)
    console.print(f"  cdp ingest check --spec {target} {path} --out checked", highlight=False, markup=False)
    return EXIT_DONE
