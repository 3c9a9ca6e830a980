"""``cdp collect``: take events over HTTP and leave files that the file source reads."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from cdp.core.errors import ConfigError, TransientError
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    text = "take events over HTTP (Segment SDKs, webhooks, CloudEvents); what it answers 200 to is on disk"
    collect = add_verb(verbs, "collect", collect_verb, text, lake=False)
    collect.add_argument("--conf", required=True, metavar="FILE", help="write keys, webhooks, limits (see README)")
    collect.add_argument("--out", required=True, metavar="DIR",
                         help="files go to DIR/<source>/<YYYY-MM-DD>/: the --input of a night")  # fmt: skip
    collect.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    collect.add_argument("--port", type=int, default=8080, metavar="N", help="0: any free one (default: 8080)")


def collect_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp collect``: listen until SIGTERM or Ctrl-C, then complete the open files."""
    try:
        from cdp.ingest.collect.server import serve
        from cdp.ingest.collect.settings import CollectSettings
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'cdp[collect]'") from None
    from cdp.rules.definitions import read_definition

    def tell_start(address: str, finished: int) -> None:
        if finished:
            console.print(f"completed {finished} files that a killed collector had left open", highlight=False)
        console.print(f"collecting at {address} into {options.out}", highlight=False, markup=False)

    kept, refused = serve(
        read_definition(options.conf, CollectSettings), Path(options.out), host=options.host, port=options.port,
        clock=lambda: datetime.now(UTC), on_start=tell_start,
    )  # fmt: skip
    _tell_end(kept, refused, options.out, console)
    return 0


def _tell_end(kept: Counter[str], refused: Counter[str], out: str, console: Console) -> None:
    from cdp.runtime.files import write_json

    for source, messages in sorted(kept.items()):
        console.print(f"{source}: {messages:,} messages kept", highlight=False)
    for code, requests in sorted(refused.items()):
        console.print(f"{requests:,} requests refused: {code}", highlight=False)
    try:
        write_json({"kept": dict(sorted(kept.items())), "refused": dict(sorted(refused.items()))}, out, "summary.json")
    except OSError as error:
        raise TransientError(f"{out}/summary.json could not be written: {error.strerror}") from None
