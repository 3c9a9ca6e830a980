"""What the sources delivered: files, records, refusals, and how their fields changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cdp.reports.facts.rows import Rows, by_fields


@dataclass(frozen=True)
class SourceFacts:
    """One source: what it delivered tonight, and over all nights up to tonight (``all_*``).

    Counts are records, ``files`` are files whose newest state is accepted, ``waiting`` those that are landed and not
    yet decided on, ``repeated`` files whose content came before, ``quarantined`` files set aside whole.
    """

    source: str
    files: int = 0
    waiting: int = 0
    repeated: int = 0
    quarantined: int = 0
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    all_read: int = 0
    all_accepted: int = 0
    all_duplicate: int = 0
    all_refused: int = 0

    @property
    def unaccounted(self) -> int:
        """Records read, but neither accepted nor duplicate nor refused; anything but 0 is a fault (all nights)."""
        return self.all_read - self.all_accepted - self.all_duplicate - self.all_refused


@dataclass(frozen=True)
class SetAsideFile:
    """A file that was quarantined tonight: where it lies below the input folder, and why."""

    source: str
    path: str
    reason: str


@dataclass(frozen=True)
class SchemaChangeFacts:
    """A field that came, went or changed tonight; see ops.schema_changes."""

    source: str
    field: str
    kind: str
    type: str
    type_before: str
    renamed: str
    is_mapped: bool


@dataclass(frozen=True)
class RefusalFacts:
    """Refused records of one source with one defect in one field; a record with two defects counts in two rows."""

    source: str
    field: str
    code: str
    message: str
    records: int
    all_records: int


def read_sources(rows: Rows) -> tuple[SourceFacts, ...]:
    """The sources by name."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    name_of_state = {"accepted": "files", "landed": "waiting", "duplicate": "repeated", "quarantined": "quarantined"}
    for row in rows:
        source = counts[row["source"]]
        if row["is_tonight"]:
            source[name_of_state[row["state"]]] += row["files"]
        if row["state"] == "accepted":
            for name in ("read", "accepted", "duplicate", "refused"):
                source[f"all_{name}"] += row[f"rows_{name}"]
                source[name] += row[f"rows_{name}"] if row["is_tonight"] else 0
    return tuple(SourceFacts(source=name, **counts[name]) for name in sorted(counts))


def read_set_aside(rows: Rows) -> tuple[SetAsideFile, ...]:
    """The quarantined files."""
    return by_fields(SetAsideFile(r["source"], r["path"], r.get("reason", "")) for r in rows)


def read_schema_changes(rows: Rows) -> tuple[SchemaChangeFacts, ...]:
    """The changes of shape; what a change does not have is empty."""
    empty = {"type": "", "type_before": "", "renamed": "", "is_mapped": False}
    return by_fields(SchemaChangeFacts(**{**empty, **row}) for row in rows)


def read_refusals(rows: Rows) -> tuple[RefusalFacts, ...]:
    """The most refused of tonight first."""
    facts = [
        RefusalFacts(
            source=r["source"],
            field=r.get("field", ""),
            code=r.get("code", ""),
            message=r.get("message", ""),
            records=r["records"],
            all_records=r["all_records"],
        )
        for r in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.records, -f.all_records, f.source, f.field, f.code)))
