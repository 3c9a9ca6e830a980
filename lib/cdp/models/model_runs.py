"""Rows of ops.model_runs: what was trained, how good it was, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cdp.models.train import Decision, TrainedValue


def model_run_rows(
    trained: TrainedValue,
    decision: Decision,
    *,
    run_id: str,
    versions: Mapping[str, str],
    fingerprint: str,
    trained_at: datetime,
) -> list[dict[str, Any]]:
    """One row of ops.model_runs per registered name in `versions`, keys in the table's column names."""
    return [
        {
            "model": name,
            "model_version": version,
            "mlflow_run_id": run_id,
            "as_of": date.fromisoformat(trained.params.as_of),
            "fingerprint": fingerprint,
            "metrics": json.dumps(trained.metrics, sort_keys=True),
            "parameters": trained.params.to_json(),
            "is_champion": decision.is_promoted,
            "decided": decision.reason,
            "trained_at": trained_at,
        }
        for name, version in sorted(versions.items())
    ]
