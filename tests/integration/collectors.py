"""`cdp collect` as a process of its own, and a plain client for it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port

KEY, SLOW_KEY = "key-of-web-01", "key-of-app-01"
SECRET = "a secret of the shop"
CALLS = ["identify", "track", "page", "screen", "group", "alias"]
CONF = f"""
write_keys:
- {{key: {KEY}, source: web}}
- {{key: {SLOW_KEY}, source: app, messages_per_second: 2}}
webhooks:
- {{name: shop, source: shopify, kind: shopify, secret: {{env: TEST_SHOP_SECRET}}}}
- {{name: crm, source: crm, kind: hmac_sha256_hex, secret: {{env: TEST_SHOP_SECRET}}}}
"""


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers with lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RunningCollector:
    """One collector below a folder; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.out, self.port = folder / "out", free_port()
        self._folder = folder
        (folder / "collect.yaml").write_text(CONF)
        # A collector has no use for Spark: its start would fail here if it asked for it.
        (folder / "barred" / "pyspark").mkdir(parents=True)
        (folder / "barred" / "pyspark" / "__init__.py").write_text("raise ImportError('cdp collect imports pyspark')\n")
        self.start()

    def command(self) -> list[str]:
        """How it is started."""
        conf = str(self._folder / "collect.yaml")
        verb = ["collect", "--conf", conf, "--out", str(self.out), "--port", str(self.port)]
        return [sys.executable, "-m", "cdp.cli", *verb]

    def environment(self) -> dict[str, str]:
        """Without Spark, with the secret."""
        paths = [str(self._folder / "barred"), os.environ.get("PYTHONPATH", "")]
        return {**os.environ, "TEST_SHOP_SECRET": SECRET, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            self.command(), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.request("GET", "/health").status == 200:
                    return
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.process.communicate()[0]
                time.sleep(0.05)
        raise AssertionError("the collector does not answer")

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End it by a signal; gives what it printed."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own; bodies that are no bytes are sent as JSON; `a_b` is header a-b."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any, *, key: str = KEY, **headers: str) -> Reply:
        """A POST with a write key as SDKs send it."""
        return self.request("POST", path, body, authorization=basic(key), **headers)

    def lines(self, source: str = "web", *, with_open: bool = False) -> list[bytes]:
        """The lines of all complete files of a source, in the order of the files (with those of the open one)."""
        files = sorted((self.out / source).rglob("*.jsonl"), key=lambda f: f.name.lstrip("_"))
        return [
            line
            for file in files
            if with_open or not file.name.startswith("_")
            for line in file.read_bytes().splitlines(keepends=True)
        ]

    def open_files(self) -> list[Path]:
        """What is not complete."""
        return sorted(self.out.rglob("_*"))


def basic(key: str) -> str:
    """The header of Segment's SDKs: the key as name, no password."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()
