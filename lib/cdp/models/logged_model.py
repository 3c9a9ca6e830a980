"""Log the value model into the running MLflow run and prove that what was stored still gives the same scores."""

from __future__ import annotations

from importlib import metadata

from cdp.core.errors import ModelError
from cdp.models.value import INPUTS, ValueParameters

EXAMPLE = {  # made up: one new customer, one regular, one who fell silent, one with returns above purchases
    "repeat_purchases": [0.0, 12.0, 7.0, 1.0],
    "recency_weeks": [0.0, 50.0, 20.0, 3.0],
    "age_weeks": [4.0, 52.0, 80.0, 30.0],
    "mean_value": [35.0, 48.5, 22.0, -4.0],
}


def log_model(kind: str, name: str, params: ValueParameters) -> str:
    """Log the model, load it again and score the example: MLflow registers a broken model without a word."""
    import cloudpickle
    import mlflow
    import numpy as np
    import pandas as pd
    from mlflow.models import infer_signature

    import cdp.models
    from cdp.models.pyfunc_model import ValueModel

    example = pd.DataFrame(EXAMPLE)[list(INPUTS)]
    model = ValueModel(kind, params)
    expected = model.predict(None, example)
    defaults = {"horizon_weeks": float(params.horizon_weeks)}
    cloudpickle.register_pickle_by_value(cdp.models)
    try:
        info = mlflow.pyfunc.log_model(
            name=kind,
            python_model=model,
            signature=infer_signature(example, expected, defaults),
            input_example=example,
            pip_requirements=_requirements(),
        )
    finally:
        cloudpickle.unregister_pickle_by_value(cdp.models)
    loaded = mlflow.pyfunc.load_model(info.model_uri).predict(example)
    if not np.allclose(loaded.iloc[:, :5].astype(float), expected.iloc[:, :5], rtol=1e-9):
        raise ModelError(
            f"the logged model {name} does not give the scores that it gave before it was stored; "
            "nothing was registered. Check the installed packages against the constraints."
        )
    return str(info.model_id)


def _requirements() -> list[str]:
    return [f"{package}=={metadata.version(package)}" for package in ("mlflow", "numpy", "pandas", "scipy")]
