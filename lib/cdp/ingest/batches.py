"""What one night takes from a source that has no files: rows of a database, messages of a topic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class BatchPart:
    """One line of the ledger: its id, where it comes from, where the next one begins (None: nowhere), and the night.

    A part that a killed run has landed keeps that night: it says in which partition of bronze its records lie. `lost`
    says why a part holds no records, but messages that were gone before they were read.
    """

    batch_id: str
    path: str
    watermark: str | None
    delivered_on: date
    lost: str | None = None


@dataclass(frozen=True)
class LandedPart:
    """What bronze has of a part: the number of its last record, and the night of its landing."""

    last_record: int
    delivered_on: date


@dataclass(frozen=True)
class Batch:
    """What the ledger notes of it: which source, how it is read, and the parts it came in."""

    source: str
    format: str
    parts: tuple[BatchPart, ...]


def batch_rows(batch: Batch) -> list[dict[str, object]]:
    """Describe a batch for ops.files (what the writer adds: run_id, landed_at, bronze_version)."""
    return [
        {
            "file_id": part.batch_id,
            "source": batch.source,
            "path": part.path,
            "format": batch.format,
            "delivered_on": part.delivered_on,
            "watermark": part.watermark,
            "state": "quarantined" if part.lost else "landed",
            "reason": part.lost,
        }
        for part in batch.parts
    ]
