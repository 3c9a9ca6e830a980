"""Rows of Avro files as JSON text: every value kept, whatever the union."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from cdp.ingest.avro import find_avro_fault, read_avro_rows

SCHEMA = {
    "type": "record",
    "name": "sale",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "paid", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "note", "type": ["null", "string", "long"]},
        {"name": "till", "type": {"type": "record", "name": "till", "fields": [{"name": "no", "type": "int"}]}},
    ],
}
AT = datetime(2026, 1, 5, 1, 2, 3, 456789, UTC)
PLAIN = (b'{"id": 1152921504606846976, "at": "2026-01-05T01:02:03.456789Z", "paid": 1.50, "note": "x", '
         b'"till": {"no": 7}}')  # fmt: skip


def written(codec: str, notes: list[Any]) -> bytes:
    rows = [{"id": 2**60, "at": AT, "paid": Decimal("1.50"), "note": note, "till": {"no": 7}} for note in notes]
    stream = io.BytesIO()
    fastavro.writer(stream, SCHEMA, rows, codec=codec)
    return stream.getvalue()


def read(data: bytes) -> list[bytes]:
    return [text.as_py() for part in read_avro_rows(io.BytesIO(data)) for text in part]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_values_keep_all_their_digits(codec: str) -> None:
    data = written(codec, ["x"])
    assert find_avro_fault(io.BytesIO(data)) is None
    assert read(data) == [PLAIN]
    assert "truncated or damaged" in str(find_avro_fault(io.BytesIO(data[:-20])))


def test_values_of_several_types_are_kept_as_they_are() -> None:
    texts = read(written("null", [3, "three", None]))
    assert [text.split(b'"note": ')[1].split(b",")[0] for text in texts] == [b"3", b'"three"', b"null"]
    assert all(b'"at": "2026-01-05T01:02:03.456789Z"' in text and b'"paid": "1.50"' in text for text in texts)


def test_numbers_that_are_none_are_texts_in_every_shape_of_rows() -> None:
    kinds: tuple[Any, ...] = ("double", ["double", "string"], {"type": "array", "items": "double"})
    names = [{"name": f"n{n}", "type": kind} for n, kind in enumerate(kinds)]
    nan, infinity = float("nan"), float("inf")
    for several in ([1.5], [1.5, "x"]):
        rows = [{"n0": nan, "n1": value, "n2": [infinity]} for value in several]
        stream = io.BytesIO()
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": names}, rows)
        assert read(stream.getvalue())[0] == b'{"n0": "nan", "n1": 1.5, "n2": ["inf"]}'


def test_values_that_have_no_form_and_maps_are_kept_as_they_are() -> None:
    kinds = {"timestamp-millis": "long", "time-micros": "long", "date": "int", "uuid": "string"}
    names = [{"name": kind, "type": {"type": plain, "logicalType": f"_{kind}"}} for kind, plain in kinds.items()]
    names.append({"name": "map", "type": {"type": "map", "values": "int"}})
    rows = [
        {**{kind: "x" if plain == "string" else 2**30 for kind, plain in kinds.items()}, "map": {"a": n}}
        for n in (1, 2)
    ]
    rows[0] |= {"timestamp-millis": 2**62, "time-micros": 2**62, "map": {}}
    stream = io.BytesIO()
    fastavro.writer(stream, {"type": "record", "name": "r", "fields": names}, rows)
    texts = read(re.sub(rb'"_(timestamp-millis|time-micros|date|uuid)"', rb'"\1" ', stream.getvalue()))
    assert texts == [
        b'{"timestamp-millis": 4611686018427387904, "time-micros": 4611686018427387904, "date": 1073741824, '
        b'"uuid": "x", "map": {}}',
        b'{"timestamp-millis": "1970-01-13T10:15:41.824000Z", "time-micros": "00:17:53.741824", "date": 1073741824, '
        b'"uuid": "x", "map": {"a": 2}}',
    ]
