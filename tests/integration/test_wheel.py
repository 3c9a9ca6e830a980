"""The wheel carries jobs and definitions: whoever has only that has everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import Run

from cdp.runtime.catalogue import load_jobs


def test_the_wheel_brings_code_jobs_and_definitions(cdp: Run, installed: dict[str, str], tmp_path: Path) -> None:
    """A whole night with it is in test_object_store.py."""
    show = "import cdp; from cdp.runtime.bundle import bundled; print(cdp.__file__, bundled('jobs'), bundled('conf'))"
    command = [sys.executable, "-c", show]
    env = {**os.environ, **installed}
    places = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout.split()
    assert all(place.startswith(installed["PYTHONPATH"]) for place in places), places
    listed = cdp("jobs", "--json", env=installed, cwd=tmp_path)
    assert {job["job"] for job in json.loads(listed.stdout)} == set(load_jobs())
