"""A company that follows the model exactly, with known parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cdp.models.bgnbd import BgNbd


def _simulate(model: BgNbd, people: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rate, p = rng.gamma(model.r, 1 / model.alpha, people), rng.beta(model.a, model.b, people)
    age = rng.integers(26 * 7, 104 * 7, people) / 7
    last, x, now = np.zeros(people), np.zeros(people), np.zeros(people)
    alive = np.ones(people, dtype=bool)
    while alive.any():
        now = now + rng.exponential(1 / np.maximum(rate, 1e-12))
        alive &= now <= age
        x, last = x + alive, np.where(alive, now, last)
        alive &= rng.random(people) >= p
    rows = pd.DataFrame({"x": x, "t_x": last, "age": age})
    return rows.groupby(["x", "t_x", "age"], as_index=False).size().rename(columns={"size": "people"})


@pytest.fixture(scope="session")
def simulate() -> Callable[[BgNbd, int, int], pd.DataFrame]:
    """``simulate(model, people, seed)``: purchase histories, aggregated to columns x, t_x, age, people."""
    return _simulate
