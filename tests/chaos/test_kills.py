"""Kill -9 at random moments of three nights, start again each time: in the end the lake is the undisturbed one.

``CDP_CHAOS_KILLS`` (50) and ``CDP_CHAOS_SEED`` (1) set how many and which. A moment is some commits after the start and
up to two seconds more, so that it falls anywhere in the nights on a fast machine and on a busy one.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from tests.integration.conftest import NIGHTS
from tests.integration.kills import after_commits, count_commits, nights_command, run_until
from tests.integration.lakes import differences

_MOST_COMMITS = 24
_MOST_SECONDS_BEFORE_THE_FIRST = 20.0
_MOST_SECONDS_AFTER = 2.0


@pytest.mark.chaos
def test_a_lake_survives_kills_at_random_moments(three_nights: Path, company: Path, tmp_path: Path) -> None:
    wanted = int(os.environ.get("CDP_CHAOS_KILLS", "50"))
    seed = int(os.environ.get("CDP_CHAOS_SEED", "1"))
    chance = random.Random(seed)
    kills, homes, told = 0, [tmp_path / "lake0"], list[str]()
    while kills < wanted:
        home = homes[-1]
        commits = chance.randint(0, _MOST_COMMITS)
        seconds = chance.uniform(0, _MOST_SECONDS_AFTER if commits else _MOST_SECONDS_BEFORE_THE_FIRST)
        moment = after_commits(home / "lake", commits, seconds)
        ended = run_until(nights_command(home, company, NIGHTS[0], NIGHTS[-1]), moment)
        if ended is None:
            kills += 1
            held = count_commits(home / "lake")
            told.append(f"kill {kills} in {home.name}, {seconds:.2f} s after {commits} commits: it holds {held}")
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
