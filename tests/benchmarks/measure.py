"""Measure a command, or a part of this process: wall time and the highest memory of its whole process tree."""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.25
#: A look at large processes walks all their pages: between two looks pass so many times what the last one took.
_SPARE = 50


@dataclass(frozen=True)
class Measured:
    """What a command took. `peak_memory_mb`: highest sum of proportional set sizes; None where /proc is missing."""

    seconds: float
    peak_memory_mb: int | None
    stdout: str


def run_measured(command: list[str], *, seconds_at_most: float = math.inf) -> Measured:
    """Run to the end; SystemExit with the command's own error text when it fails, or when it takes too long."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started, peak = time.monotonic(), 0
        process = subprocess.Popen(command, stdout=out, stderr=err, text=True)
        while process.poll() is None:
            looked_at = time.monotonic()
            peak = max(peak, tree_memory_kb(process.pid))
            if time.monotonic() - started > seconds_at_most:
                process.kill()
                process.wait()
                raise SystemExit(f"{' '.join(command)} was stopped after {seconds_at_most:.0f} s")
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(_EVERY_SECONDS, _SPARE * (time.monotonic() - looked_at)))
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        if process.returncode not in (0, 6):  # 6: finished, and the made company's planted faults were found
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{err.read()[-4000:]}")
        return Measured(round(seconds, 2), peak // 1024 or None, out.read())


@dataclass
class Memory:
    """What :func:`watch_memory` saw. `peak_mb`: as of `Measured`; None where /proc is missing."""

    peak_mb: int | None = None


@contextmanager
def watch_memory() -> Iterator[Memory]:
    """Watch the memory of this process and all below it (Spark's Java among them) while the block runs."""
    seen, is_over = Memory(), threading.Event()

    def watch() -> None:
        pause = _EVERY_SECONDS
        while not is_over.wait(pause):
            looked_at = time.monotonic()
            seen.peak_mb = max(seen.peak_mb or 0, tree_memory_kb(os.getpid()) // 1024) or None
            pause = max(_EVERY_SECONDS, _SPARE * (time.monotonic() - looked_at))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def tree_memory_kb(root: int) -> int:
    """Memory of a process and all below it, kB; shared pages count once. 0 without /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        total += _memory_kb(pid)
    return total


def _memory_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, IndexError, ValueError):
        pass
    return 0


def describe_machine() -> dict[str, int | None]:
    """Cores and memory of this machine."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        memory = None
    return {"cores": os.cpu_count(), "memory_mb": memory}
