"""Deliveries on an object store or another Hadoop file system: the new files, fetched to where all can read them.

Found and copied by Spark's own file system client (`s3a://`, `hdfs://`, ...), so names and globs are the store's. What
is read after that is a plain file, whatever its format; on a cluster the setting `state` must be a folder that the
executors see too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from cdp.ingest.discover import as_delivery_date, is_ready
from cdp.ingest.new_files import KnownFile
from cdp.ingest.spec import SourceSpec

#: Copies are bound by the network, not by cores.
_COPIES = 8


def is_remote(address: str) -> bool:
    """Whether deliveries lie behind a file system of their own."""
    return "://" in address


def fetch_deliveries(
    spark: SparkSession,
    root: str,
    sources: Mapping[str, SourceSpec],
    *,
    run_date: date,
    known: Iterable[KnownFile],
    into: str,
) -> None:
    """Copy the files of all deliveries up to the run date that the ledger does not have, to the same paths in `into`.

    The folder is made anew: it holds what is fetched and an empty folder for every source that is there. A file of the
    ledger comes again when its size or its time says that it changed.
    """
    shutil.rmtree(into, ignore_errors=True)
    jvm: Any = spark._jvm
    base = jvm.org.apache.hadoop.fs.Path(root)
    store = base.getFileSystem(spark._jsc.hadoopConfiguration())
    seen = {(k.source, k.path, k.size_bytes): k.landed_at for k in known}

    def fetch(found: tuple[SourceSpec, str, Any]) -> None:
        spec, path, status = found
        changed_at = status.getModificationTime() / 1000
        if changed_at > seen.get((spec.name, path, status.getLen()), -1.0):
            target = Path(into) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            store.copyToLocalFile(False, status.getPath(), jvm.org.apache.hadoop.fs.Path(f"file://{target}"), True)
            os.utime(target, (changed_at, changed_at))

    with ThreadPoolExecutor(max_workers=_COPIES) as pool:
        for spec in sources.values():
            folder = jvm.org.apache.hadoop.fs.Path(base, spec.location)
            if store.exists(folder):
                (Path(into) / spec.location).mkdir(parents=True)
                list(pool.map(fetch, [(spec, *f) for f in _files(jvm, store, folder, spec, run_date)]))


def _files(jvm: Any, store: Any, folder: Any, spec: SourceSpec, run_date: date) -> list[tuple[str, Any]]:
    """(path below the root, status) of the files of a source's deliveries up to the run date."""
    found = []
    for delivery in store.listStatus(folder):
        name = delivery.getPath().getName()
        delivered_on = as_delivery_date(name)
        if delivered_on is None or delivered_on > run_date:
            continue
        for status in store.globStatus(jvm.org.apache.hadoop.fs.Path(delivery.getPath(), spec.files)) or ():
            if status.isFile() and is_ready(status.getPath().getName()):
                below = str(status.getPath()).removeprefix(str(delivery.getPath())).lstrip("/")
                found.append((f"{spec.location}/{name}/{below}", status))
    return found
