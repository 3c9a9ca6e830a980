"""Made subscribers with known probabilities to leave, and a model of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdp.models.propensity import propensity
from cdp.models.propensity.propensity import TrainedPropensity, fit_propensity
from cdp.models.propensity.propensity_model import score_propensity


def make_people(count: int, *, seed: int, shift: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Subscribers with what one knows of them, and their true probabilities to leave."""
    rng = np.random.default_rng(seed)
    tenure = rng.exponential(20, count).round()
    contract = rng.choice(["monthly", "yearly"], count, p=[0.6, 0.4])
    usage = rng.lognormal(2, 1, count)
    fibre = rng.random(count) < 0.4
    logit = 0.6 + shift - 0.9 * np.log1p(tenure) + 1.2 * (contract == "monthly") - 0.3 * np.log(usage)
    logit += 1.5 * (fibre & (tenure < 12))
    people = pd.DataFrame(
        {
            "person": [f"p{i:05d}" for i in rng.permutation(count)],
            "tenure": tenure.astype(int),
            "contract": contract,
            "usage": usage,
            "fibre": fibre,
            "noise": rng.normal(size=count),
        }
    )
    return people, 1 / (1 + np.exp(-logit))


def labelled(count: int, *, seed: int, shift: float = 0.0) -> pd.DataFrame:
    people, p = make_people(count, seed=seed, shift=shift)
    return people.assign(left=(np.random.default_rng(seed + 1).random(count) < p).astype(int))


def fit(train: pd.DataFrame, label: str = "left") -> TrainedPropensity:
    return fit_propensity(train, label=label, id_column="person")


def score(trained: TrainedPropensity, people: pd.DataFrame) -> pd.DataFrame:
    return score_propensity(trained.model, people, id_column="person")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traps need no three repeats."""
    monkeypatch.setattr(propensity, "REPEATS", 1)


@pytest.fixture(scope="session")
def trained() -> TrainedPropensity:
    return fit(labelled(2000, seed=1))
