"""Deliveries behind a file system of their own: only new files are fetched, to the same paths."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from cdp.ingest.new_files import KnownFile
from cdp.ingest.spec import SourceSpec
from cdp.runtime.incoming import fetch_deliveries

SOURCE = SourceSpec.model_validate(
    {
        "name": "web",
        "owner": "o",
        "description": "d",
        "party": "first",
        "format": "jsonl",
        "location": "shop/web",
        "files": "*.jsonl*",
        "mapping": "web",
        "sample": {"raw": "{}", "expect": {}},
    }
)


def test_new_files_of_deliveries_are_fetched_with_their_times(spark: SparkSession, tmp_path: Path) -> None:
    store, into = tmp_path / "store", tmp_path / "into"
    for path in ("2026-01-04/old.jsonl", "2026-01-05/a b.jsonl.gz", "2026-01-05/_part.jsonl", "2026-01-05/x.csv",
                 "2026-01-06/b.jsonl", "notes/c.jsonl"):  # fmt: skip
        file = store / "shop/web" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode())
    (into / "left/over").mkdir(parents=True)
    known = [KnownFile("web", "shop/web/2026-01-04/old.jsonl", "f", "h", 20, "accepted", 4e9)]
    other = SOURCE.model_copy(update={"name": "gone", "location": "gone"})
    sources = {"web": SOURCE, "gone": other}
    fetch_deliveries(spark, store.as_uri(), sources, run_date=date(2026, 1, 5), known=known, into=str(into))
    fetched = [file for file in into.rglob("*") if file.is_file()]
    assert [file.relative_to(into).as_posix() for file in fetched] == ["shop/web/2026-01-05/a b.jsonl.gz"]
    assert fetched[0].read_bytes() == b"2026-01-05/a b.jsonl.gz"
    there = (store / "shop/web/2026-01-05/a b.jsonl.gz").stat().st_mtime
    assert abs(fetched[0].stat().st_mtime - there) < 0.002
    assert not (into / "gone").exists() and not (into / "left").exists()
