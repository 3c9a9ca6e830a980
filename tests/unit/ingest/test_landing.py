"""What arrives is found, checked, read once and never twice."""

from __future__ import annotations

import gzip
import io
import os
from datetime import date
from pathlib import Path

import fastavro
import pandas as pd
import pytest

from cdp.ingest import new_files
from cdp.ingest.discover import discover_files
from cdp.ingest.land import read_records
from cdp.ingest.new_files import KnownFile, plan_landing
from cdp.ingest.spec import SourceSpec

NIGHT = date(2026, 1, 5)


def source(name: str, kind: str, **more: object) -> SourceSpec:
    return SourceSpec(
        name=name,
        owner="o",
        description="d",
        party="first",
        format=kind,
        location=name,
        mapping=name,
        sample={"raw": "{}", "expect": {}},
        **more,
    )


def deliver(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


def avro(records: list[dict[str, object]], codec: str = "snappy") -> bytes:
    fields = [{"name": "sku", "type": ["null", "string"]}, {"name": "price", "type": "double"}]
    stream = io.BytesIO()
    fastavro.writer(stream, {"type": "record", "name": "sale", "fields": fields}, records, codec=codec)
    return stream.getvalue()


def parquet_with_a_damaged_page() -> bytes:
    stream = io.BytesIO()
    pd.DataFrame({"n": range(9999)}).to_parquet(stream)
    data = stream.getvalue()
    return data[:4] + bytes(60) + data[64:]


def known(plan) -> list[KnownFile]:
    return [
        KnownFile(c.file.source, c.file.path, c.file_id, c.sha256, c.file.size_bytes, c.state, 4e9)
        for c in [*plan.to_read, *plan.set_aside]
    ]


def test_only_deliveries_up_to_the_night_are_read_once(tmp_path: Path) -> None:
    deliver(tmp_path, "web/2026-01-05/a.jsonl", b"{}\n")
    deliver(tmp_path, "web/2026-01-06/b.jsonl", b"{} \n")
    deliver(tmp_path, "web/2026-01-05/_SUCCESS", b"x")
    deliver(tmp_path, "web/readme/c.jsonl", b"x")
    sources = {"web": source("web", "jsonl")}
    first = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[])
    assert [c.file.path for c in first.to_read] == ["web/2026-01-05/a.jsonl"]
    again = plan_landing(sources, root=str(tmp_path), run_date=date(2026, 1, 6), known=known(first))
    assert [c.file.path for c in again.to_read] == ["web/2026-01-06/b.jsonl"]


def test_the_same_content_is_a_duplicate_under_any_name(tmp_path: Path) -> None:
    deliver(tmp_path, "web/2026-01-05/a.jsonl", b"{}\n")
    deliver(tmp_path, "web/2026-01-05/b.jsonl", b"{}\n")
    sources = {"web": source("web", "jsonl")}
    plan = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[])
    assert len(plan.to_read) == 1
    copy = plan.set_aside[0]
    assert (copy.state, copy.reason) == ("duplicate", "the same content as web/2026-01-05/a.jsonl")
    assert copy.file_id != plan.to_read[0].file_id
    deliver(tmp_path, "web/2026-01-05/c.jsonl", b"{}\n")
    later = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=known(plan))
    assert not later.to_read and [c.file.path for c in later.set_aside] == ["web/2026-01-05/c.jsonl"]


