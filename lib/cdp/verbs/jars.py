"""``cdp jars``: everything that a start needs, fetched once."""

from __future__ import annotations

import argparse

from rich.console import Console

from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    text = "resolve the Delta and GraphFrames jars into the cache, and prepare faster starts"
    add_verb(verbs, "jars", jars_verb, text, lake=False)


def jars_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp jars``: resolve once, so that later starts need no network."""
    from cdp.runtime.jars import cache_folder, resolve_jars
    from cdp.runtime.warmup import make_class_archive

    console.print(f"{len(resolve_jars())} jars are ready in {cache_folder()}", highlight=False)
    console.print("class archive for faster starts: " + ("ready" if make_class_archive() else "not possible here"))
    return 0
