"""Files of the spool and the journal that fills them: nothing acknowledged is lost, nothing else is left open."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ingest.collect.web_source import web_source

from cdp.ingest.collect.journal import Journal, NotKeptError, Rotation
from cdp.ingest.collect.spool import OpenFile, finish_open_files
from cdp.ingest.discover import discover_files

NOON = datetime(2026, 1, 4, 12, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def lines(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*.jsonl")))


def test_a_file_shows_itself_only_when_it_is_whole(tmp_path: Path) -> None:
    file = OpenFile(tmp_path / "web" / "2026-01-04", "web-1")
    file.append(b"a\n")
    assert names(tmp_path) == ["_web-1.jsonl"]
    file.append(b"b\n")
    file.seal()
    assert names(tmp_path) == ["web-1.jsonl"]
    assert lines(tmp_path) == b"a\nb\n"


def test_an_empty_file_goes_away_and_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    OpenFile(tmp_path, "web-1").seal()
    assert names(tmp_path) == []
    (tmp_path / "web-1.jsonl").write_text("somebody's\n")
    file = OpenFile(tmp_path, "web-1")
    file.append(b"ours\n")
    file.seal()
    assert names(tmp_path) == ["web-1-2.jsonl", "web-1.jsonl"]
    assert (tmp_path / "web-1.jsonl").read_text() == "somebody's\n"


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"a\nb\n", b"a\nb\n"),
        (b"a\nb\ntorn", b"a\nb\n"),
        (b"torn", b""),
        (b"", b""),
        (b"a\n" + b"x" * 200_000, b"a\n"),
        (b"a\n" + bytes(70_000), b"a\n"),
    ],
)
def test_what_a_killed_process_left_is_finished(tmp_path: Path, left: bytes, kept: bytes) -> None:
    folder = tmp_path / "web" / "2026-01-04"
    folder.mkdir(parents=True)
    (folder / "_web-1.jsonl").write_bytes(left)
    (folder / "web-0.jsonl").write_bytes(b"whole already, without a line end")
    finish_open_files(tmp_path)
    assert names(tmp_path) == (["web-0.jsonl", "web-1.jsonl"] if kept else ["web-0.jsonl"])
    assert (folder / "web-1.jsonl").read_bytes() == kept if kept else True


def run_journal(out: Path, clock: Clock, work: Callable[[Journal], Coroutine[Any, Any, None]], **rotation: Any) -> None:
    async def run() -> None:
        rules = Rotation(**{"max_bytes": 1 << 20, "max_age_seconds": 300.0, **rotation})
        journal = Journal(out, "web", rotation=rules, clock=clock)
        journal.start()
        try:
            await asyncio.wait_for(work(journal), 20)
        finally:
            await journal.close()

    asyncio.run(run())


def test_many_requests_share_few_syncs_and_all_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (syncs.append(handle), real(handle)))

    async def work(journal: Journal) -> None:
        await asyncio.gather(*(journal.append(b"%d\n" % n) for n in range(500)))
        assert lines(tmp_path) == b"".join(b"%d\n" % n for n in range(500)), "on disk when answered"

    run_journal(tmp_path, Clock(), work)
    assert 1 <= len(syncs) <= 3
    assert names(tmp_path) == ["web-20260104T120000.000000Z.jsonl"]


def test_files_are_cut_by_size_age_and_midnight_and_found_by_the_file_source(tmp_path: Path) -> None:
    clock = Clock()

    async def work(journal: Journal) -> None:
        await journal.append(b"x" * 99 + b"\n")
        clock.now += timedelta(seconds=1)
        await journal.append(b"large file\n")  # the first is complete: 100 bytes
        clock.now += timedelta(seconds=61)
        await journal.append(b"old file\n")
        clock.now = datetime(2026, 1, 4, 23, 59, 59, tzinfo=UTC)
        await journal.append(b"late\n")
        clock.now = datetime(2026, 1, 5, tzinfo=UTC)
        await journal.append(b"next day\n")

    run_journal(tmp_path, clock, work, max_bytes=100, max_age_seconds=60.0)
    found = discover_files(web_source(), str(tmp_path), date(2026, 1, 5))
    assert [(f.delivered_on.day, f.full_path.read_bytes()[-9:]) for f in found] == [
        (4, b"xxxxxxxx\n"), (4, b"rge file\n"), (4, b"old file\n"), (4, b"late\n"), (5, b"next day\n"),
    ]  # fmt: skip


def test_an_idle_file_is_completed_by_its_age(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 1, 4, 23, 59, 59, 950_000, tzinfo=UTC))

    async def work(journal: Journal) -> None:
        await journal.append(b"a\n")
        clock.now += timedelta(seconds=1)
        for _ in range(100):
            if not names(tmp_path)[0].startswith("_"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("still open")

    run_journal(tmp_path, clock, work)


def test_a_failed_write_is_told_and_leaves_no_torn_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, clock, tears = os.write, Clock(), [True]

    async def work(journal: Journal) -> None:
        await journal.append(b"good 1\n")
        with pytest.raises(NotKeptError, match="No space left"):
            await journal.append(b"bad torn\n")
        assert journal.has_failed_lately()
        clock.now += timedelta(seconds=1)
        await journal.append(b"good 2\n")

    def write(handle: int, data: memoryview) -> int:
        if bytes(data).startswith(b"bad"):
            return real(handle, data[:4])
        if tears and bytes(data).startswith(b"torn"):
            tears.clear()
            raise OSError(28, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr(os, "write", write)
    run_journal(tmp_path, clock, work)
    assert lines(tmp_path) == b"good 1\ngood 2\n"
    assert not [n for n in names(tmp_path) if n.startswith("_")]


def test_a_failed_sync_is_not_taken_for_success_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, clock, fails = os.fdatasync, Clock(), [True]

    def sync(handle: int) -> None:
        if fails.pop() if fails else False:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fdatasync", sync)

    async def work(journal: Journal) -> None:
        with pytest.raises(NotKeptError, match="Input/output error"):
            await journal.append(b"lost by the disk\n")
        clock.now += timedelta(seconds=1)
        await journal.append(b"kept\n")

    run_journal(tmp_path, clock, work)
    assert lines(tmp_path) == b"kept\n", "what was answered with an error is not in a file that was"


def test_a_folder_taken_away_under_us_is_noticed_and_made_again(tmp_path: Path) -> None:
    clock = Clock()

    async def work(journal: Journal) -> None:
        await journal.append(b"before\n")
        shutil.move(tmp_path / "web", tmp_path / "elsewhere")
        with pytest.raises(NotKeptError):
            await journal.append(b"into the void\n")
        clock.now += timedelta(seconds=1)
        await journal.append(b"after\n")

    run_journal(tmp_path, clock, work)
    assert lines(tmp_path / "web") == b"after\n"


def test_what_waits_for_a_slow_disk_is_bounded_and_a_stopping_journal_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdp.ingest.collect.journal.MAX_WAITING_BYTES", 10)

    async def work(journal: Journal) -> None:
        with pytest.raises(NotKeptError, match="too slow"):
            await asyncio.gather(journal.append(b"12345678\n"), journal.append(b"12345678\n"))
        await journal.close()
        with pytest.raises(NotKeptError, match="stopping"):
            await journal.append(b"late\n")

    run_journal(tmp_path, Clock(), work)
    assert lines(tmp_path) == b"12345678\n"
