"""Log the value model into the running MLflow run and prove that what was stored still gives the same scores."""

from __future__ import annotations

from importlib import metadata

from cdp.core.errors import ModelError
from cdp.models.histories import INPUTS
from cdp.models.value import ValueParameters

EXAMPLE = {  # made up: one new customer, one regular, one who fell silent, one who bought twice in a week
    "days_ago": [[20.0], [364.0 - 28 * k for k in range(13)], [560.0 - 21 * k for k in range(8)], [210.0, 204.0]],
    "amounts": [[35.0], [48.5 + k for k in range(13)], [22.0] * 8, [4.0, 90.0]],
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
    return [f"{package}=={metadata.version(package)}" for package in ("lightgbm", "mlflow", "numpy", "pandas", "scipy")]
