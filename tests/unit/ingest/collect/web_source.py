"""The source that reads what the collector writes."""

from __future__ import annotations

from pathlib import Path

from cdp.ingest.spec import SourceSpec
from cdp.rules.definitions import load_definition

ROOT = Path(__file__).parents[4]


def web_source() -> SourceSpec:
    """conf/sources/web.yaml, as it is."""
    file = ROOT / "conf/sources/web.yaml"
    return load_definition(file.read_text(), str(file), SourceSpec)
