"""Log a model into the running MLflow run and prove that what was stored still gives the same scores."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from cdp.core.errors import ModelError
from cdp.models.histories import INPUTS
from cdp.models.value import ValueParameters

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.pyfunc import PythonModel

EXAMPLE = {  # made up: one new customer, one regular, one who fell silent, one who bought twice in a week
    "days_ago": [[20.0], [364.0 - 28 * k for k in range(13)], [560.0 - 21 * k for k in range(8)], [210.0, 204.0]],
    "amounts": [[35.0], [48.5 + k for k in range(13)], [22.0] * 8, [4.0, 90.0]],
}
_PACKAGES = ("lightgbm", "mlflow", "numpy", "pandas", "scipy")


def log_model(kind: str, name: str, params: ValueParameters) -> str:
    """Log the value model of the kind churn or ltv, to be registered under the name; gives MLflow's id of it."""
    import pandas as pd

    from cdp.models.pyfunc_model import ValueModel

    example = pd.DataFrame(EXAMPLE)[list(INPUTS)]
    defaults = {"horizon_weeks": float(params.horizon_weeks)}
    return log_proved(kind, ValueModel(kind, params), example, told_as=name, packages=_PACKAGES, defaults=defaults)


def log_proved(
    name: str,
    model: PythonModel,
    example: pd.DataFrame,
    *,
    told_as: str,
    packages: Sequence[str],
    defaults: dict[str, Any] | None = None,
) -> str:
    """Log the model, load it again and score the example: MLflow registers a broken model without a word.

    All numbers among its scores must come again. ``packages``: what it needs, pinned as installed; ``defaults``: its
    parameters. Gives MLflow's id of the logged model; ModelError calls it ``told_as``.
    """
    import cloudpickle
    import mlflow
    import numpy as np
    from mlflow.models import infer_signature

    import cdp.models

    expected = model.predict(None, example)
    cloudpickle.register_pickle_by_value(cdp.models)
    try:
        info = mlflow.pyfunc.log_model(
            name=name,
            python_model=model,
            signature=infer_signature(example, expected, defaults),
            input_example=example,
            pip_requirements=[f"{package}=={metadata.version(package)}" for package in packages],
        )
    finally:
        cloudpickle.unregister_pickle_by_value(cdp.models)
    loaded = mlflow.pyfunc.load_model(info.model_uri).predict(example)
    numbers = expected.select_dtypes("number")
    if not np.allclose(loaded[numbers.columns].astype(float), numbers, rtol=1e-9):
        raise ModelError(
            f"the logged model {told_as} does not give the scores that it gave before it was stored; "
            "nothing was registered. Check the installed packages against the constraints."
        )
    return str(info.model_id)
