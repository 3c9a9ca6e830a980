"""The environments of the peers: other tools that a bench puts beside the house's own, in the same run.

Each group has one of its own, so that neither the versions they want nor one that does not install touch another:
`<group>.txt` beside this file says what goes in.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

from measure import Measured, run_measured

SECONDS_AT_MOST = 1_800
_HERE = Path(__file__).parent
_ENVIRONMENTS = _HERE.parents[2] / ".venv-peers"


@cache  # pip is asked once, and says once why not
def peers_python(group: str, *, wanted: Path = _HERE, environments: Path = _ENVIRONMENTS) -> str | None:
    """Interpreter of a group's environment, made where it is missing or holds what `<group>.txt` no longer says.

    None, and a word why, where pip fails.
    """
    requirements, folder = wanted / f"{group}.txt", environments / group
    python, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists() or done.read_text() != requirements.read_text():
        venv.create(folder, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "-r", str(requirements)]
        told = subprocess.run(pip, capture_output=True, text=True)
        if told.returncode:
            print(f"{group}: the peers are left out, pip has no environment: {told.stderr[-300:]}", file=sys.stderr)
            return None
        done.write_text(requirements.read_text())
    return str(python)


def run_peer(group: str, script: str, *arguments: str) -> Measured | None:
    """Run a script of this folder in its group's environment; None, and a word why, where it cannot be had or fails."""
    python = peers_python(group)
    if python is None:
        return None
    try:
        return run_measured([python, str(_HERE / script), *arguments], seconds_at_most=SECONDS_AT_MOST)
    except SystemExit as error:
        print(f"{group}: the peer is left out: {str(error)[-500:]}", file=sys.stderr)
        return None
