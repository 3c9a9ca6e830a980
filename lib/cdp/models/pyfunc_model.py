"""The value model as MLflow knows it: two lists a person in, one struct of scores out, for a server, Spark, a notebook.

It is stored with its code (pickled by value): whoever loads it needs the listed packages, not this one.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.pyfunc import PythonModel

from cdp.models.histories import cut_of
from cdp.models.reasons import churn_reasons, ltv_reasons
from cdp.models.scorer import Scorer
from cdp.models.value import ValueParameters

RESULT_TYPES = {
    "churn": "p_churn double, lo double, hi double, p_alive double, expected_purchases double, method string, "
    "reasons array<string>",
    "ltv": "ltv double, lo double, hi double, expected_purchases double, expected_value double, method string, "
    "reasons array<string>",
}


class ValueModel(PythonModel):
    """One of the two questions (`kind` is churn or ltv), answered with the same parameters."""

    def __init__(self, kind: str, params: ValueParameters) -> None:
        self.kind = kind
        self.params = params

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Scores of the rows; the parameter `horizon_weeks` asks for another horizon than the trained one."""
        horizon = float((params or {}).get("horizon_weeks") or self.params.horizon_weeks)
        cut = cut_of(model_input)
        scored = Scorer(self.params).score(cut, horizon_weeks=horizon)
        if self.kind == "churn":
            reasons = churn_reasons(cut, scored)
            out = scored[["p_churn", "p_churn_lo", "p_churn_hi", "p_alive", "expected_purchases"]]
        else:
            reasons = ltv_reasons(cut, scored, horizon)
            out = scored[["ltv", "ltv_lo", "ltv_hi", "expected_purchases", "expected_value"]]
        out = out.rename(columns=lambda c: c.removeprefix("p_churn_").removeprefix("ltv_"))
        method = self.params.churn_method if self.kind == "churn" else self.params.ltv_method
        return out.assign(method=method, reasons=reasons).set_index(model_input.index)
