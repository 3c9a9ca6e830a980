"""Shapley values by table are LightGBM's own, on every side of a threshold and where values are missing."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from cdp.models.forecast.correction import SHAPE
from cdp.models.forecast.push_tables import tabulate


@pytest.mark.parametrize("has_gaps", [True, False])
def test_tables_give_the_values_of_lightgbm(has_gaps):
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.normal(size=(4000, 4)), rng.integers(0, 4, 4000), np.zeros(4000)])
    label = (rows[:, 0] * rows[:, 1] + rows[:, 4] > rng.normal(size=4000)).astype(float)
    if has_gaps:
        rows[rng.random(rows.shape) < 0.2] = np.nan
    data = lgb.Dataset(rows, label, init_score=rng.normal(size=4000))
    booster = lgb.train({**SHAPE, "objective": "binary"}, data, 40)
    tables = tabulate(booster)
    edges = [e[:3] for e in tables.edges]
    odd = np.full((16, rows.shape[1]), np.nan)
    for i, values in enumerate(edges):  # on a threshold, just above it, beyond everything, missing
        some = np.r_[values, np.nextafter(values, np.inf), -1e300, 1e300]
        odd[: len(some), i] = some
    asked = np.vstack([rows, odd])
    theirs = np.asarray(booster.predict(asked, pred_contrib=True))[:, :-1]
    assert np.abs(theirs).max() > 0.1 and np.allclose(tables.pushes(asked), theirs, atol=1e-12)


def test_a_booster_without_a_split_pushes_nobody():
    booster = lgb.train(
        {**SHAPE, "objective": "binary"}, lgb.Dataset(np.zeros((300, 2)), np.r_[np.zeros(150), np.ones(150)]), 3
    )
    assert (tabulate(booster).pushes(np.ones((5, 2))) == 0).all()
