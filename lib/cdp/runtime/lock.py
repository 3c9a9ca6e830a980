"""One night at a time: a lock file with a heartbeat, taken before Spark starts."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from cdp.core.errors import TransientError

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 60.0


@contextmanager
def night_lock(state_folder: str, *, stale_seconds: float = STALE_SECONDS) -> Iterator[None]:
    """Hold ``<state>/night.lock``; :class:`TransientError` when another run holds it.

    The file is made with O_EXCL and touched every ten seconds; one whose last touch is older than
    ``stale_seconds`` was left by a killed run and is taken over.
    """
    path = Path(state_folder) / "night.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = _take(path, stale_seconds)
    stop = threading.Event()
    beat = threading.Thread(target=_keep_alive, args=(path, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        _give_back(path, mine)


def _take(path: Path, stale_seconds: float) -> dict[str, object]:
    owner: dict[str, object] = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": time.time()}
    for _ in range(2):
        try:
            with path.open("x") as file:
                json.dump(owner, file)
            return owner
        except FileExistsError:
            pass
        # Runs that find one stale lock at once look at it one after the other: the second sees whose it is by then.
        with suppress(FileNotFoundError), _alone_with(path) as file:
            age = _age(path)
            if age is None or not os.fstat(file.fileno()).st_nlink:  # given back meanwhile, and maybe taken anew
                continue
            if age < stale_seconds and not _is_dead_here(path):
                raise _held(path)
            file.truncate()
            json.dump(owner, file)
            return owner
    raise TransientError(f"another run took {path} at the same moment: wait for it and start again")


def _held(path: Path) -> TransientError:
    return TransientError(
        f"another run holds {path} (last sign of life {_age(path) or 0:.0f} s ago, {_owner(path)}): wait for it, or "
        f"delete the file if you are sure that it is gone"
    )


def _give_back(path: Path, mine: dict[str, object]) -> None:
    with suppress(FileNotFoundError), _alone_with(path):
        if _read_owner(path) == mine:  # not the lock of who took it over while this process was stopped
            path.unlink()


@contextmanager
def _alone_with(path: Path) -> Iterator[TextIO]:
    """Open a lock that is there while no other run is in here with it; the system lets go of those that are killed."""
    try:
        file = path.open("r+")
    except PermissionError:  # another user's
        raise _held(path) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _keep_alive(path: Path, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        with suppress(FileNotFoundError):
            os.utime(path)


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _read_owner(path: Path) -> dict[str, object]:
    try:
        data = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _owner(path: Path) -> str:
    owner = _read_owner(path)
    return f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"


def _is_dead_here(path: Path) -> bool:
    """Whether the owner ran on this host and its process is gone: no need to wait for the heartbeat then."""
    owner = _read_owner(path)
    pid = owner.get("pid")
    if owner.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
