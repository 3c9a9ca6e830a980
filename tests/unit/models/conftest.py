"""A company that follows the model exactly, with known parameters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from cdp.core.dates import EPOCH
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.forecast.ledger import UNITS, Ledger, Pieces
from cdp.models.gain import GROUPS
from cdp.models.train import TrainedValue, train_value
from cdp.models.training_data import TrainingData

AS_OF = date(2026, 1, 5)


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


def made_purchases(people: int = 1500, seed: int = 3) -> pd.DataFrame:
    """Customer, day (0 .. 363) and amount of a BG/NBD company over 52 weeks; everybody joins in the first half year."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(people):
        rate, leaves, level = rng.gamma(0.9, 1 / 5.0), rng.beta(0.8, 3), rng.gamma(4, 10)
        day = float(rng.integers(0, 182))
        while day < 364:
            found.append((i, int(day), round(float(rng.gamma(5, level / 5)) + 0.01, 2)))
            if day > 0 and rng.random() < leaves:
                break
            day += rng.exponential(7 / rate)
    rows = pd.DataFrame(found, columns=["customer", "day", "amount"])
    return rows.groupby(["customer", "day"], as_index=False).sum()


def data_of(purchases: pd.DataFrame, as_of: date = AS_OF) -> TrainingData:
    """Training data where everything is known on its day; day 363 is the day before `as_of`."""
    day = purchases["day"].to_numpy(np.int64) + (as_of - EPOCH).days - 364
    units = np.round(purchases["amount"].to_numpy() * UNITS).astype(np.int64)
    customer = purchases["customer"].to_numpy(np.int64)
    people = int(customer.max()) + 1
    return TrainingData(Ledger.of_pieces(Pieces(customer, day, day, units)), np.arange(people) % GROUPS, people)


@pytest.fixture(scope="session")
def simulate() -> Callable[[BgNbd, int, int], pd.DataFrame]:
    """``simulate(model, people, seed)``: purchase histories, aggregated to columns x, t_x, age, people."""
    return _simulate


@pytest.fixture(scope="session")
def data() -> TrainingData:
    """What a training takes of 1,500 customers of that company."""
    return data_of(made_purchases())


@pytest.fixture(scope="session")
def trained(data: TrainingData) -> TrainedValue:
    """A value model trained on them, with its pictures: what registering takes."""
    return train_value(data, as_of=AS_OF, horizon_weeks=13)
