"""Kill -9 at random moments of three nights, start again each time: in the end the lake is the undisturbed one.

``CDP_CHAOS_KILLS`` (20), ``CDP_CHAOS_SEED`` (1) and ``CDP_CHAOS_SECONDS`` (5-45: how long a run may live) set how many,
which and how hard. The moments are seconds after the start, so the same seed hits about the same places again.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from tests.integration.conftest import NIGHTS
from tests.integration.kills import after_seconds, nights_command, run_until
from tests.integration.lakes import differences, table_versions


@pytest.mark.chaos
def test_a_lake_survives_kills_at_random_moments(three_nights: Path, company: Path, tmp_path: Path) -> None:
    wanted = int(os.environ.get("CDP_CHAOS_KILLS", "20"))
    seed = int(os.environ.get("CDP_CHAOS_SEED", "1"))
    shortest, longest = (float(s) for s in os.environ.get("CDP_CHAOS_SECONDS", "5-45").split("-"))
    chance = random.Random(seed)
    kills, homes, told = 0, [tmp_path / "lake0"], []
    while kills < wanted:
        home = homes[-1]
        seconds = chance.uniform(shortest, longest)
        ended = run_until(nights_command(home, company, NIGHTS[0], NIGHTS[-1]), after_seconds(seconds))
        if ended is None:
            kills += 1
            commits = sum(table_versions(home / "lake").values())
            told.append(f"kill {kills} in {home.name} after {seconds:.2f} s, {commits} commits")
            print(told[-1], flush=True)
            continue
        assert ended in (0, 6), "\n".join([f"the run after these ended with {ended}:", *told])
        homes.append(tmp_path / f"lake{len(homes)}")  # this one got through: the next kills hit a new one
    for home in homes:
        if (home / "lake").exists():
            _finish(home, company, told)
            found = differences(three_nights / "lake", home / "lake")
            assert found == [], "\n".join([f"seed {seed}, {home.name} differs: {found}", *told])


def _finish(home: Path, company: Path, told: list[str]) -> None:
    command = nights_command(home, company, NIGHTS[0], NIGHTS[-1])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 6), "\n".join([done.stderr, *told])
