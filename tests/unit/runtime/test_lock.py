"""The lock of the night: refused while held, taken over when its owner is gone."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest

from cdp.core.errors import TransientError
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
