"""The durable writer of one source: many requests share one fsync, and each is answered after it.

Group commit: while one write is on its way to the disk, further requests wait together for the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cdp.ingest.collect.spool import OpenFile, finish_open_files

Clock = Callable[[], datetime]
#: What may wait for a slow disk; beyond it a request is refused at once instead of filling the memory.
MAX_WAITING_BYTES = 64 << 20
#: How long a failure makes the collector unhealthy: a balancer that stays away would never see it recover.
_LATELY_SECONDS = 10.0
_LOG = logging.getLogger(__name__)


class NotKeptError(Exception):
    """The lines are not on disk (or it is not known whether they are): the sender must send them again."""


@dataclass(frozen=True)
class Rotation:
    """When a file is complete: at a size, at an age, and in any case at midnight UTC."""

    max_bytes: int
    max_age_seconds: float


class Journal:
    """Files of one source below `<out>/<source>/<date of arrival>/`, written by one thread."""

    def __init__(self, out: Path, source: str, *, rotation: Rotation, clock: Clock) -> None:
        self._folder = out / source
        self._source = source
        self._rotation = rotation
        self._clock = clock
        self._file: OpenFile | None = None
        self._due_at = clock()
        self._has_leftovers = False
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._is_closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"journal-{source}")
        self._task: asyncio.Task[None] | None = None
        self._failed_at = float("-inf")

    async def append(self, lines: bytes) -> None:
        """Keep whole lines; returns when they are on disk. NotKeptError where they could not be kept."""
        if self._is_closing:
            raise NotKeptError(f"source {self._source}: the collector is stopping")
        if self._waiting_bytes + len(lines) > MAX_WAITING_BYTES:
            raise NotKeptError(f"source {self._source}: the disk is too slow for what arrives")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, kept))
        self._waiting_bytes += len(lines)
        self._wake.set()
        await kept

    def has_failed_lately(self) -> bool:
        """Whether lines could not be kept within the last seconds."""
        return time.monotonic() - self._failed_at < _LATELY_SECONDS

    def start(self) -> None:
        """Begin to commit; call it in the running loop."""
        self._task = asyncio.create_task(self._commit_forever())

    async def close(self) -> None:
        """Commit what waits and complete the open file."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _commit_forever(self) -> None:
        while not (self._is_closing and not self._waiting):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._seconds_to_rotation())
            self._wake.clear()
            await self._commit()
        with suppress(NotKeptError):
            await self._in_thread(self._seal)

    def _seconds_to_rotation(self) -> float | None:
        return None if self._file is None else max(0.0, (self._due_at - self._clock()).total_seconds())

    async def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        self._waiting_bytes = 0
        lines = b"".join(part for part, _ in batch)
        failure: NotKeptError | None = None
        try:
            await self._in_thread(lambda: self._write(lines))
        except NotKeptError as error:
            failure = error
        for _, kept in batch:
            if kept.cancelled():
                continue
            if failure is None:
                kept.set_result(None)
            else:
                kept.set_exception(failure)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:  # whatever it was: the loop must go on, and its requests must be answered
            if not self.has_failed_lately():  # one line for a full disk, not one for every request
                is_bug = not isinstance(error, OSError)
                _LOG.error("source %s: nothing is kept: %s", self._source, error, exc_info=is_bug)
            self._failed_at = time.monotonic()
            raise NotKeptError(f"source {self._source}: {getattr(error, 'strerror', None) or error}") from error

    def _write(self, lines: bytes) -> None:
        """Commit lines; runs in the journal's own thread, as all below does."""
        if self._file is not None and (
            self._clock() >= self._due_at or self._file.size_bytes >= self._rotation.max_bytes
        ):
            self._seal()
        if not lines:
            return
        file = self._file or self._open()
        try:
            file.append(lines)
        except Exception:
            # What is in the file behind the last acknowledged line is unknown now: cut it, begin another file.
            with suppress(OSError):
                self._seal()
            raise

    def _open(self) -> OpenFile:
        if self._has_leftovers:
            with suppress(OSError):
                finish_open_files(self._folder)
                self._has_leftovers = False
        now = self._clock()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self._due_at = min(midnight, now + timedelta(seconds=self._rotation.max_age_seconds))
        try:
            self._file = OpenFile(self._folder / f"{now:%Y-%m-%d}", f"{self._source}-{now:%Y%m%dT%H%M%S.%fZ}")
        except OSError:
            self._has_leftovers = True
            raise
        return self._file

    def _seal(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.seal()
            except OSError:
                self._has_leftovers = True
                raise
