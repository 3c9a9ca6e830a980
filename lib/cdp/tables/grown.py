"""Whether a table has only grown since an earlier state of it, and the files that it grew by."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from pyspark.sql import SparkSession

from cdp.tables import fs


def state_of(spark: SparkSession, table_path: str) -> str:
    """A name for the table's newest state: no other state has it, also after the table was put back or made anew.

    Empty where there is no table, or where its log no longer tells of the newest version.
    """
    version = fs.latest_version(spark, table_path)
    return _state(spark, table_path, version) if version >= 0 else ""


def files_since(spark: SparkSession, table_path: str, state: str) -> list[str] | None:
    """The files that came since ``state``, as paths for Spark's reader; None where that does not tell all that changed.

    So it is where rows or files went, where the table's shape or protocol changed, where the table was put back to an
    older state, and where the log no longer goes back to ``state``. Reads the log's entries since then, without a job.
    """
    number = state.partition(":")[0]
    if not number or _state(spark, table_path, int(number)) != state:
        return None
    files: list[str] = []
    for version in range(int(number) + 1, fs.latest_version(spark, table_path) + 1):
        actions = fs.commit(spark, table_path, version)
        if not actions or not all(_adds(action) for action in actions):
            return None
        files += [_literal(f"{table_path}/{unquote(action['add']['path'])}") for action in actions if "add" in action]
    return files


def _state(spark: SparkSession, table_path: str, version: int) -> str:
    name = fs.commit_info(spark, table_path, version).get("txnId")
    return f"{version}:{name}" if name else ""


def _literal(path: str) -> str:
    """Spark's reader takes paths for patterns."""
    return re.sub(r"[][{}*?\\]", r"\\\g<0>", path)


def _adds(action: dict[str, Any]) -> bool:
    """Whether an entry of the log is one of a commit that only adds rows."""
    if "add" in action:
        return bool(action["add"]["dataChange"]) and not action["add"]["partitionValues"]
    return "commitInfo" in action or "txn" in action
