"""Rows of ops.model_runs: what was trained, how good it was, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cdp.models.promotion import Attempt
from cdp.models.train import TrainedValue


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
    parameters: str,
    run_id: str,
    fingerprint: str,
    trained_at: datetime,
) -> dict[str, Any]:
    """The row of ops.model_runs of one attempt, whatever the kind of model; `parameters` is JSON."""
    return {
        "model": attempt.model,
        "model_version": attempt.to_version,
        "mlflow_run_id": run_id,
        "as_of": as_of,
        "fingerprint": fingerprint,
        "metrics": json.dumps(metrics, sort_keys=True),
        "parameters": parameters,
        "is_champion": attempt.is_moved,
        "decided": attempt.reason,
        "trained_at": trained_at,
    }
