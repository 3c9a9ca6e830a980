"""The gate before an alias moves: the very version is loaded and must score made-up people as its numbers say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp.core.errors import ModelError
from cdp.models.declared.spec import registered_name
from cdp.models.logged_model import EXAMPLE
from cdp.models.recommendation.spec import MODELS
from cdp.models.registry import MODEL_NAMES, load_parameters
from cdp.models.tracking import Tracking, client_of

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

_UNMOVED = "No alias was moved"


@dataclass(frozen=True)
class _Fixture:
    """Made-up people, what the stored parameters say of them, and how many columns of that are numbers."""

    people: pd.DataFrame
    expected: pd.DataFrame
    numbers: int
    probability: str | None
    result_type: str


def prove_version(tracking: Tracking, name: str, version: str, *, spark: SparkSession | None) -> None:
    """Score made-up people with the registered version, in Spark's workers where there is a session, else here.

    ModelError when there is no such version, when it does not load or score, when a score is no number or out of its
    range, or when the scores are not those of the parameters that the nights score with.
    """
    there = {str(v.version) for v in client_of(tracking).search_model_versions(f"name = '{name}'")}
    if version not in there:
        raise ModelError(f"{name} has no version {version}; there is {', '.join(sorted(there, key=int)) or 'none'}")
    fixture = _fixture_of(name)(tracking, name, version)
    if fixture is None:
        raise ModelError(f"{name} version {version} is of an earlier release's form: a night cannot score by it. Train")
    try:
        scores = _scores(tracking, name, version, fixture, spark)
    except Exception as error:
        raise ModelError(
            f"{name} version {version} does not load and score: {type(error).__name__}. {_UNMOVED}. Restore "
            "its artifact folder, or train again."
        ) from error
    _require_equal(scores, fixture, f"{name} version {version}")


def _fixture_of(name: str) -> Callable[[Tracking, str, str], _Fixture | None]:
    if name in MODEL_NAMES.values():
        return _value_fixture
    return _list_fixture if name.startswith(registered_name(MODELS)) else _declared_fixture


def _value_fixture(tracking: Tracking, name: str, version: str) -> _Fixture | None:
    import pandas as pd

    from cdp.models.pyfunc_model import RESULT_TYPES, ValueModel

    params = load_parameters(tracking, name, version)
    if params is None:
        return None
    kind = next(kind for kind, registered in MODEL_NAMES.items() if registered == name)
    people = pd.DataFrame(EXAMPLE)
    probability = "p_churn" if kind == "churn" else None
    return _Fixture(people, ValueModel(kind, params).predict(None, people), 5, probability, RESULT_TYPES[kind])


def _declared_fixture(tracking: Tracking, name: str, version: str) -> _Fixture | None:
    from cdp.models.declared.pyfunc_model import RESULT_TYPE, DeclaredPyfunc, made_up_people
    from cdp.models.declared.registered import load_version

    declared = load_version(tracking, name, version)
    if declared is None:
        return None
    people = made_up_people(declared)
    return _Fixture(people, DeclaredPyfunc(declared).predict(None, people), 1, "probability", RESULT_TYPE)


def _list_fixture(tracking: Tracking, name: str, version: str) -> _Fixture | None:
    from cdp.models.recommendation.pyfunc_model import RESULT_TYPE, RankerPyfunc, made_up_pairs
    from cdp.models.recommendation.registered import load_version

    recommender = load_version(tracking, name, version)
    if recommender is None:
        return None
    pairs = made_up_pairs(recommender)
    return _Fixture(pairs, RankerPyfunc(recommender).predict(None, pairs), 1, "chance", RESULT_TYPE)


def _scores(tracking: Tracking, name: str, version: str, fixture: _Fixture, spark: SparkSession | None) -> pd.DataFrame:
    import mlflow

    mlflow.set_registry_uri(tracking.registry_uri)
    uri, people = f"models:/{name}/{version}", fixture.people
    here = mlflow.pyfunc.load_model(uri).predict(people)  # what fails here is refused without Spark's stack traces
    if spark is None:
        return here
    score = mlflow.pyfunc.spark_udf(spark, uri, result_type=fixture.result_type, env_manager="local")
    rows = spark.createDataFrame(people.assign(row=range(len(people)))).coalesce(1)
    scored = rows.select("row", score(*people.columns).alias("score")).select("row", "score.*")
    found: pd.DataFrame = scored.toPandas()
    return found.sort_values("row", ignore_index=True).drop(columns="row")


def _require_equal(scores: pd.DataFrame, fixture: _Fixture, what: str) -> None:
    import numpy as np

    ours, theirs = (f.iloc[:, : fixture.numbers].astype(float).to_numpy() for f in (scores, fixture.expected))
    share = scores[fixture.probability].to_numpy(float) if fixture.probability else np.zeros(1)
    if not np.isfinite(ours).all() or ours.min() < 0 or share.max() > 1:
        raise ModelError(f"{what} scores made-up customers out of range. {_UNMOVED}.")
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-9):
        raise ModelError(
            f"{what} does not score made-up customers as its stored parameters do. {_UNMOVED}. Check the installed "
            "packages against the constraints, or train again."
        )
