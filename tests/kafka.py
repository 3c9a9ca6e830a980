"""A Kafka broker (KRaft, one node) on loopback that a test starts and stops; its jars come through Spark's Ivy."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
from tests.ports import free_port

from cdp.core.errors import CdpError
from cdp.runtime.jars import require_java, resolve_packages

_BROKER = ("org.apache.kafka:kafka_2.13:4.1.0",)
_CLUSTER = "4L6g3nShT-eMCtK--X86sw"
#: What a session needs to read from Kafka and to write to it.
PACKAGES = (
    "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
    "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.2.0",
)
_SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/log
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
num.partitions=2
"""


def missing_broker() -> str | None:
    """Why no broker can be started here, None where one can; resolves its jars the first time."""
    try:
        resolve_packages(_BROKER)
    except CdpError as error:
        return str(error)
    return None


@contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """Start a broker whose log lies in the folder; gives its address, stops it at the end."""
    folder.mkdir(parents=True)
    port, controller = free_port(), free_port()
    settings = folder / "server.properties"
    settings.write_text(_SETTINGS.format(port=port, controller=controller, folder=folder))
    spark_jars = Path(pyspark.__file__).parent / "jars"
    shared = [str(p) for name in ("scala-library-2.13", "zstd-jni") for p in spark_jars.glob(f"{name}*.jar")]
    java = [
        require_java(),
        "-Xmx384m",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        ":".join([*resolve_packages(_BROKER), *shared]),
    ]
    with (folder / "out").open("w") as log:
        made = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)]
        subprocess.run(made, check=True, stdout=log, stderr=log, cwd=folder)
        server = subprocess.Popen([*java, "kafka.Kafka", str(settings)], stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(port, server)
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.1)
