"""A small LightGBM booster for yes/no labels: shallow, slow, bagged, seeded; alone or as correction of another model.

With an offset (another model's log-odds) it learns only what that model lacks. `Booster.predict` forgets the offset:
these functions give the booster's own part, the caller adds the other's. Ke et al. 2017, NeurIPS 30.
"""

from __future__ import annotations

import lightgbm
import numpy as np

from cdp.models.bgnbd import Floats
from cdp.models.feature_matrix import FeatureMatrix

ROUNDS = (25, 50, 75, 100, 150, 200, 300, 400)  # the numbers of trees that compete
MAX_ROWS = 2_000_000


def fit_booster(matrix: FeatureMatrix, label: Floats, *, rounds: int, offset: Floats | None = None) -> lightgbm.Booster:
    """Fit `rounds` trees. No class is weighted: the scores are probabilities."""
    step = -(-len(matrix) // MAX_ROWS)
    matrix, label = matrix.rows(np.arange(0, len(matrix), step)), label[::step]
    categories = [i for i, f in enumerate(matrix.features) if f.kind == "category"]
    data = lightgbm.Dataset(
        matrix.values,
        label,
        init_score=None if offset is None else offset[::step],
        categorical_feature=categories,
        params={"verbose": -1, "max_bin": 127},
        free_raw_data=True,
    )
    return lightgbm.train(_settings(len(label)), data, num_boost_round=rounds)


def booster_logits(booster: lightgbm.Booster, matrix: FeatureMatrix, rounds: int) -> Floats:
    """The booster's own log-odds after that many trees."""
    return np.asarray(booster.predict(matrix.values, raw_score=True, num_iteration=rounds), dtype=np.float64)


def booster_contributions(booster: lightgbm.Booster, matrix: FeatureMatrix, rounds: int) -> Floats:
    """people x (features + 1), exact Shapley values of the trees (Lundberg et al. 2020); the last column is the base."""
    return np.asarray(booster.predict(matrix.values, pred_contrib=True, num_iteration=rounds), dtype=np.float64)


def _settings(rows: int) -> dict[str, object]:
    return {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 8,
        "min_data_in_leaf": int(np.clip(rows // 200, 5, 100)),
        "min_sum_hessian_in_leaf": 1.0,
        "lambda_l2": 10.0,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "min_data_per_group": 20,
        "cat_smooth": 20.0,
        "max_bin": 127,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
