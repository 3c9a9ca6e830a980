"""Files fall apart into records without losing or changing a byte."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.ingest.json_documents import is_json_document, split_json_document, unpack_lists
from cdp.ingest.records import ends_by_return, first_csv_row, split_csv_rows, split_lines
from cdp.ingest.rows_as_json import read_parquet_rows, rows_as_json


def flatten(arrays) -> list[bytes]:
    return [record for array in arrays for record in array.to_pylist()]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_lines_join_to_the_file(data: bytes, block: int) -> None:
    lines = flatten(split_lines(io.BytesIO(data), block))
    assert b"".join(lines) == data
    assert all(b"\n" not in line[:-1] for line in lines)


def test_line_ends_stay() -> None:
    assert flatten(split_lines(io.BytesIO(b"a\r\n\nb"))) == [b"a\r\n", b"\n", b"b"]


@given(
    st.lists(st.lists(st.text(alphabet='ab",\n\r;é ', max_size=6), min_size=2, max_size=4), max_size=8),
    st.integers(1, 40),
    st.sampled_from(["\r\n", "\r"]),
)
def test_csv_rows_are_what_the_csv_module_wrote(rows: list[list[str]], block: int, end: str) -> None:
    text = io.StringIO(newline="")
    # The module leaves a newline bare where rows end otherwise.
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL).writerows(rows)
    data = text.getvalue().encode()
    by_return = ends_by_return(io.BytesIO(data), b'"')
    assert by_return == (end == "\r" and bool(rows))
    split = flatten(
        split_csv_rows(io.BytesIO(data), delimiter=b",", quote=b'"', by_return=by_return, block_bytes=block)
    )
    assert b"".join(split[:1]) == first_csv_row(io.BytesIO(data), quote=b'"', by_return=by_return)
    assert b"".join(split) == data
    assert [next(csv.reader([row.decode()])) for row in split] == rows


@pytest.mark.parametrize("block", [1, 3, 100])
def test_a_stray_or_open_quote_costs_one_row(block: int) -> None:
    data = b'h1,h2\r\n"a\nb",2\r\n5" pipe,3\r\nz,"open\nlast,1\n'
    split = flatten(split_csv_rows(io.BytesIO(data), delimiter=b",", quote=b'"', block_bytes=block))
    assert split == [b"h1,h2\r\n", b'"a\nb",2\r\n', b'5" pipe,3\r\n', b'z,"open\n', b"last,1\n"]


@pytest.mark.parametrize("delimiter", ["¦".encode(), "¦".encode("cp1252")])
def test_a_delimiter_may_be_any_character(delimiter: bytes) -> None:
    rows = [b"1" + delimiter + b'"a\nb"' + delimiter + b"x\n", b'5" pipe' + delimiter + b'"c\nd"' + delimiter + b"y\n"]
    assert flatten(split_csv_rows(io.BytesIO(b"".join(rows)), delimiter=delimiter, quote=b'"')) == rows


def test_parquet_rows_keep_every_value(tmp_path) -> None:
    table = pa.table(
        {
            "n": pa.array([12345678901234567, None]),
            "x": pa.array([0.1, float("nan")]),
            "text": pa.array(['say "hi"\n', "a\\b"]),
            "time": pa.array([1767225600123456789, 0], pa.timestamp("ns")),
            "zoned": pa.array([0, None], pa.timestamp("us", "UTC")),
            "list": pa.array([[1, 2], None]),
        }
    )
    pq.write_table(table, tmp_path / "f.parquet")
    rows = [json.loads(r) for r in flatten(read_parquet_rows(str(tmp_path / "f.parquet")))]
    assert rows[0] == {
        "n": 12345678901234567,
        "x": 0.1,
        "text": 'say "hi"\n',
        "time": "2026-01-01T00:00:00.123456789",
        "zoned": "1970-01-01T00:00:00.000000Z",
        "list": [1, 2],
    }
    assert rows[1]["n"] is None and rows[1]["x"] == "nan" and rows[1]["text"] == "a\\b"


@given(
    st.lists(st.tuples(st.none() | st.text(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=5)
)
def test_json_rows_read_back_equal(values: list[tuple[str | None, float]]) -> None:
    batch = pa.record_batch({"s": pa.array([v[0] for v in values], pa.string()), "f": pa.array([v[1] for v in values])})
    back = [json.loads(row) for row in rows_as_json(batch).to_pylist()]
    assert [(row["s"], float(row["f"])) for row in back] == values


def test_documents_nested_as_deep_as_python_reads_end_no_run() -> None:
    def deeper(frames: int, data: bytes) -> list[list[bytes]]:
        if frames:
            return deeper(frames - 1, data)
        lines = unpack_lists(pa.array([data], pa.binary()))[0].to_pylist()
        return [flatten(split_json_document(io.BytesIO(data))), lines]

    for depth in range(800, 1000, 5):
        value = b"[" * depth + b"]" * depth
        data = b"[" + value + b"]"
        if is_json_document(io.BytesIO(data)):
            assert all(found in ([value], [data]) for found in deeper(100, data))


def test_nested_values_that_have_no_form_in_python_cost_themselves_alone() -> None:
    times = pa.array([2**62, 0], pa.int64()).cast(pa.timestamp("us"))
    days = pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32())
    texts = pa.array([b"\xff", b"a"], pa.binary()).cast(pa.string(), safe=False)
    mixed = pa.concat_arrays([texts, pa.array(['\n"\\\0'])])
    assert rows_as_json(pa.RecordBatch.from_arrays([mixed], ["v"]))[2].as_py() == b'{"v": "\\n\\"\\\\\\u0000"}'
    twice = pa.StructArray.from_arrays([pa.array([1, 2])] * 2, ["a", "a"])
    for values, second in ((times, '"1970-01-01T00:00:00"'), (days, '"1970-01-01"'), (texts, '"a"')):
        batch = pa.RecordBatch.from_arrays([pa.StructArray.from_arrays([values], ["a"]), pa.array([1, 2])], ["v", "n"])
        bad, good = (json.loads(row) for row in rows_as_json(batch).to_pylist())
        assert isinstance(bad["v"], str) and bad["n"] == 1
        assert good == {"v": {"a": json.loads(second)}, "n": 2}
    assert all(json.loads(row)["v"] for row in rows_as_json(pa.RecordBatch.from_arrays([twice], ["v"])).to_pylist())
