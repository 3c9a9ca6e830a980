"""One file of the spool: written under a name that no reader takes, renamed once it is complete.

`<out>/<source>/<YYYY-MM-DD>/_<name>.jsonl` is open, `<name>.jsonl` complete: readers leave names with `_` alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

OPEN_MARK = "_"
SUFFIX = ".jsonl"
_BLOCK = 1 << 16


class OpenFile:
    """A new file that only grows. After an OSError of `append` nothing but `seal` may be called."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create `<folder>/_<name>.jsonl`, durably: a file whose directory entry is lost is lost as well."""
        make_folder(folder)
        self._path = folder / f"{OPEN_MARK}{name}{SUFFIX}"
        self._handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        self.size_bytes = 0
        try:
            sync_folder(folder)
        except OSError:
            os.close(self._handle)
            raise

    def append(self, lines: bytes) -> None:
        """Put whole lines behind the others; they are on disk, under this file's name, when this returns."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fdatasync(self._handle)
        # A file that was moved or deleted under us takes every write without a complaint.
        if not os.path.samestat(self._path.stat(), os.fstat(self._handle)):
            raise FileNotFoundError(f"{self._path} is another file now")
        self.size_bytes += len(lines)

    def seal(self) -> None:
        """Cut off what was not acknowledged and give the file its final name; an empty file goes away."""
        try:
            os.ftruncate(self._handle, self.size_bytes)
            os.fsync(self._handle)
        finally:
            os.close(self._handle)
        _publish(self._path, self.size_bytes)


def finish_open_files(folder: Path) -> list[Path]:
    """Complete what a killed process left open below a folder; gives the final names.

    A torn last line was never acknowledged, because an answer is given only after its line end is on disk: it
    is cut off. Whole lines stay, acknowledged or not.
    """
    finished = []
    for path in sorted(folder.rglob(f"{OPEN_MARK}*{SUFFIX}")):
        handle = os.open(path, os.O_RDWR)
        try:
            size = _end_of_last_line(handle)
            os.ftruncate(handle, size)
            os.fsync(handle)
        finally:
            os.close(handle)
        final = _publish(path, size)
        if final is not None:
            finished.append(final)
    return finished


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, each entry durable."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were created or changed in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(path: Path, size_bytes: int) -> Path | None:
    """Give a complete file its final name, or remove an empty one."""
    final = None
    if size_bytes:
        final = _free_name(path.with_name(path.name.removeprefix(OPEN_MARK)))
        path.rename(final)
    else:
        path.unlink()
    sync_folder(path.parent)
    return final


def _free_name(path: Path) -> Path:
    """The path itself, or with a number where somebody has put a file of that name."""
    names = (path if n == 1 else path.with_name(f"{path.name.removesuffix(SUFFIX)}-{n}{SUFFIX}") for n in count(1))
    return next(name for name in names if not name.exists())


def _end_of_last_line(handle: int) -> int:
    end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
