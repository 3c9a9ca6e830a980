"""Nested runs of a training: how each candidate did on each past cut, to be compared in MLflow like any other runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cdp.models.figures import Cuts

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT_TAG = "mlflow.parentRunId"  # by which MLflow nests


def log_nested(client: MlflowClient, candidates: Mapping[str, Cuts], *, experiment_id: str, parent: str) -> None:
    """One finished run for each candidate and cut below the run `parent`, with the cut's metrics.

    They carry no fingerprint and no as-of tag of ours: a search for trainings does not find them.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    for candidate, cuts in candidates.items():
        for cut, figures in sorted(cuts.items()):
            tags = {PARENT_TAG: parent, "cdp.candidate": candidate, "cdp.cut": cut}
            run = client.create_run(experiment_id, run_name=f"{candidate} {cut}", tags=tags)
            metrics = [Metric(name, value, now, 0) for name, value in sorted(figures.items())]
            client.log_batch(run.info.run_id, metrics=metrics)
            client.set_terminated(run.info.run_id)
