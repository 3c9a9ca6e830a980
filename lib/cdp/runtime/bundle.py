"""Where jobs and definitions lie: inside the wheel (also as a zip on ``--py-files``), else in the checkout."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cdp.core.errors import ConfigError


def bundled(name: str) -> Traversable:
    """The folder ``jobs`` or ``conf`` that came with this code."""
    inside = files("cdp") / "_bundled" / name
    if inside.is_dir():
        return inside
    beside = Path(__file__).parents[3] / name
    if beside.is_dir():
        return beside
    raise ConfigError(f"the folder {name!r} is neither in the installed package nor beside it: install the wheel again")


def walk_files(
    folder: Traversable, suffix: str | tuple[str, ...], prefix: str = ""
) -> Iterator[tuple[str, Traversable]]:
    """Every file below ``folder`` that ends in ``suffix``, as (path below it, file), in order of name."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from walk_files(entry, suffix, f"{prefix}{entry.name}/")
        elif entry.name.endswith(suffix):
            yield f"{prefix}{entry.name}", entry


@cache
def code_hash() -> str:
    """Hash of the package's own sources and jobs: other code means that results must be made anew."""
    digest = hashlib.sha256()
    for root in (files("cdp"), bundled("jobs")):
        for name, entry in walk_files(root, (".py", ".j2", ".css")):
            digest.update(name.encode())
            digest.update(entry.read_bytes())
    return digest.hexdigest()[:16]
