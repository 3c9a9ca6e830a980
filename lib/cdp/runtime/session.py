"""The only builder of Spark sessions."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.runtime.jars import DELTA, GRAPHFRAMES, resolve_jars
from cdp.runtime.jvm import archive_options
from cdp.runtime.loggers import quiet_python_loggers

# Needed for right results; nobody may switch these off.
REQUIRED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # An error's query context prints the failing value, which may be somebody's address.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # What is erased must leave the files: a deletion vector would only hide it, until REORG ... APPLY (PURGE).
    "spark.databricks.delta.delete.deletionVectors.persistent": "false",
}
# Good on a laptop; conf/ and spark-submit may change them.
DEFAULTS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.databricks.delta.snapshotPartitions": "1",  # a short log needs no second task; 50 is Delta's own default
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # No table lies in it, and Spark makes it all the same: not wherever somebody happens to stand.
    "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "cdp-spark-warehouse"),
}


def build_session(app_name: str, settings: Mapping[str, str], *, extra_jars: tuple[str, ...] = ()) -> SparkSession:
    """A session with Delta, in UTC, ANSI on.

    Under ``spark-submit`` the JVM is already up with the platform's own jars and settings: those stay as they
    are, and only what is needed for right results is set. :class:`ConfigError` when Delta is not on its class path.
    """
    quiet_python_loggers()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    is_submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    builder = SparkSession.builder.appName(app_name)
    merged = dict(REQUIRED) if is_submitted else {**DEFAULTS, **settings, **REQUIRED}
    if not is_submitted:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        merged["spark.jars"] = ",".join(resolve_jars(extra_jars))
        merged["spark.driver.extraJavaOptions"] = _java_options(merged.get("spark.driver.extraJavaOptions", ""))
    for key, value in merged.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel(merged.get("spark.log.level", "ERROR"))
    _require_delta(spark)
    return spark


def _java_options(options: str) -> str:
    """Add our log settings (not from a zip: they cannot be read there) and the class archive to the JVM's options."""
    log_settings = Path(__file__).with_name("log4j2.properties")
    if "log4j2.configurationFile" not in options and log_settings.exists():
        options += f" -Dlog4j2.configurationFile={log_settings.as_uri()}"
    if "ArchiveFile" not in options:
        options += f" {archive_options()}"
    return options.strip()


def _require_delta(spark: SparkSession) -> None:
    try:
        spark._jvm.java.lang.Class.forName("io.delta.sql.DeltaSparkSessionExtension", True, _loader(spark))  # type: ignore[union-attr]
    except Exception:
        raise ConfigError(
            f"Delta is not on Spark's class path: add `--packages {DELTA},{GRAPHFRAMES[0]}` to spark-submit"
        ) from None


def _loader(spark: SparkSession) -> object:
    return spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