@pytest.mark.parametrize(
    ("kind", "name", "content", "reason"),
    [
        ("jsonl", "a.jsonl", b"", "the file is empty"),
        ("jsonl", "a.jsonl.gz", gzip.compress(b"{}\n" * 999)[:-9], "truncated or damaged"),
        ("parquet", "a.parquet", b"PAR1 and then nothing", "does not begin and end as Parquet"),
        ("parquet", "a.parquet", b"PAR1" + b"x" * 20 + b"PAR1", "footer cannot be read"),
        ("parquet", "a.parquet", parquet_with_a_damaged_page(), "not all of its pages"),
        ("avro", "a.avro", b"PAR1 and then nothing", "does not begin as Avro"),
        ("avro", "a.avro", avro([{"sku": "P-1", "price": 1.5}] * 999)[:-9], "truncated or damaged after"),
        ("csv", "a.csv", b"a,,b\r\n1,2,3\r\n", "the header is not a row of distinct names"),
        ("csv", "a.csv", b"\n1,2\n", "the header is not a row of distinct names"),
        ("csv", "a.csv", "a,b\n1,2\n".encode("utf-16-le"), "the header is not in utf-8"),
        ("csv", "a.csv", "a,café\n".encode("cp1252"), "the header is not in utf-8"),
    ],
)
def test_a_broken_file_is_quarantined_whole(tmp_path: Path, kind: str, name: str, content: bytes, reason: str) -> None:
    deliver(tmp_path, f"s/2026-01-05/{name}", content)
    plan = plan_landing({"s": source("s", kind)}, root=str(tmp_path), run_date=NIGHT, known=[])
    assert not plan.to_read
    assert plan.set_aside[0].state == "quarantined" and reason in str(plan.set_aside[0].reason)


def test_a_file_that_cannot_be_opened_or_named_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "b.jsonl", os.fsdecode(b"caf\xe9.jsonl")):
        deliver(tmp_path, f"web/2026-01-05/{name}", name.encode("utf-8", "surrogateescape"))
    found = discover_files(source("web", "jsonl"), str(tmp_path), NIGHT)
    (tmp_path / "web/2026-01-05/b.jsonl").unlink()  # between the listing and the reading
    monkeypatch.setattr(new_files, "discover_files", lambda *_: found)
    plan = plan_landing({"web": source("web", "jsonl")}, root=str(tmp_path), run_date=NIGHT, known=[])
    assert [c.file.path for c in plan.to_read] == ["web/2026-01-05/a.jsonl"]
    assert sorted(message.partition(": ")[2][:24] for message in plan.unread) == [
        "'web/2026-01-05/caf\\udce",
        "web/2026-01-05/b.jsonl c",
    ]
    assert any("No such file" in message for message in plan.unread)


def test_a_missing_source_fails_alone(tmp_path: Path) -> None:
    deliver(tmp_path, "web/2026-01-05/a.jsonl", b"{}\n")
    sources = {"web": source("web", "jsonl"), "shop": source("shop", "csv")}
    plan = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[])
    assert len(plan.to_read) == 1
    assert list(plan.failed_sources) == ["shop"] and "does not exist" in plan.failed_sources["shop"]


def test_all_formats_are_read_in_one_frame(spark, tmp_path: Path) -> None:
    deliver(tmp_path, "web/2026-01-05/a.jsonl.gz", gzip.compress(b'{"a":1}\r\n{"a":2}'))
    deliver(tmp_path, "crm/2026-01-05/a.csv", b'n,street\r\n1,"High St\n2"\r\n2,Low St\r\n')
    deliver(tmp_path, "desk/2026-01-05/a.xml", b"<ts><t><i>1</i></t><t><i>2</i></t></ts>")
    (tmp_path / "pos/2026-01-05").mkdir(parents=True)
    pd.DataFrame({"sku": ["P-1"], "price": [1.5]}).to_parquet(tmp_path / "pos/2026-01-05/a.parquet")
    deliver(tmp_path, "till/2026-01-05/a.avro", avro([{"sku": "P-2", "price": 2.5}]))
    sources = {
        "web": source("web", "jsonl"),
        "crm": source("crm", "csv"),
        "till": source("till", "avro"),
        "pos": source("pos", "parquet"),
        "desk": source("desk", "xml", xml={"row_tag": "t"}),
    }
    plan = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[])
    found = {(r.source, r.record_no): bytes(r.raw) for r in read_records(spark, plan.to_read, sources).collect()}
    assert found == {
        ("web", 1): b'{"a":1}\r\n',
        ("web", 2): b'{"a":2}',
        ("crm", 1): b'1,"High St\n2"\r\n',
        ("crm", 2): b"2,Low St\r\n",
        ("desk", 1): b"<t><i>1</i></t>",
        ("desk", 2): b"<t><i>2</i></t>",
        ("pos", 1): b'{"sku": "P-1", "price": 1.5}',
        ("till", 1): b'{"sku": "P-2", "price": 2.5}',
    }
    header = next(c.header for c in plan.to_read if c.file.source == "crm")
    assert header == '["n", "street"]'
