"""The wheel carries jobs and definitions: installed into an empty folder, it runs a night there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS

ROOT = Path(__file__).parents[2]


def test_the_wheel_alone_runs_a_night(company: Path, tmp_path: Path) -> None:
    wheels, site, home = tmp_path / "wheels", tmp_path / "site", tmp_path / "home"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(wheels), str(ROOT)], check=True)
    wheel = next(wheels.glob("cdp-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    env = {**os.environ, "PYTHONPATH": str(site)}
    where = subprocess.run(
        [sys.executable, "-c", "import cdp; print(cdp.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    night = [sys.executable, "-m", "cdp.cli", "nightly", "--run-date", NIGHTS[0], "--env", "ci"]
    night += ["--home", str(home), "--input", str(company)]
    done = subprocess.run(night, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 6), done.stdout + done.stderr
    assert len(DeltaTable(str(home / "lake/gold/profiles")).to_pandas()) > 250
