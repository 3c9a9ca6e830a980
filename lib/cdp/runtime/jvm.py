"""JVM options of a session: the class-data archive that shortens its start, where there is one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pyspark

from cdp.runtime.jars import cache_folder

WRITE_ARCHIVE_TO = "CDP_WRITE_CLASS_ARCHIVE"


def class_archive() -> Path:
    """Where the archive lies (or would); each installation has its own, since an archive fits one class path only."""
    place = hashlib.sha256(pyspark.__file__.encode()).hexdigest()[:12]
    return cache_folder() / f"classes-{place}.jsa"


def archive_options() -> str:
    """The JVM options of a session: dump the archive at exit when asked to, else use it where it is there."""
    target = os.environ.get(WRITE_ARCHIVE_TO)
    quiet = "-Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off"
    if target:
        return f"-XX:ArchiveClassesAtExit={target} {quiet}"
    return f"-XX:SharedArchiveFile={class_archive()} -Xshare:auto {quiet}" if class_archive().exists() else ""
