"""Find the delivered files of a source: `<root>/<location>/<YYYY-MM-DD>/<files>`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cdp.core.errors import ConfigError
from cdp.ingest.spec import SourceSpec


@dataclass(frozen=True)
class FoundFile:
    """One file of a delivery: where it lies (`path` is relative to the input root) and how large it is."""

    source: str
    root: str
    path: str
    size_bytes: int
    modified_at: float
    delivered_on: date

    @property
    def full_path(self) -> Path:
        """The file on this machine."""
        return Path(self.root) / self.path


class MissingSourceError(ConfigError):
    """A source's folder is not there: that source fails, the others go on."""


def discover_files(spec: SourceSpec, root: str, run_date: date) -> list[FoundFile]:
    """List the files of all deliveries up to the run date, ordered by delivery and path.

    Files that are not ready are left alone. Folders that are no date are no delivery. Raises MissingSourceError
    where the source's folder does not exist.
    """
    folder = Path(root) / spec.location
    if not folder.is_dir():
        raise MissingSourceError(
            f"source {spec.name}: folder {folder} does not exist; "
            f"create it, or mend `location` in conf/sources/{spec.name}.yaml"
        )
    found = []
    for delivery in sorted(folder.iterdir()):
        delivered_on = as_delivery_date(delivery.name)
        if delivered_on is None or delivered_on > run_date or not delivery.is_dir():
            continue
        found += [
            _describe(spec, root, file, delivered_on)
            for file in sorted(delivery.glob(spec.files))
            if file.is_file() and is_ready(file.name)
        ]
    return found


def as_delivery_date(name: str) -> date | None:
    """The date that a delivery folder is named by; None for other folders."""
    try:
        return date.fromisoformat(name) if len(name) == 10 else None
    except ValueError:
        return None


def is_ready(name: str) -> bool:
    """Whether a file may be read: writers begin the names of what is not finished with `.` or `_`."""
    return not name.startswith((".", "_"))


def _describe(spec: SourceSpec, root: str, file: Path, delivered_on: date) -> FoundFile:
    stat = file.stat()
    path = file.relative_to(root).as_posix()
    return FoundFile(spec.name, str(root), path, stat.st_size, stat.st_mtime, delivered_on)
