"""The lake's file system, through Hadoop's own client: the same calls for a folder and an object store."""

from __future__ import annotations

import json
import re
from typing import Any

from pyspark.sql import SparkSession

_COMMIT = re.compile(r"^(\d{20})\.json$")
_CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint.*\.parquet$")


def _file_system(spark: SparkSession, path: str) -> tuple[Any, Any]:
    jvm = spark._jvm
    assert jvm is not None
    target = jvm.org.apache.hadoop.fs.Path(path)
    return target.getFileSystem(spark._jsc.hadoopConfiguration()), target


def latest_version(spark: SparkSession, table_path: str) -> int:
    """The newest committed version of the Delta table in ``table_path``; -1 where there is none.

    Lists the log folder instead of asking Delta: a few milliseconds and no Spark job.
    """
    fs, log = _file_system(spark, f"{table_path}/_delta_log")
    if not fs.exists(log):
        return -1
    names = [status.getPath().getName() for status in fs.listStatus(log)]
    versions = [int(m.group(1)) for n in names if (m := _COMMIT.match(n) or _CHECKPOINT.match(n))]
    return max(versions, default=-1)


def exists(spark: SparkSession, path: str) -> bool:
    """Whether there is a file or a folder of that name."""
    fs, target = _file_system(spark, path)
    return bool(fs.exists(target))


def delete_folder(spark: SparkSession, path: str) -> None:
    """Delete a folder and all in it; nothing where it is not there."""
    fs, target = _file_system(spark, path)
    fs.delete(target, True)


def read_text(spark: SparkSession, path: str) -> str | None:
    """A small text file as text; None where it is not there."""
    fs, target = _file_system(spark, path)
    if not fs.exists(target):
        return None
    stream = fs.open(target)
    try:
        return str(spark._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))  # type: ignore[union-attr]
    finally:
        stream.close()


def commit(spark: SparkSession, table_path: str, version: int) -> list[dict[str, Any]]:
    """The entries of the log for ``version``; none where the log has it no more."""
    text = read_text(spark, f"{table_path}/_delta_log/{version:020d}.json")
    return [json.loads(line) for line in (text or "").splitlines()]


def commit_info(spark: SparkSession, table_path: str, version: int) -> dict[str, Any]:
    """What Delta says of the commit of ``version``: operation, metrics, ...; empty where the log has it no more."""
    for entry in commit(spark, table_path, version):
        if "commitInfo" in entry:
            return dict(entry["commitInfo"])
    return {}


def commit_note(spark: SparkSession, table_path: str, version: int) -> dict[str, Any]:
    """What our writer noted in the commit of ``version`` (its userMetadata); empty for others' commits."""
    try:
        note = json.loads(commit_info(spark, table_path, version).get("userMetadata") or "{}")
    except json.JSONDecodeError:
        return {}
    return note if isinstance(note, dict) else {}
