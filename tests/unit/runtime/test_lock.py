"""The lock of the night: refused while held, taken over when its owner is gone."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from cdp.core.errors import TransientError
from cdp.runtime import lock
from cdp.runtime.lock import night_lock


def test_a_second_night_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with night_lock(str(tmp_path)):
        told = rf"process {os.getpid()} on {socket.gethostname()}.*wait for it"
        with pytest.raises(TransientError, match=told), night_lock(str(tmp_path)):
            pass
        assert (tmp_path / "night.lock").exists()
    assert not (tmp_path / "night.lock").exists()


def test_a_lock_without_a_heartbeat_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "night.lock"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    with pytest.raises(TransientError, match="another run holds"), night_lock(str(tmp_path)):
        pass
    old = time.time() - 3600
    os.utime(path, (old, old))
    with night_lock(str(tmp_path)):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_killed_run_on_this_machine_needs_no_waiting(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    (tmp_path / "night.lock").write_text(json.dumps({"host": socket.gethostname(), "pid": child}))
    with night_lock(str(tmp_path)):
        assert json.loads((tmp_path / "night.lock").read_text())["pid"] == os.getpid()


def test_a_lock_that_another_run_took_over_is_left_to_it(tmp_path: Path) -> None:
    """As when this machine slept for a while: whoever took over is still at work when this run ends."""
    with night_lock(str(tmp_path)):
        (tmp_path / "night.lock").write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    assert json.loads((tmp_path / "night.lock").read_text()) == {"host": "elsewhere", "pid": 1}


def test_of_runs_that_find_one_stale_lock_at_once_one_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, runs = tmp_path / "night.lock", 4
    ask = lock._age

    def ask_and_ponder(file: Path) -> float | None:
        age = ask(file)
        time.sleep(random.random() / 50)  # what a busy machine does between looking and taking
        return age

    monkeypatch.setattr(lock, "_age", ask_and_ponder)
    start, end = Barrier(runs), Barrier(runs)

    def try_once(_: int) -> bool:
        start.wait()
        with ExitStack() as held:
            try:
                held.enter_context(night_lock(str(tmp_path)))
                is_mine = True
            except TransientError:
                is_mine = False
            end.wait()
        return is_mine

    with ThreadPoolExecutor(runs) as pool:
        for _ in range(10):
            path.write_text(json.dumps({"host": "elsewhere", "pid": 1}))
            os.utime(path, (1, 1))
            assert sum(pool.map(try_once, range(runs))) == 1
            path.unlink(missing_ok=True)
