"""The file destination: safe CSV, a manifest, the mark last, nothing done twice, nothing half done."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cdp.activation.destinations import destination_model, find_kind, find_kinds
from cdp.activation.destinations.file import Manifest, Parcel, Spec, deliver, delivered_before
from cdp.activation.encode import write_csv
from cdp.core.errors import ConfigError, DestinationError, TransientError

NOW = datetime(2026, 1, 6, 3, tzinfo=UTC)
LATER = datetime(2026, 1, 6, 9, tzinfo=UTC)
NIGHT = date(2026, 1, 5)
SCHEMA = pa.schema(
    {"email": pa.string(), "spend": pa.decimal128(18, 2), "seen_at": pa.timestamp("us", "UTC"), "is_new": pa.bool_()}
)
ROWS: list[dict[str, Any]] = [
    {"email": "=cmd()|x", "spend": Decimal("-3.50"), "seen_at": NOW, "is_new": True},
    {"email": 'quo"te, comma\r\nline', "spend": Decimal("4.00"), "seen_at": None, "is_new": False},
    {"email": None, "spend": None, "seen_at": None, "is_new": None},
]


def spec(**change: Any) -> Spec:
    given = {"description": "d", "kind": "file", "format": "csv", "owner": "o"}
    return Spec.model_validate({**given, "columns": [{"name": "email", "from": "profile.email"}], **change})


def parcel(rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Parcel:
    batches = pa.Table.from_pylist(rows, schema).to_batches(max_chunksize=2)
    return Parcel("crm", "vips", NIGHT, "email_marketing", schema, batches, {"n_withheld": 2})


def folder_of(root: Path) -> Path:
    return root / "crm" / "vips" / "2026-01-05"


def test_csv_is_rfc_4180_and_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    manifest, is_new = deliver(str(tmp_path), spec(), parcel(ROWS), now=NOW)
    folder = folder_of(tmp_path)
    assert is_new and sorted(p.name for p in folder.iterdir()) == ["_SUCCESS", "manifest.json", "vips_2026-01-05.csv"]
    data = (folder / "vips_2026-01-05.csv").read_bytes()
    assert data == (
        b"email,spend,seen_at,is_new\r\n"
        b"'=cmd()|x,-3.50,2026-01-06T03:00:00+00:00,true\r\n"
        b'"quo""te, comma\r\nline",4.00,,false\r\n'
        b",,,\r\n"
    )
    written = json.loads((folder / "manifest.json").read_text())
    assert written == {
        "audience": "vips",
        "destination": "crm",
        "run_date": "2026-01-05",
        "purpose": "email_marketing",
        "folder": "crm/vips/2026-01-05",
        "file": "vips_2026-01-05.csv",
        "format": "csv",
        "columns": ["email", "spend", "seen_at", "is_new"],
        "n_rows": 3,
        "n_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "counts": {"n_withheld": 2},
        "consent_as_of": [NOW.isoformat()],
        "delivered_at": NOW.isoformat(),
    }
    assert manifest == Manifest(**written)


def test_jsonl_and_parquet_hold_the_rows(tmp_path: Path) -> None:
    deliver(str(tmp_path / "j"), spec(format="jsonl"), parcel(ROWS), now=NOW)
    lines = (folder_of(tmp_path / "j") / "vips_2026-01-05.jsonl").read_text().split("\n")
    assert json.loads(lines[0]) == {
        "email": "=cmd()|x",
        "spend": -3.5,
        "seen_at": "2026-01-06T03:00:00+00:00",
        "is_new": True,
    }
    assert len(lines) == 4 and lines[3] == ""
    deliver(str(tmp_path / "p"), spec(format="parquet"), parcel(ROWS), now=NOW)
    assert pq.read_table(folder_of(tmp_path / "p") / "vips_2026-01-05.parquet").to_pylist() == ROWS


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_the_same_content_is_left_alone_and_other_content_replaces_it(tmp_path: Path, file_format: str) -> None:
    destination = spec(format=file_format)
    first, _ = deliver(str(tmp_path), destination, parcel(ROWS), now=NOW)
    stamps = {p.name: p.stat().st_mtime_ns for p in folder_of(tmp_path).iterdir()}
    second, is_new = deliver(str(tmp_path), destination, parcel(ROWS), now=LATER)
    assert (second, is_new) == (first, False)
    assert {p.name: p.stat().st_mtime_ns for p in folder_of(tmp_path).iterdir()} == stamps
    third, is_new = deliver(str(tmp_path), destination, parcel(ROWS[1:]), now=LATER)
    assert is_new and third.n_rows == 2
    assert (third.consent_as_of, third.delivered_at) == ([NOW.isoformat(), LATER.isoformat()], LATER.isoformat())
    assert len(list(folder_of(tmp_path).iterdir())) == 3


def test_nobody_is_a_delivery_too(tmp_path: Path) -> None:
    for file_format in ("csv", "jsonl", "parquet"):
        manifest, _ = deliver(str(tmp_path / file_format), spec(format=file_format), parcel([]), now=NOW)
        assert manifest.n_rows == 0
    text = (folder_of(tmp_path / "csv") / "vips_2026-01-05.csv").read_text()
    assert text.strip() == "email,spend,seen_at,is_new"


def test_a_broken_off_delivery_leaves_the_old_one_or_no_mark(tmp_path: Path) -> None:
    deliver(str(tmp_path), spec(), parcel(ROWS), now=NOW)

    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist(ROWS, SCHEMA)
        raise RuntimeError("the job was killed")

    broken = Parcel("crm", "vips", NIGHT, "email_marketing", SCHEMA, failing(), {})
    with pytest.raises(RuntimeError):
        deliver(str(tmp_path), spec(), broken, now=LATER)
    place = {"destination": "crm", "audience": "vips", "run_date": NIGHT}
    there = delivered_before(str(tmp_path), spec(), **place)  # type: ignore[arg-type]
    assert there is not None and there.n_rows == 3
    # Broken off between the marks: who had not consented at the first delivery must not come in by the third.
    (folder_of(tmp_path) / "_SUCCESS").unlink()
    assert delivered_before(str(tmp_path), spec(), **place) == there  # type: ignore[arg-type]
    again, is_new = deliver(str(tmp_path), spec(), parcel(ROWS), now=LATER)
    assert is_new and again.n_rows == 3
    assert again.consent_as_of == [NOW.isoformat(), LATER.isoformat()]
    assert len(list(folder_of(tmp_path).iterdir())) == 3


def test_a_folder_that_may_not_be_written_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdp.activation.destinations import file

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(file, "_deliver", refuse)
    with pytest.raises(DestinationError, match=r"crm: vips of 2026-01-05: the job may not read and write .*: give it"):
        deliver(str(tmp_path), spec(), parcel(ROWS), now=NOW)


def test_a_manifest_that_cannot_be_read_is_told_as_a_fault_of_the_destination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cdp.activation.destinations import file

    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(file, "_manifest", fail)
    with pytest.raises(TransientError, match=r"crm: vips of 2026-01-05 was not delivered to .*: run the export again"):
        delivered_before(str(tmp_path), spec(), destination="crm", audience="vips", run_date=NIGHT)


def test_a_number_that_is_none_is_null_in_json(tmp_path: Path) -> None:
    schema = pa.schema({"share": pa.float64()})
    deliver(str(tmp_path), spec(format="jsonl"), parcel([{"share": math.nan}, {"share": math.inf}], schema), now=NOW)
    text = (folder_of(tmp_path) / "vips_2026-01-05.jsonl").read_text()
    assert text == '{"share": null}\n{"share": null}\n'


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_any_text_survives_csv_and_no_cell_is_a_formula(cells: list[tuple[str, str]]) -> None:
    schema = pa.schema({"a": pa.string(), "b": pa.string()})
    rows = [{"a": a.encode("utf-8", "ignore").decode(), "b": b.encode("utf-8", "ignore").decode()} for a, b in cells]
    sink = io.BytesIO()
    write_csv([pa.Table.from_pylist(rows, schema)], schema, sink, guard=True)
    read = list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))
    assert len(read) == len(rows) + 1
    for got, row in zip(read[1:], rows, strict=True):
        for cell, value in zip(got, row.values(), strict=True):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert cell == value or cell == "'" + value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": "{audience}"}, "must name {audience} and {run_date}"),
        ({"folder": "{audience}/{run_date}/{person}"}, "may name"),
        ({"folder": "../{audience}/{run_date}"}, "below the export root"),
        ({"format": "xlsx"}, "csv"),
        ({"columns": [{"name": "a", "from": "profil.email"}]}, "neither person_id nor one of"),
        ({"columns": [{"name": "a", "from": "person_id"}, {"name": "A", "from": "person_id"}]}, "more than once"),
        ({"columns": []}, "at least 1"),
    ],
)
def test_wrong_definitions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        spec(**change)
    assert message in str(caught.value)


def test_kinds_are_found_by_walking() -> None:
    assert find_kind("file").Spec is Spec and destination_model() is Spec
    assert list(find_kinds()) == ["file"]
    with pytest.raises(ConfigError, match="did you mean 'file'"):
        find_kind("fiel")
