"""Segment's own SDKs against the collector on loopback: every message arrives once, byte for byte."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import segment.analytics.request
from segment.analytics import Client
from tests.integration.collectors import CALLS, KEY, RunningCollector
from tests.integration.conftest import skip_or_fail

from cdp.ingest.collect.lines import original_message

NODE_SDK = "@segment/analytics-node@3.1.0"


def check_arrivals(collector: RunningCollector, bodies: list[bytes]) -> list[dict[str, Any]]:
    """Every message of the batches is in the files once, byte for byte; gives the lines as JSON."""
    assert collector.process.wait(timeout=30) == 0
    lines = collector.lines()
    sent = [message for body in bodies for message in json.loads(body)["batch"]]
    assert all(any(original_message(line) in body for body in bodies) for line in lines)
    read = [json.loads(line) for line in lines]
    by_id = {line["messageId"]: line for line in read}
    assert len(read) == len(by_id) == len(sent)
    for message in sent:
        arrived = by_id[message["messageId"]]
        assert {name: arrived[name] for name in message} == message
        assert datetime.fromisoformat(arrived["receivedAt"]).tzinfo is not None
        assert set(arrived) - set(message) <= {"sentAt", "receivedAt", "collector"}
    return [by_id[m["messageId"]] for m in sent]


@pytest.mark.parametrize("packed", [False, True])
def test_the_python_sdk(collector: RunningCollector, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    session, bodies = segment.analytics.request._session, []
    real = session.post

    def recording(url: str, *, data: Any, **options: Any) -> Any:
        bodies.append(gzip.decompress(data) if packed else data.encode())
        return real(url, data=data, **options)

    monkeypatch.setattr(session, "post", recording)
    failures: list[Any] = []
    client = Client(
        KEY,
        host=f"http://127.0.0.1:{collector.port}",
        gzip=packed,
        on_error=lambda *e: failures.append(e),
        upload_size=4,
    )
    client.identify("u1", {"email": "a@b.example", "logins": 5, "ratio": 0.1})
    when = datetime(2026, 1, 4, 10, tzinfo=UTC)
    client.track("u1", "Order Completed", {"order_id": "W-1", "total": 39.8, "note": "Größe 😀\n"}, timestamp=when)
    client.page("u1", "Shop", "Home", {"url": "https://shop.example/"})
    client.screen("u1", "Shop", "Cart")
    client.group("u1", "g1", {"name": "Initech"})
    client.alias("a1", "u1")
    client.shutdown()
    collector.stop()
    assert failures == []
    arrived = check_arrivals(collector, bodies)
    assert [line["type"] for line in arrived] == CALLS
    assert arrived[1]["properties"] == {"order_id": "W-1", "total": 39.8, "note": "Größe 😀\n"}
    assert arrived[0]["sentAt"] == json.loads(bodies[0])["sentAt"]


@pytest.fixture(scope="session")
def node_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Segment's Node SDK."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip_or_fail("node and npm are not installed: Segment's Node SDK is not tried")
    folder = tmp_path_factory.mktemp("node")
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), NODE_SDK]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        skip_or_fail(f"npm cannot install {NODE_SDK}: {done.stderr[-300:]}")
    return folder


def test_the_node_sdk(collector: RunningCollector, node_sdk: Path) -> None:
    script = Path(__file__).with_name("segment_calls.mjs")
    command = ["node", str(script), str(node_sdk), f"http://127.0.0.1:{collector.port}", KEY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    collector.stop()
    arrived = check_arrivals(collector, [base64.b64decode(line) for line in done.stdout.split()])
    assert [line["type"] for line in arrived] == CALLS
    assert arrived[1]["context"]["page"] == {"title": 'Größe "M" ✓'}
    assert arrived[3]["properties"] == {"näme": "\u2028\U0001f600\\ \n\t"}
