"""The command line: ``cdp VERB ...``; the verbs are the files of cdp.verbs."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

from rich.console import Console

import cdp.verbs
from cdp import __version__
from cdp.runtime.entry import guarded
from cdp.verbs.parser import Action


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of the ``cdp`` command; leaves the process with the exit code of core/errors."""
    options = build_parser().parse_args(arguments)
    console = Console(soft_wrap=True)
    action: Action = options.action
    sys.exit(guarded(lambda: action(options, console), debug=getattr(options, "debug", False)))


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, for help and for tests."""
    parser = argparse.ArgumentParser(
        prog="cdp",
        description="An open Customer Data Platform on Spark.",
        epilog="Exit codes: 0 done, 2 usage or configuration, 3 data refused by a contract, 4 a destination refused, "
        "5 try again later, 6 finished, but something was quarantined or a source failed, 1 a bug.",
    )
    parser.add_argument("--version", action="version", version=f"cdp {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for found in pkgutil.iter_modules(cdp.verbs.__path__):
        module = importlib.import_module(f"cdp.verbs.{found.name}")
        if hasattr(module, "add"):
            module.add(verbs)
    return parser


if __name__ == "__main__":
    main()
