"""A light HTTP client for load: keep-alive connections, one request after the other on each, no parsing of bodies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answered:
    """One answer: to which request (its number in the order given), its status, and how long it took."""

    number: int
    status: int
    seconds: float


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """The bytes of a POST request; `headers` are whole lines with their line ends."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def send_all(port: int, requests: Iterable[bytes], *, connections: int) -> list[Answered]:
    """Send everything over so many connections; gives what was answered, also when the server dies on the way."""
    return asyncio.run(_send_all(port, enumerate(requests), connections))


async def _send_all(port: int, requests: Iterator[tuple[int, bytes]], connections: int) -> list[Answered]:
    loop = asyncio.get_running_loop()
    answers: list[Answered] = []
    senders = [
        (await loop.create_connection(lambda: _Sender(requests, answers), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.done for sender in senders))
    return answers


class _Sender(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is there."""

    def __init__(self, requests: Iterator[tuple[int, bytes]], answers: list[Answered]) -> None:
        self._requests, self._answers = requests, answers
        self._received = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            seconds = time.perf_counter() - self._sent_at
            self._answers.append(Answered(self._number, int(head[9:12]), seconds))
            self._received = b""
            self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            return
        self._number, request = following
        self._sent_at = time.perf_counter()
        self._transport.write(request)
