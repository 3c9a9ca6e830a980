"""Put the page of a night into its folder, whole or not at all."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path


def write_page(text: str, folder: str | Path, run_date: date) -> Path:
    """Write ``<folder>/night-<date>.html`` and give its path; a reader never sees half a page.

    The same text again leaves the file alone. OSError where the folder cannot be made or written.
    """
    target = Path(folder) / f"night-{run_date.isoformat()}.html"
    data = text.encode("utf-8")
    if target.is_file() and target.read_bytes() == data:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target
