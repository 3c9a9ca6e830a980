"""How a verb gets its parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeAlias

from rich.console import Console

from cdp.runtime.entry import add_shared_options

Action = Callable[[argparse.Namespace, Console], int]
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_verb(verbs: Verbs, name: str, action: Action, text: str, *, lake: bool = True) -> argparse.ArgumentParser:
    """A parser for ``cdp NAME`` that runs ``action``; with the options of a lake unless it needs none."""
    parser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(action=action)
    if lake:
        add_shared_options(parser)
    else:
        parser.add_argument("--debug", action="store_true", help="show stack traces")
    return parser
