"""Every notebook runs from top to bottom on a lake of three nights and shows what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.conftest import ROOT

NOTEBOOKS = ROOT / "notebooks"
# Counts every figure that a cell shows, so that a notebook that plots nothing is seen.
_COUNTING = """
import runpy, sys
import matplotlib.pyplot as plt
def show():
    for number in plt.get_fignums():
        axes = plt.figure(number).axes
        print(f"FIGURE {axes[0].get_title()!r} {sum(len(a.lines) + len(a.patches) for a in axes)}")
    plt.close("all")
plt.show = show
runpy.run_path(sys.argv[1], run_name="__main__")
"""
PROMISES = {
    "01_look_around.py": [r"gold\.people +version +[0-9]+", r"active +True", r"[1-9][0-9,]* profiles", r"orders_365d"],
    "02_value_and_churn.py": [
        r"BG/NBD of [1-9][0-9,]* people: BgNbd\(r=",
        r"Gamma-Gamma of [1-9][0-9,]* people: GammaGamma\(p=",
        r"churn_auc +[01]\.[0-9]{3}",
        r"champion \(version [0-9]+\) and this fit on [1-9][0-9,]* people: mean distance 0\.0[0-9]+",
    ],
    "03_why_one_person.py": [
        r"declared:\w+ +True",
        r"largest person: [0-9]+ records",
        r"\w+ +ties +[1-9][0-9]* records",
        r"known, active, born",
    ],
}
FIGURES = {"01_look_around.py": 1, "02_value_and_churn.py": 2, "03_why_one_person.py": 1}


def test_each_notebook_has_a_test_and_cells() -> None:
    assert {p.name for p in NOTEBOOKS.glob("*.py")} == set(PROMISES)
    for path in NOTEBOOKS.glob("*.py"):
        lines = path.read_text().splitlines()
        assert lines[0] == "# %% [markdown]" and lines[1].startswith("# # "), path
        assert lines.count("# %%") >= 5, path
        assert not [line for line in lines if line.startswith(("def ", "class "))], f"{path}: logic belongs in lib"


@pytest.mark.parametrize("name", sorted(PROMISES))
def test_a_notebook_runs_and_shows_what_it_promises(three_nights: Path, name: str) -> None:
    env = {**os.environ, "MPLBACKEND": "Agg", "CDP_HOME": str(three_nights), "CDP_ENV": "ci"}
    command = [sys.executable, "-c", _COUNTING, str(NOTEBOOKS / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    for promise in PROMISES[name]:
        assert re.search(promise, done.stdout), f"{promise} is not in:\n{done.stdout}"
    drawn = [int(n) for n in re.findall(r"^FIGURE '.+' ([0-9]+)$", done.stdout, flags=re.MULTILINE)]
    assert len(drawn) == FIGURES[name] and all(drawn), done.stdout
