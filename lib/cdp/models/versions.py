"""The registered versions: list them, and promote one that proves that it scores."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.core.errors import ModelError, nearest_name
from cdp.models.logged_model import EXAMPLE
from cdp.models.registry import (
    AS_OF_TAG,
    MODEL_NAMES,
    PROMOTED_TAG,
    Tracking,
    client_of,
    promote,
)
from cdp.models.value import INPUTS


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: where it stands, what it was trained on and how it did on the later period.

    as_of: the day (ISO) at whose start its data were known. metrics: as logged, name -> number. reason: why it was
    promoted, empty for a version that never was.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    as_of: str
    metrics: dict[str, float]
    reason: str


def list_versions(tracking: Tracking) -> list[ModelVersion]:
    """All versions of all our models, by name, the newest first; nothing before the first training."""
    client = client_of(tracking)
    found = []
    for name in MODEL_NAMES.values():
        for version in client.search_model_versions(f"name = '{name}'"):
            run = client.get_run(str(version.run_id))
            found.append(
                ModelVersion(
                    name,
                    str(version.version),
                    tuple(sorted(client.get_model_version(name, version.version).aliases)),
                    run.data.tags.get(AS_OF_TAG, ""),
                    dict(run.data.metrics),
                    version.tags.get(PROMOTED_TAG, ""),
                )
            )
    return sorted(found, key=lambda v: (v.name, -int(v.version)))


def promote_version(tracking: Tracking, name: str, version: str, *, reason: str) -> None:
    """Make a version the champion after it has proved that it loads and scores; the one before becomes `previous`.

    Tomorrow's night scores by it. The reason is kept with the version. ModelError, and no alias moved, when there is
    no such version or when it does not score made-up customers with finite numbers in their ranges.
    """
    found = client_of(tracking).search_model_versions(f"name = '{known_model(name)}'")
    there = {str(v.version) for v in found}
    if version not in there:
        raise ModelError(f"{name} has no version {version}; there is {', '.join(sorted(there, key=int)) or 'none'}")
    _require_scores(tracking, name, version)
    promote(tracking, name, version, reason=reason)


def known_model(name: str) -> str:
    """The name, if it is a model of ours; ModelError with the nearest name if it is not."""
    if name not in MODEL_NAMES.values():
        raise ModelError(f"no model {name!r}: {nearest_name(name, list(MODEL_NAMES.values()))}")
    return name


def _require_scores(tracking: Tracking, name: str, version: str) -> None:
    import mlflow
    import numpy as np
    import pandas as pd

    example = pd.DataFrame(EXAMPLE)[list(INPUTS)]
    try:
        mlflow.set_registry_uri(tracking.registry_uri)
        scores = mlflow.pyfunc.load_model(f"models:/{name}/{version}").predict(example)
    except Exception as error:
        raise ModelError(
            f"{name} version {version} does not load and score: {type(error).__name__}. No alias was moved. Restore "
            "its artifact folder, or train again."
        ) from error
    numbers = scores.iloc[:, :5].astype(float).to_numpy()
    share = scores["p_churn"].to_numpy(float) if "p_churn" in scores else np.zeros(1)
    if not np.isfinite(numbers).all() or share.min() < 0 or share.max() > 1:
        raise ModelError(f"{name} version {version} scores made-up customers out of range. No alias was moved.")
