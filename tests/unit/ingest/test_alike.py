"""Many attributes of one kind give what each gives by itself."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import Row, SparkSession

from cdp.ingest import alike
from cdp.ingest.accept import map_sources
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.spec import SourceSpec

#: The names of the kinds alternate, so that their members stand between each other's.
ATTRIBUTES = {
    "b": {"field": "n1", "type": "BIGINT"},
    "b c": {"field": "t1"},
    "it's": {"field": "n2", "type": "BIGINT"},
    "a": {"field": "t2"},
    "x": {"field": "x", "type": "DOUBLE"},
}
ROWS = (
    b'1, 7 ,\t"q""}" ,8,NULL,1.5',
    b"2,1d,,9223372036854775808,\\,1d",
    b"3,,n/a,x,,1e400",
    b"4,,,,,Infinity",
    b"5,,,,,",
    b"\xef\xbb\xbf6,1,2,3,4,5",
)


def test_attributes_of_one_kind_are_read_as_one(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"source_record_id": {"field": "id"}, "valid_from": {"value": "2026-01-04"}}
    output = {"table": "customer_records", "columns": columns, "attributes": ATTRIBUTES}
    mapping = {"name": "wide", "description": "d", "key": ["id"], "outputs": [output]}
    source = SourceSpec.model_validate(
        {"name": "wide", "owner": "o", "description": "d", "party": "first", "format": "csv", "location": "wide",
         "mapping": mapping, "sample": {"raw": "", "expect": {}}}
    )  # fmt: skip
    rows = [(f"f:{n}", "wide", "f", n, raw, date(2026, 1, 6)) for n, raw in enumerate(ROWS)]
    landed = spark.createDataFrame(rows, LANDED_DDL)

    def found() -> dict[int, tuple[list[Row], set[tuple[str, str]]]]:
        headers = {"f": ["id", "n1", "t1", "n2", "t2", "x"]}
        mapped = map_sources(landed, sources={"wide": source}, mappings={}, headers=headers)
        return {
            row["__record_no"]: (row["customer_records"], {(r.field, r.code) for r in row["__reasons"]})
            for row in mapped.select("__record_no", "customer_records", "__reasons").collect()
        }

    singly = found()
    monkeypatch.setattr(alike, "MANY", 2)
    assert found() == singly
    bad = "wrong_type"
    reasons = [set(), {("n1", bad), ("n2", bad), ("x", bad)}, {("n2", bad), ("x", bad)}, {("x", bad)}, set(), set()]
    assert [singly[n][1] for n in range(len(ROWS))] == reasons
    assert [singly[n][0][0]["attributes"] for n in (0, 4, 5)] == [
        '{"b":7,"b c":"\\"q\\"\\"}\\"","it\'s":8,"x":1.5}',
        None,
        '{"a":"4","b":1,"b c":"2","it\'s":3,"x":5.0}',
    ]
