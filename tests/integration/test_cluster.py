"""A night on a real standalone cluster, by spark-submit: the tables equal the local run's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest
from tests.integration.conftest import NIGHTS, ROOT
from tests.integration.lakes import differences
from tests.ports import free_port

from cdp.runtime.jars import resolve_jars

SPARK = Path(pyspark.__file__).parent
#: As in conf/env/ci.yaml: on some thousand rows the second compiler costs more than it gives.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"


def _wait_for(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nothing listens on port {port}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The URL of a standalone master with two workers of one core each, on loopback."""
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "PYSPARK_PYTHON": sys.executable}
    port, ui = free_port(), free_port()
    spark_class = str(SPARK / "bin" / "spark-class")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
    master = [
        spark_class,
        "org.apache.spark.deploy.master.Master",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--webui-port",
        str(ui),
    ]
    processes = [subprocess.Popen(master, **quiet)]  # type: ignore[call-overload]
    try:
        _wait_for(port)
        url = f"spark://127.0.0.1:{port}"
        for number in range(2):
            worker = [
                spark_class,
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                "127.0.0.1",
                "--cores",
                "1",
                "--memory",
                "1g",
            ]
            worker += ["--webui-port", str(free_port()), "--work-dir", str(tmp_path / f"worker{number}"), url]
            processes.append(subprocess.Popen(worker, **quiet))  # type: ignore[call-overload]
        yield url
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_night_on_a_cluster_equals_the_local_one(
    company: Path, first_night: Path, wheel: Path, cluster: str, tmp_path: Path
) -> None:
    remote = tmp_path / "remote"
    settings = {
        "spark.executor.memory": "700m",
        "spark.driver.memory": "1500m",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.log.level": "ERROR",
        "spark.driver.extraJavaOptions": _JAVA_OPTIONS,
        "spark.executor.extraJavaOptions": _JAVA_OPTIONS,
    }
    submit = [str(SPARK / "bin" / "spark-submit"), "--master", cluster, "--py-files", str(wheel)]
    submit += ["--jars", ",".join(resolve_jars())]
    for key, value in settings.items():
        submit += ["--conf", f"{key}={value}"]
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": ""}
    place = ["--run-date", NIGHTS[0], "--home", str(remote), "--input", str(company)]
    # One job by itself first, then the night: it goes on where that job ended.
    for program in (ROOT / "jobs" / "ingest" / "land_files.py", ROOT / "deploy" / "submit_night.py"):
        ran = subprocess.run([*submit, str(program), *place], capture_output=True, text=True, check=False, env=env)
        assert ran.returncode in (0, 6), f"{program}: {ran.stdout[-2000:]} {ran.stderr[-4000:]}"
    assert differences(first_night / "lake", remote / "lake") == []
