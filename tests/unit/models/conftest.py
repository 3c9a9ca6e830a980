"""A company that follows the model exactly, with known parameters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.evaluate import evaluate_value
from cdp.models.figures import draw_calibration, draw_frequency
from cdp.models.sufficient import Statistics
from cdp.models.train import TrainedValue
from cdp.models.value import INPUTS, fit_value_model


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


@pytest.fixture(scope="session")
def trained(simulate: Callable[[BgNbd, int, int], pd.DataFrame]) -> TrainedValue:
    """A value model fitted on 1,500 of them and evaluated, with its pictures: what registering takes."""
    purchases = simulate(BgNbd(0.6, 8.0, 0.7, 3.0), 1500, 1)
    values = pd.DataFrame({"n": purchases["x"] + 1, "m": 20.0 + np.arange(len(purchases)) % 50, "people": 1})
    params = fit_value_model(Statistics(date(2026, 1, 5), purchases, values), horizon_weeks=13)
    later = purchases.rename(columns=dict(zip(("x", "t_x", "age"), INPUTS[:3], strict=True))).assign(
        mean_value=30.0,
        actual_purchases=(purchases["x"] > 2) * 1.0,
        actual_spend=(purchases["x"] > 2) * 30.0,
        last_purchases=0.0,
        last_spend=0.0,
    )
    evaluation = evaluate_value(later, params, horizon_weeks=13)
    return TrainedValue(
        params,
        params,
        evaluation,
        {
            "calibration.png": draw_calibration(evaluation.churn_groups, 13),
            "frequency.png": draw_frequency(purchases, params.bgnbd),
        },
    )
