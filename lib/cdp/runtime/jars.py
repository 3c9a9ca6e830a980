"""The Delta and GraphFrames jars: resolved once through Spark's own Ivy, then used from a folder.

The official GraphFrames artifact comes first; where a mirror does not carry it, Apache Sedona's shaded jar holds
the same classes at the same level. What was found is remembered, so later starts ask nobody.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyspark

from cdp.core.errors import ConfigError, TransientError

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
GRAPHFRAMES = (
    "io.graphframes:graphframes-spark4_2.13:0.9.2",
    "org.apache.sedona:sedona-spark-shaded-4.0_2.13:1.8.0",
)
# What a lake on an object store needs besides, by the scheme of its address. hadoop-aws asks for the whole AWS SDK
# (686 MB); these parts of it are all that it uses (15 MB).
FILE_SYSTEMS = {
    "s3a": (
        "org.apache.hadoop:hadoop-aws:3.5.0",
        "software.amazon.awssdk:s3:2.35.4",
        "software.amazon.awssdk:s3-transfer-manager:2.35.4",
        "software.amazon.awssdk:sts:2.35.4",
        "software.amazon.awssdk:apache-client:2.35.4",
        "software.amazon.awssdk:url-connection-client:2.35.4",
        "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
    )
}
# Spark has these itself; without the excludes they would stand on the class path twice.
EXCLUDES = (
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.parquet:parquet-hadoop",
    "org.apache.parquet:parquet-column",
    "org.scala-lang:scala-library",
    "com.github.luben:zstd-jni",
    "org.apache.logging.log4j:log4j-core",
    "software.amazon.awssdk:bundle",
)
_log = logging.getLogger("cdp.jars")


def cache_folder() -> Path:
    """Where resolved jars are kept: ``$CDP_CACHE``, else the user's cache folder."""
    base = os.environ.get("CDP_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cdp"
    return Path(base)


def file_system_jars(address: str) -> tuple[str, ...]:
    """Maven coordinates that a lake or deliveries at this address need besides Delta; none for a folder."""
    return FILE_SYSTEMS.get(address.partition("://")[0], ())


def require_java() -> str:
    """The ``java`` to use; :class:`ConfigError` in one sentence when there is none of version 17 or later."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not Path(java).exists():
        raise ConfigError("Java is missing: install a Java 17 runtime (e.g. the package openjdk-17-jre-headless)")
    out = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    try:
        major = int(out.split('"')[1].split(".")[0])
    except (IndexError, ValueError):
        major = 0
    if major < 17:
        raise ConfigError(
            f"Java {major or '?'} at {java} is too old: install a Java 17 runtime and set JAVA_HOME to it"
        )
    return java


def resolve_jars(extra: tuple[str, ...] = ()) -> list[str]:
    """Paths of the jars that a session needs; resolved over the network the first time only.

    ``extra`` are further Maven coordinates (a file system, a Kafka client). :class:`TransientError` when the
    repository cannot be reached, with what to check.
    """
    require_java()
    failures: list[str] = []
    for graphframes in GRAPHFRAMES:
        found = _found((DELTA, graphframes, *extra), failures)
        if found is not None:
            return found
    raise _unresolved("the Delta and GraphFrames jars", failures)


def resolve_packages(coordinates: tuple[str, ...]) -> list[str]:
    """Paths of the jars of some packages by themselves, as :func:`resolve_jars` finds them."""
    failures: list[str] = []
    found = _found(coordinates, failures)
    if found is None:
        raise _unresolved(", ".join(coordinates), failures)
    return found


def _unresolved(what: str, failures: list[str]) -> TransientError:
    return TransientError(
        f"{what} could not be resolved: check the network or set DEFAULT_ARTIFACT_REPOSITORY to your mirror, delete "
        f"{cache_folder()} if it is half filled, and run again. "
        f"Ivy said: {'; '.join(failures) or 'refused before (see the folder)'}"
    )


def _found(coordinates: tuple[str, ...], failures: list[str]) -> list[str] | None:
    folder = cache_folder() / ("jars-" + hashlib.sha256("|".join(coordinates).encode()).hexdigest()[:12])
    found = _remembered(folder)
    if found is None and not (folder / "refused").exists():
        found = _resolve(coordinates, folder, failures)
    return found


def _remembered(folder: Path) -> list[str] | None:
    try:
        names = json.loads((folder / "jars.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):  # or a start that was killed while it wrote
        return None
    paths = [str(folder / "ivy" / "jars" / name) for name in names]
    return paths if all(Path(p).exists() for p in paths) else None


def _resolve(coordinates: tuple[str, ...], folder: Path, failures: list[str]) -> list[str] | None:
    _log.warning("resolving %s (once)", ", ".join(coordinates))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "nothing.py"
        script.write_text("")
        command = [
            str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
            *("--master", "local[1]", "--packages", ",".join(coordinates), "--exclude-packages", ",".join(EXCLUDES)),
            *("--conf", f"spark.jars.ivy={folder / 'ivy'}"),
            *_ivy_settings(),
            str(script),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        )
    if done.returncode != 0:
        reason = _reason(done.stderr)
        failures.append(reason)
        if "not found" in reason:  # an answer, not a time-out: ask again only when the folder is deleted
            (folder / "refused").write_text(reason)
            _log.warning("%s; trying the next artifact", reason)
        return None
    names = sorted(p.name for p in (folder / "ivy" / "jars").glob("*.jar"))
    (folder / "jars.json").write_text(json.dumps(names))
    return _remembered(folder)


def _ivy_settings() -> list[str]:
    settings = os.environ.get("CDP_IVY_SETTINGS")
    return ["--conf", f"spark.jars.ivySettings={settings}"] if settings else []


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines()]
    for line in lines:
        if (start := line.find("unresolved dependency")) >= 0:
            return line[start:].strip(": ]")
    return next((line for line in reversed(lines) if line), "no message")
