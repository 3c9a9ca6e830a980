"""A declared model as MLflow knows it: features in, a struct of scores out, for a server, Spark, a notebook.

It is stored with its code (pickled by value): whoever loads it needs the listed packages, not this one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from cdp.models.declared.score import DeclaredModel, score_people
from cdp.models.logged_model import log_proved

RESULT_TYPE = "probability double, method string, reasons array<string>"
_PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy", "threadpoolctl")


class DeclaredPyfunc(PythonModel):
    """The features of a person in, probability, method and reasons out."""

    def __init__(self, declared: DeclaredModel) -> None:
        self.declared = declared

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Scores of the rows."""
        scored = score_people(self.declared, model_input).assign(method=self.declared.method)
        return scored[["probability", "method", "reasons"]].set_index(model_input.index)


def made_up_people(declared: DeclaredModel) -> pd.DataFrame:
    """Example rows that are nobody: ends and middle of each feature's reference bins, known words, then nothing at all.

    Numbers are doubles and all else text, as the signature says.
    """
    columns: dict[str, pd.Series] = {}
    kinds = {c.name: c for c in declared.model.plan.columns}
    for name in declared.features:
        column, reference = kinds.get(name), declared.references.get(name)
        if column is not None and column.kind != "number":
            words = list(column.levels[:3]) or ["2025-01-01", "2025-06-30", "2026-01-05"]
            columns[name] = pd.Series([*words, *words[-1:] * (4 - len(words))], dtype=object)
        else:
            edges = np.array(reference.edges if reference and reference.edges else (0.0,))
            columns[name] = pd.Series([*np.quantile(edges, (0, 0.5, 1)), np.nan])
    return pd.DataFrame(columns)


def log_pyfunc(name: str, declared: DeclaredModel) -> str:
    """Log the model into the running run, load it again and score the made-up people; gives MLflow's id of it."""
    return log_proved(name, DeclaredPyfunc(declared), made_up_people(declared), told_as=name, packages=_PACKAGES)
