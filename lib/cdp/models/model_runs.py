"""Rows of ops.model_runs: what was trained, how good it was, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp.models.promotion import Attempt
from cdp.models.train import TrainedValue

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def is_noted(
    read_model_runs: Callable[[], DataFrame], models: Sequence[str], *, as_of: date, last_trained: date | None
) -> bool:
    """Whether ops.model_runs has a row for each of the models if the last training is of `as_of`; else True.

    The table is read only where the last training is of that date: on all other nights to open it would be for nothing.
    """
    if last_trained != as_of:
        return True
    rows = read_model_runs().where((F.col("as_of") == F.lit(as_of)) & F.col("model").isin(*models))
    return rows.select("model").distinct().count() == len(models)


def model_run_rows(
    trained: TrainedValue, attempts: Sequence[Attempt], *, run_id: str, fingerprint: str, trained_at: datetime
) -> list[dict[str, Any]]:
    """One row of ops.model_runs per attempt to promote a registered version, keys in the table's column names."""
    return [
        model_run_row(
            attempt,
            as_of=date.fromisoformat(trained.params.as_of),
            metrics=trained.metrics,
            parameters=trained.params.describe(),
            run_id=run_id,
            fingerprint=fingerprint,
            trained_at=trained_at,
        )
        for attempt in attempts
    ]


def model_run_row(
    attempt: Attempt,
    *,
    as_of: date,
    metrics: Mapping[str, float],
    parameters: Mapping[str, Any],
    run_id: str,
    fingerprint: str,
    trained_at: datetime,
) -> dict[str, Any]:
    """The row of ops.model_runs of one attempt, whatever the kind of model."""
    return {
        "model": attempt.model,
        "model_version": attempt.to_version,
        "mlflow_run_id": run_id,
        "as_of": as_of,
        "fingerprint": fingerprint,
        "metrics": json.dumps(metrics, sort_keys=True),
        "parameters": json.dumps(parameters, sort_keys=True),
        "is_champion": attempt.is_moved,
        "decided": attempt.reason,
        "trained_at": trained_at,
    }
