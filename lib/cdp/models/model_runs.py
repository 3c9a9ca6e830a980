"""Rows of ops.model_runs: what was trained, how good it was, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from cdp.models.promotion import Attempt
from cdp.models.train import TrainedValue


def model_run_rows(
    trained: TrainedValue, attempts: Sequence[Attempt], *, run_id: str, fingerprint: str, trained_at: datetime
) -> list[dict[str, Any]]:
    """One row of ops.model_runs per attempt to promote a registered version, keys in the table's column names."""
    return [
        {
            "model": attempt.model,
            "model_version": attempt.to_version,
            "mlflow_run_id": run_id,
            "as_of": date.fromisoformat(trained.params.as_of),
            "fingerprint": fingerprint,
            "metrics": json.dumps(trained.metrics, sort_keys=True),
            "parameters": trained.params.describe(),
            "is_champion": attempt.is_moved,
            "decided": attempt.reason,
            "trained_at": trained_at,
        }
        for attempt in attempts
    ]
