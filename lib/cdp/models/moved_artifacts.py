"""A lake folder that was moved or copied takes its models along, although MLflow's SQLite file has absolute paths."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

# Where MLflow 3 keeps the place of an artifact; sources of model versions are models:/ID and need no change.
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def artifacts_moved(uri: str, noted: str, artifacts: str) -> bool:
    """Whether the database at ``uri`` still has the place ``noted`` for what lies in the folder ``artifacts`` now.

    Only of a SQLite file that lies beside its artifacts, as in a lake's `state`, so that the two have moved together,
    and not while the old place has artifacts and the new one has none: then the file was moved alone.
    """
    if noted == artifacts or "://" in noted or not uri.startswith("sqlite:///"):
        return False
    folder = Path(artifacts)
    lies_beside = Path(uri.removeprefix("sqlite:///")).parent == folder.parent
    return lies_beside and (folder.is_dir() or not Path(noted).is_dir())


def follow_move(uri: str, noted: str, artifacts: str) -> None:
    """Let everything in the SQLite file at ``uri`` that lay below ``noted`` lie below ``artifacts``, in one commit."""
    size = len(noted) + 1
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        for table, column in _PLACES:
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column} || '/', 1, ?) = ?",
                (artifacts, size, size, f"{noted}/"),
            )
