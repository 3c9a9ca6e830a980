"""Pack a tiny lake as this release writes it, for later releases to open: run it once when a version is released.

    .venv/bin/python -m tests.integration.make_old_lake

writes ``tests/integration/lakes_of_releases/<version>.tar.gz``: the deliveries of two nights, and the lake and state
after the first. An archive of a release that is out is never made again.
"""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.integration.conftest import NIGHTS

from cdp import __version__

ARCHIVES = Path(__file__).parent / "lakes_of_releases"
SAMPLE = ["--customers", "20", "--history-weeks", "12", "--nights", "2", "--seed", "11"]


def main() -> None:
    """Make, run, pack; prints where and how large."""
    with tempfile.TemporaryDirectory(prefix="old-lake-") as scratch:
        home = Path(scratch)
        _cdp(home, "sample", *SAMPLE, "--out", str(home / "input"))
        _cdp(home, "nightly", "--run-date", NIGHTS[0], "--home", str(home), "--env", "ci")
        ARCHIVES.mkdir(exist_ok=True)
        archive = ARCHIVES / f"{__version__}.tar.gz"
        archive.write_bytes(pack(home))
    print(f"{archive}: {archive.stat().st_size / 1000:.0f} kB")


def pack(home: Path) -> bytes:
    """The home without what a run can do without: checksums of the local file system, checkpoints, reports, truth."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        for path in sorted(p for p in home.rglob("*") if p.is_file() and _is_kept(p.relative_to(home))):
            out.add(path, str(path.relative_to(home)), filter=_without_owner)
    return gzip.compress(tar.getvalue(), compresslevel=9, mtime=0)


def _is_kept(path: Path) -> bool:
    is_part = path.parts[0] in ("input", "lake", "state")
    is_left_out = path.parts[:2] in (("lake", "_checkpoints"), ("input", "truth"))
    return is_part and not is_left_out and path.suffix not in (".crc", ".lock")


def _without_owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def _cdp(folder: Path, *arguments: str) -> None:
    """Run the command in the scratch folder, so that no path of this machine's checkout gets into the archive."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "lib")}
    command = [sys.executable, "-m", "cdp.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=env)
    if done.returncode not in (0, 6):
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
