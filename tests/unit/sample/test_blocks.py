"""Blocks of any size can be written, and what a block holds does not depend on the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdp.sample.blocks import Block, write_block
from cdp.sample.calendar import HISTORY_END_MS, Calendar, stream
from cdp.sample.contacts import numbered
from cdp.sample.demographics import monthly


@pytest.mark.parametrize(("customers", "weeks", "nights"), [(1, 1, 1), (3, 104, 1), (40, 2, 5)])
def test_small_companies(tmp_path: Path, customers: int, weeks: int, nights: int) -> None:
    calendar = Calendar(weeks=weeks, nights=nights)
    counts = write_block(Block(0, 0, customers), calendar=calendar, seed=-3, out=str(tmp_path))
    persons = pd.read_parquet(tmp_path / "truth" / "persons" / "part-00000.parquet")
    assert len(persons) == customers
    assert (persons["entered_at"] >= pd.Timestamp(calendar.start_ms, unit="ms", tz="UTC")).all()
    folders = {folder for _, folder, _, _ in counts}
    assert folders <= {calendar.folder(n) for n in range(nights)}


def test_blocks_share_no_identifier_but_the_global_traps(tmp_path: Path) -> None:
    calendar = Calendar(weeks=26, nights=2)
    for number in (0, 1):
        write_block(Block(number, number * 300, 300), calendar=calendar, seed=5, out=str(tmp_path))
    a, b = (pd.read_parquet(tmp_path / "truth" / "identifiers" / f"part-0000{number}.parquet") for number in (0, 1))
    shared = set(zip(a["identifier_type"], a["value"], strict=True)) & set(
        zip(b["identifier_type"], b["value"], strict=True)
    )
    assert {kind for kind, _ in shared} <= {"email", "anonymous_id"}
    assert all(value.startswith(("kiosk-", "test", "noreply", "info@", "sales@", "office@")) for _, value in shared)
    assert shared


def test_streams_are_keyed_by_seed_block_and_topic() -> None:
    def first(seed: int, block: int, topic: str) -> float:
        return float(stream(seed, block, topic).random())

    assert first(1, 0, "web") == first(1, 0, "web")
    assert len({first(1, 0, "web"), first(2, 0, "web"), first(1, 5000, "web"), first(1, 0, "crm")}) == 4


def test_numbers_are_unlike_for_all_customers() -> None:
    numbers = numbered(np.arange(1_000_000), 2**62)
    assert len(np.unique(numbers)) == 1_000_000
    assert numbers.min() >= 0
    assert numbers.max() < 100_000_000


def test_nights_and_vintages() -> None:
    calendar = Calendar(weeks=104, nights=40)
    times = np.array([HISTORY_END_MS - 1, HISTORY_END_MS, HISTORY_END_MS + 40 * 86_400_000])
    assert calendar.night_of(times).tolist() == [0, 1, 40]
    assert calendar.folder(1) == "2026-01-06"
    assert [calendar.folder(int(n)) for n in calendar.night_of(np.array(monthly(calendar)))] == [
        "2026-01-05", "2026-01-05", "2026-02-02",
    ]  # fmt: skip
