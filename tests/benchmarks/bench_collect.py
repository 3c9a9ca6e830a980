"""How many events `cdp collect` acknowledges with fsync, and how fast, on loopback: one JSON line each.

``python tests/benchmarks/bench_collect.py --out DIR``. Lines (``what``): fsync (the disk alone), bare (the same server
and client, each request answered without being looked at or kept: what HTTP itself costs here), collect_single and
collect_batch, with the ratio to it. The client takes CPU of the same machine. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.measure import describe_machine
from tests.http_load import Answered, post, send_all
from tests.ports import free_port

KEY = "bench-key-0001"
_AUTH = f"Authorization: Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}\r\n"
_BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"): pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off", log_level="error")
"""


def main() -> None:
    """Measure the disk, HTTP alone, single events and batches."""
    parser = argparse.ArgumentParser(description="Acknowledged events per second, one JSON line each.")
    parser.add_argument("--out", metavar="DIR", help="a folder on the disk to measure (default: the temporary folder)")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--events", type=int, default=40_000, help="single events; five times as many in batches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cdp-bench-", dir=options.out) as scratch:
        folder = Path(scratch)
        emit({"what": "fsync", "p50_ms": fsync_ms(folder), **describe_machine()})
        singles = [post("/v1/track", event(n), _AUTH) for n in range(options.events)]
        with bare_server() as port:
            bare = timed("bare", send(port, singles, options.connections), 1)
        emit(bare)
        with collector(folder) as port:
            emit(compared(timed("collect_single", send(port, singles, options.connections), 1), bare))
        size = 100
        batches = [post("/v1/batch", batch(n, size), _AUTH) for n in range(options.events * 5 // size)]
        with collector(folder) as port:
            emit(compared(timed("collect_batch", send(port, batches, 4), size), bare))


def event(number: int) -> bytes:
    """An order of some 700 bytes, as a web shop sends it."""
    address = "https://shop.example/checkout"
    product = {"product_id": f"P-{number % 97}", "name": "Pillow", "category": "bed", "price": 19.9, "quantity": 2}
    message = {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "anonymousId": f"a-{number % 5000}",
        "userId": f"U{number % 3000:06d}",
        "timestamp": "2026-01-04T10:00:00.000Z",
        "sentAt": "2026-01-04T10:00:00.500Z",
        "context": {
            "library": {"name": "bench", "version": "1"},
            "locale": "en-GB",
            "page": {"path": "/checkout/done", "referrer": address, "url": f"{address}/done"},
        },
        "properties": {"order_id": f"W-{number}", "currency": "EUR", "revenue": 39.8, "products": [product]},
    }
    return json.dumps(message).encode()


def batch(number: int, size: int) -> bytes:
    """A batch of different events."""
    events = b",".join(event(number * size + n) for n in range(size))
    return b'{"batch":[' + events + b'],"sentAt":"2026-01-04T10:00:00.500Z"}'


def send(port: int, requests: list[bytes], connections: int) -> tuple[float, list[Answered]]:
    """A short warm-up, then everything; gives the wall seconds and the answers."""
    send_all(port, requests[:: max(1, len(requests) // 200)], connections=connections)
    started = time.perf_counter()
    answers = send_all(port, requests, connections=connections)
    return time.perf_counter() - started, answers


def timed(what: str, run: tuple[float, list[Answered]], size: int) -> dict[str, Any]:
    """The line of one run; only answers with 200 count."""
    seconds, answers = run
    good = sorted(a.seconds for a in answers if a.status == 200)
    return {
        "what": what,
        "events": len(good) * size,
        "not_200": len(answers) - len(good),
        "seconds": round(seconds, 2),
        "events_per_second": round(len(good) * size / seconds),
        "p50_ms": round(1000 * statistics.median(good), 1),
        "p99_ms": round(1000 * good[int(len(good) * 0.99)], 1),
        "max_ms": round(1000 * good[-1], 1),
    }


def compared(line: dict[str, Any], bare: dict[str, Any]) -> dict[str, Any]:
    """The line with its ratio to HTTP alone."""
    return {**line, "ratio_to_bare": round(line["events_per_second"] / bare["events_per_second"], 2)}


def fsync_ms(folder: Path) -> float:
    """The median of an append and fdatasync on this disk."""
    handle = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    taken = []
    for _ in range(100):
        started = time.perf_counter()
        os.write(handle, b"x" * 700)
        os.fdatasync(handle)
        taken.append(time.perf_counter() - started)
    os.close(handle)
    return round(1000 * statistics.median(taken), 2)


@contextmanager
def collector(folder: Path) -> Iterator[int]:
    """A collector of its own process; gives its port."""
    conf = folder / "collect.yaml"
    conf.write_text(f"write_keys: [{{key: {KEY}, source: web}}]\n")
    port = free_port()
    command = ["-m", "cdp.cli", "collect", "--conf", str(conf), "--out", str(folder / "out"), "--port", str(port)]
    with _server(command, port):
        yield port


@contextmanager
def bare_server() -> Iterator[int]:
    """The server without a collector."""
    port = free_port()
    with _server(["-c", _BARE, str(port)], port):
        yield port


@contextmanager
def _server(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            time.sleep(0.1)
            try:
                send_all(port, [post("/", b"")], connections=1)
                break
            except ConnectionRefusedError:
                continue
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def emit(line: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
