"""Decide which delivered files are new: those that the ledger does not have, each checked, and none of them twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from cdp.core.errors import CdpError
from cdp.ingest.check import CheckedFile, check_file, own_id, set_aside
from cdp.ingest.discover import FoundFile, discover_files
from cdp.ingest.spec import SourceSpec

_OVER = (
    "the days for which its source's licence allows to keep a delivery (retention_days) were over before it was read"
)


@dataclass(frozen=True)
class KnownFile:
    """One line of the ledger, as far as landing needs it; landed_at in seconds since 1970.

    Hash and size are those of a file, the watermark is that of a database batch.
    """

    source: str
    path: str
    file_id: str
    sha256: str | None
    size_bytes: int | None
    state: str
    landed_at: float
    watermark: str | None = None


@dataclass(frozen=True)
class LandingPlan:
    """What a night has to land: files to read, files set aside, and sources that failed (name -> message).

    `unread`: messages of files that could not be opened; the next night tries again.
    """

    to_read: tuple[CheckedFile, ...]
    set_aside: tuple[CheckedFile, ...]
    failed_sources: Mapping[str, str]
    unread: tuple[str, ...] = ()


def plan_landing(
    sources: Mapping[str, SourceSpec], *, root: str, run_date: date, known: Iterable[KnownFile]
) -> LandingPlan:
    """Find, check and hash every file that the ledger does not have yet.

    A file of the ledger is not read again as long as its size is the same and it was not modified since. The
    same content again, in the same source, is a duplicate under whatever name.
    """
    ledger = list(known)
    found, failed = _discover_all(sources, root, run_date)
    seen_paths = {(k.source, k.path, k.size_bytes): k.landed_at for k in ledger}
    new = [f for f in found if f.modified_at > seen_paths.get((f.source, f.path, f.size_bytes), -1.0)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        tried = list(pool.map(lambda f: _try_file(f, sources[f.source]), new))
    checked = [file for file in tried if isinstance(file, CheckedFile)]
    over = {file.file for file in checked if sources[file.file.source].is_over(file.file.delivered_on, run_date)}
    checked = [set_aside(f, "quarantined", _OVER) if f.file in over else f for f in checked]
    return replace(_divide(checked, ledger, failed), unread=tuple(file for file in tried if isinstance(file, str)))


def _try_file(file: FoundFile, spec: SourceSpec) -> CheckedFile | str:
    """Check a file; a message where it cannot be opened or named, which costs none of the others."""
    try:
        file.path.encode()
        return check_file(file, spec)
    except UnicodeEncodeError:
        return f"source {spec.name}: {file.path!r}: the file's name is not in UTF-8; rename it"
    except OSError as error:
        return f"source {spec.name}: {file.path} cannot be read: {error.strerror}; the next run tries again"


def _discover_all(
    sources: Mapping[str, SourceSpec], root: str, run_date: date
) -> tuple[list[FoundFile], dict[str, str]]:
    found: list[FoundFile] = []
    failed: dict[str, str] = {}
    for name, spec in sorted(sources.items()):
        try:
            found += discover_files(spec, root, run_date)
        except CdpError as error:
            failed[name] = str(error)
    return found, failed


def _divide(checked: list[CheckedFile], ledger: list[KnownFile], failed: dict[str, str]) -> LandingPlan:
    paths = {k.file_id: k.path for k in ledger if k.state in ("landed", "accepted")}
    same_line = {(k.file_id, k.path) for k in ledger}
    gone = {k.file_id for k in ledger if k.state == "expired"}
    to_read, aside = [], []
    for file in checked:
        if file.file_id in gone:  # the same content delivered anew has a line of its own
            file = replace(file, file_id=own_id(file))
        if (file.file_id, file.file.path) in same_line:
            continue
        if file.state == "landed" and file.file_id in paths:
            copy = set_aside(file, "duplicate", f"the same content as {paths[file.file_id]}")
            if (copy.file_id, copy.file.path) not in same_line:
                aside.append(copy)
        elif file.state == "landed":
            paths[file.file_id] = file.file.path
            to_read.append(file)
        else:
            aside.append(file)
    return LandingPlan(tuple(to_read), tuple(aside), failed)
