"""The gate before an alias moves: the very version is loaded and must score made-up people as its numbers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp.core.errors import ModelError
from cdp.models.logged_model import EXAMPLE
from cdp.models.registry import MODEL_NAMES, load_parameters
from cdp.models.tracking import Tracking, client_of
from cdp.models.value import ValueParameters

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

_UNMOVED = "No alias was moved"


def prove_version(tracking: Tracking, name: str, version: str, *, spark: SparkSession | None) -> None:
    """Score the example with the registered version, in Spark's workers where there is a session, else here.

    ModelError when there is no such version, when it does not load or score, when a score is no number or out of its
    range, or when the scores are not those of the parameters that the nights score with.
    """
    import pandas as pd

    there = {str(v.version) for v in client_of(tracking).search_model_versions(f"name = '{name}'")}
    if version not in there:
        raise ModelError(f"{name} has no version {version}; there is {', '.join(sorted(there, key=int)) or 'none'}")
    params = load_parameters(tracking, name, version)
    if params is None:
        raise ModelError(f"{name} version {version} is of an earlier release's form: a night cannot score by it. Train")
    try:
        scores = _scores(tracking, name, version, spark)
    except Exception as error:
        raise ModelError(
            f"{name} version {version} does not load and score: {type(error).__name__}. {_UNMOVED}. Restore "
            "its artifact folder, or train again."
        ) from error
    _require_equal(scores, _expected(name, params, pd.DataFrame(EXAMPLE)), f"{name} version {version}")


def _kind(name: str) -> str:
    return next(kind for kind, registered in MODEL_NAMES.items() if registered == name)


def _scores(tracking: Tracking, name: str, version: str, spark: SparkSession | None) -> pd.DataFrame:
    import mlflow
    import pandas as pd

    from cdp.models.pyfunc_model import RESULT_TYPES

    mlflow.set_registry_uri(tracking.registry_uri)
    uri, example = f"models:/{name}/{version}", pd.DataFrame(EXAMPLE)
    if spark is None:
        return mlflow.pyfunc.load_model(uri).predict(example)
    score = mlflow.pyfunc.spark_udf(spark, uri, result_type=RESULT_TYPES[_kind(name)], env_manager="local")
    rows = spark.createDataFrame(example.assign(row=range(len(example)))).coalesce(1)
    scored = rows.select("row", score(*example.columns).alias("score")).select("row", "score.*")
    found: pd.DataFrame = scored.toPandas()
    return found.sort_values("row", ignore_index=True).drop(columns="row")


def _expected(name: str, params: ValueParameters, example: pd.DataFrame) -> pd.DataFrame:
    from cdp.models.pyfunc_model import ValueModel

    return ValueModel(_kind(name), params).predict(None, example)


def _require_equal(scores: pd.DataFrame, expected: pd.DataFrame, what: str) -> None:
    import numpy as np

    ours, theirs = (frame.iloc[:, :5].astype(float).to_numpy() for frame in (scores, expected))
    share = scores["p_churn"].to_numpy(float) if "p_churn" in scores else np.zeros(1)
    if not np.isfinite(ours).all() or ours.min() < 0 or share.max() > 1:
        raise ModelError(f"{what} scores made-up customers out of range. {_UNMOVED}.")
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-9):
        raise ModelError(
            f"{what} does not score made-up customers as its stored parameters do. {_UNMOVED}. Check the installed "
            "packages against the constraints, or train again."
        )
