"""The door to MLflow: a tracking server or database is opened here, and nowhere else."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdp.models.moved_artifacts import artifacts_moved, follow_move

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "cdp"
LOGGING = threading.Lock()
"""Held while a training is logged: which modules are pickled by value is the process's, and jobs run side by side."""
_SQLITE = "sqlite:///"
_LOCK_KEY = 7_110_620  # of the advisory lock in PostgreSQL: any number that nobody else uses


@dataclass(frozen=True)
class Tracking:
    """An open tracking server or file: what every call below needs."""

    uri: str
    registry_uri: str
    experiment_id: str


def open_tracking(uri: str, *, registry_uri: str | None = None, artifact_location: str | None = None) -> Tracking:
    """Connect, and make the tables of a fresh database (SQLite, PostgreSQL) exactly once, whoever comes first.

    Six processes that meet a fresh database crash each other in MLflow's migrations; hence the lock.
    `artifact_location` is the folder for new experiments (pictures, models), beside the lake; where it was moved
    with its SQLite file, it is followed.
    """
    with _locked(uri):
        import mlflow

        client = _client(uri, registry_uri or uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            made = client.create_experiment(EXPERIMENT, artifact_location=artifact_location)
            experiment = client.get_experiment(made)
        elif artifact_location is not None and artifacts_moved(uri, experiment.artifact_location, artifact_location):
            follow_move(uri, experiment.artifact_location, artifact_location)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(registry_uri or uri)
    return Tracking(uri, registry_uri or uri, experiment.experiment_id)


def client_of(tracking: Tracking) -> MlflowClient:
    """MLflow's own client on this tracking server and registry."""
    return _client(tracking.uri, tracking.registry_uri)


def _client(uri: str, registry_uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri, registry_uri=registry_uri)


def is_begun(uri: str) -> bool:
    """Whether there is something to look at: false for a SQLite file that nobody has made yet (opening makes it)."""
    return not uri.startswith(_SQLITE) or Path(uri.removeprefix(_SQLITE)).exists()


def _locked(uri: str) -> AbstractContextManager[None]:
    """Hold the lock that the makers of a fresh database's tables share; a tracking server looks after itself."""
    if uri.startswith(_SQLITE):
        return _locked_file(Path(uri.removeprefix(_SQLITE) + ".lock"))
    if uri.startswith("postgresql"):
        return _locked_database(uri)
    return nullcontext()


@contextmanager
def _locked_file(file: Path) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


@contextmanager
def _locked_database(uri: str) -> Iterator[None]:
    """An advisory lock of PostgreSQL: it holds no table, and ends with the connection."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    with create_engine(uri, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
        yield
