"""Class-data archive: the JVM's classes as it needs them, dumped once, so that later starts are shorter.

Java maps the archive instead of reading, checking and linking some 20,000 classes again. An archive that does not fit
(another Java, other jars) is ignored by the JVM: slower, never wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cdp.runtime.jvm import WRITE_ARCHIVE_TO, class_archive


def make_class_archive() -> Path | None:
    """Run a first session over a tiny table in a process of its own and keep its classes; None if that failed."""
    archive = class_archive()
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "classes.jsa"
        subprocess.run(
            [sys.executable, "-m", "cdp.runtime.warmup", scratch],
            env={**os.environ, WRITE_ARCHIVE_TO: str(fresh)},
            capture_output=True,
            check=False,
        )
        if not fresh.exists():
            return None
        archive.parent.mkdir(parents=True, exist_ok=True)
        moved = archive.with_suffix(f".{os.getpid()}")
        moved.write_bytes(fresh.read_bytes())
        moved.replace(archive)
    return archive


def exercise(folder: str) -> None:
    """Write, merge, join and read a tiny table: what every night does first."""
    from pyspark.sql import functions as F

    from cdp.contracts.ops.deliveries import DELIVERIES
    from cdp.runtime.session import build_session
    from cdp.tables.store import Lake

    spark = build_session("cdp warm-up", {"spark.master": "local[2]", "spark.ui.enabled": "false"})
    lake = Lake(spark, f"{folder}/lake")
    for number in range(2):
        row = (f"d{number}", "a", "b", None, None, "csv", 1, 1, 0, 0, "x", "delivered", None)
        frame = spark.createDataFrame([row], DELIVERIES.schema).selectExpr(
            "* EXCEPT (run_date)", "DATE'2026-01-05' AS run_date"
        )
        lake.write(DELIVERIES, frame)
    members = lake.read(DELIVERIES).groupBy("audience").agg(F.sum("n_members").alias("n"))
    members.join(lake.read(DELIVERIES), on="audience", how="left").orderBy("delivery_id").toPandas()
    spark.stop()


if __name__ == "__main__":
    exercise(sys.argv[1])
