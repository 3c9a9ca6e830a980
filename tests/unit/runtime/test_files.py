"""Files of the stand-alone verbs: the same rows through Spark and Arrow, and errors that name the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.runtime.files import read_arrow, read_rows, write_json_lines, write_parquet


def test_both_readers_give_the_same_text(spark: SparkSession, tmp_path: Path) -> None:
    plain = tmp_path / "a.csv"
    plain.write_bytes('\ufeffid;note\r\n007;"two\nlines; ""quoted"""\r\n8;\r\n'.encode())
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress("id,more\n9,zürich\n".encode()))
    bare = tmp_path / "c.csv"
    bare.write_text("id,rest")
    files = [str(plain), str(packed), str(bare)]
    expected = [
        {"id": "007", "note": 'two\nlines; "quoted"', "more": None, "rest": None},
        {"id": "8", "note": None, "more": None, "rest": None},
        {"id": "9", "note": None, "more": "zürich", "rest": None},
    ]
    assert read_arrow(files).to_pylist() == expected
    assert [row.asDict() for row in read_rows(spark, files).orderBy("id").collect()] == expected


def test_a_name_that_spark_takes_for_a_pattern_is_the_name_of_a_file(spark: SparkSession, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("sales[1].csv", "at 10:00.parquet")]
    Path(files[0]).write_text("id,n\n007,\n")
    pq.write_table(pa.table({"id": ["8"], "n": ["2"]}), files[1])
    expected = [{"id": "007", "n": None}, {"id": "8", "n": "2"}]
    assert [row.asDict() for row in read_rows(spark, files).orderBy("id").collect()] == expected


def test_both_readers_take_what_pandas_writes_and_text_where_one_file_has_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Nanoseconds and times of day, which Spark does not read itself, dictionaries, floats by a gap, and a backtick."""
    at = pd.Timestamp("2026-01-04T10:00:00.000001")
    typed = pd.DataFrame(
        {"id": [7.0, None], "at": [at, None], "kind": pd.Categorical(["a", "b"]), "o`clock": at.time()}
    )
    typed.astype({"at": "datetime64[ns]"}).to_parquet(tmp_path / "a.parquet", version="2.6")
    (tmp_path / "b.csv").write_text("id,o`clock\n008,noon\n")
    files = [str(tmp_path / name) for name in ("a.parquet", "b.csv")]
    rows = [row.asDict() for row in read_rows(spark, files).collect()]
    assert [tuple(row.values()) for row in rows] == [
        ("7", at.to_pydatetime(), "a", "10:00:00.000001"), (None, None, "b", "10:00:00.000001"),
        ("008", None, None, "noon"),
    ]  # fmt: skip
    assert read_arrow(files).select(["id", "kind"]).to_pylist() == [{k: r[k] for k in ("id", "kind")} for r in rows]


def test_a_row_that_is_too_long_is_refused_by_both_readers(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,amount\n1,1,234.50\n")
    for read in (read_arrow, lambda files: read_rows(spark, files)):
        with pytest.raises(ConfigError, match=r"Expected 2 columns, got 3$"):
            read([str(tmp_path / "a.csv")])


def test_columns_that_spark_would_take_for_one_are_named(spark: SparkSession, tmp_path: Path) -> None:
    twins = pd.DataFrame({"at": ["2026-01-04"], "id": [1], "AT": ["x"]})
    twins.to_csv(tmp_path / "a.csv", index=False)
    twins.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(ConfigError, match=f"{name}: columns AT, at differ only in case"):
            read_rows(spark, [str(tmp_path / name)])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="out cannot be made a folder"):
        write_parquet(pd.DataFrame({"a": ["x"]}), str(tmp_path / "out"), "out.parquet")


def test_parquet_keeps_its_types_and_is_one_file(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.range(3).withColumnRenamed("id", "n")
    for number, rows in enumerate((frame, frame.toPandas(), pa.table({"n": [0, 1, 2]}))):
        written = write_parquet(rows, str(tmp_path / str(number)), "out.parquet")
        assert [p.name for p in written.parent.iterdir()] == ["out.parquet"]
        assert pq.read_table(written).to_pylist() == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert read_arrow([str(written)]).schema.field("n").type == pa.int64()


def test_json_lines_are_one_document_a_line(tmp_path: Path) -> None:
    written = write_json_lines([{"a": "é\n"}, {"a": None}], str(tmp_path), "out.jsonl")
    assert [json.loads(line) for line in written.read_text("utf-8").splitlines()] == [{"a": "é\n"}, {"a": None}]
    with pytest.raises(ValueError, match="JSON"):
        write_json_lines([{"a": float("nan")}], str(tmp_path), "bad.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.csv", None, "no file"),
        ("empty.csv", b"", "is empty"),
        ("sheet.xlsx", b"x", r"\.csv"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "names a more than once"),
        ("uneven.csv", b"a,b\n1,2\n1,2,3\n", "Expected 2 columns, got 3$"),
        ("latin.csv", "straße,b\n1,2\n".encode("latin-1"), "not in UTF-8"),
        ("latin_row.csv", "a,b\n1,straße\n".encode("latin-1"), "UTF-8"),
        ("wide.csv", "a,b\n1,2\n".encode("utf-16"), "not in UTF-8"),
        ("plain.csv.gz", b"a,b\n1,2\n", "not a whole gzip file"),
        ("text.parquet", b"a,b\n1,2\n", "not a whole Parquet file"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        read_arrow([str(tmp_path / name)])


def test_pandas_rows_are_written_without_their_index(tmp_path: Path) -> None:
    written = write_parquet(pd.DataFrame({"a": ["x"]}, index=[7]), str(tmp_path), "out.parquet")
    assert pq.read_table(written).column_names == ["a"]
