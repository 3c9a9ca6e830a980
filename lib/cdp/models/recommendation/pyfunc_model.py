"""The model of a list as MLflow knows it: features of (customer, item) pairs in, the chance of a purchase out.

It is stored with its code (pickled by value): whoever loads it needs the listed packages, not this one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from cdp.models.logged_model import log_proved
from cdp.models.recommendation import explore_part, repeat_part
from cdp.models.recommendation.recommend import Recommender

RESULT_TYPE = "chance double"
FEATURES = {"repeat": repeat_part.FEATURES, "explore": explore_part.FEATURES}
_PACKAGES = ("mlflow", "numpy", "pandas", "pyarrow", "scipy")


class RankerPyfunc(PythonModel):
    """Rows of `part` (repeat or explore) and its `FEATURES`, in logarithms; those of the other part may be missing."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The chance of each row to be bought within four weeks."""
        chance = np.full(len(model_input), np.nan)
        for part, names in FEATURES.items():
            rows = (model_input["part"] == part).to_numpy()
            logit = getattr(self.recommender, part)
            chance[rows] = logit.probability(model_input.loc[rows, list(names)].to_numpy(np.float64))
        return pd.DataFrame({"chance": chance}, index=model_input.index)


def made_up_pairs(recommender: Recommender) -> pd.DataFrame:
    """Example rows that are nobody's: of each part's learned features the mean, one deviation below, one above."""
    rows = []
    for part, names in FEATURES.items():
        logit = getattr(recommender, part)
        for deviations in (0.0, -1.0, 1.0):
            features = np.zeros(len(names))
            features[list(logit.columns)] = logit.mean + deviations * logit.scale
            rows.append({"part": part, **dict(zip(names, features.tolist(), strict=True))})
    columns = ("part", *dict.fromkeys(name for names in FEATURES.values() for name in names))
    return pd.DataFrame(rows, columns=list(columns))


def log_pyfunc(name: str, recommender: Recommender) -> str:
    """Log the model into the running run, load it again and score the made-up pairs; gives MLflow's id of it."""
    shown = name.replace(".", "_")  # MLflow takes no dot here
    return log_proved(shown, RankerPyfunc(recommender), made_up_pairs(recommender), told_as=name, packages=_PACKAGES)
