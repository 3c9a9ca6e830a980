"""Input and output of the stand-alone verbs: CSV or Parquet files in, single files out, without a lake.

Every value of a CSV file is text (an empty one is null): what a column means is for the verb to say, so that
``007`` stays a customer number. Parquet files keep their types.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from cdp.core.errors import ConfigError
from cdp.core.numbers import text_of_floats, whole_where_all_are

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame, SparkSession

T = TypeVar("T")

_DELIMITERS = ",;\t|"
#: In a path Spark's reader takes most of these for a pattern, and stumbles over a colon.
_NO_NAME_FOR_SPARK = re.compile(r"[][{}*?\\:]")
_MISSHAPEN = re.compile(r"(Row #\d+: )?Expected \d+ columns, got \d+")


def read_rows(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """The rows of all files as one Spark frame; columns are matched by name, null where a file lacks one.

    A column that is text in one file is text in all. :class:`ConfigError` names a file that is missing, empty, of
    another kind or not whole, and a column of types that do not go together.
    """
    frames = [_spark_rows(spark, path) for path in _checked(files)]
    texts = {name for frame in frames for name, kind in frame.dtypes if kind == "string"}
    whole = _with_text(frames[0], texts)
    for frame in frames[1:]:
        whole = whole.unionByName(_with_text(frame, texts), allowMissingColumns=True)
    return whole


def _with_text(frame: DataFrame, texts: set[str]) -> DataFrame:
    from pyspark.sql import functions as F

    def as_text(name: str, kind: str) -> Column:
        column = F.col(f"`{name.replace('`', '``')}`")
        text = text_of_floats(column) if kind in ("float", "double") else column.cast("string")
        return text.alias(name)

    other = {name: as_text(name, kind) for name, kind in frame.dtypes if name in texts and kind != "string"}
    return frame.withColumns(other) if other else frame


def read_arrow(files: Sequence[str]) -> pa.Table:
    """The same rows as :func:`read_rows` as one Arrow table, for work that fits the driver and needs no Spark."""
    return unite([_arrow_rows(path) for path in _checked(files)])


def unite(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables; see :func:`read_rows`."""
    texts = {field.name for table in tables for field in table.schema if _is_text(field.type)}
    tables = [_arrow_with_text(table, texts) for table in tables]
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise ConfigError(f"the files do not go together: {error}") from None


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _arrow_with_text(table: pa.Table, texts: set[str]) -> pa.Table:
    for at, field in enumerate(table.schema):
        if field.name in texts and not _is_text(field.type) and not pa.types.is_nested(field.type):
            table = table.set_column(at, field.name, whole_where_all_are(table[at]).cast(pa.string()))
    return table


def write_parquet(rows: DataFrame | pd.DataFrame | pa.Table, folder: str, name: str) -> Path:
    """Write the rows as one Parquet file ``folder/name``; it appears whole or not at all.

    A Spark frame is brought to the driver through Arrow.
    """
    if isinstance(rows, pa.Table):
        table = rows
    elif hasattr(rows, "toArrow"):
        table = rows.toArrow()
    else:
        table = pa.Table.from_pandas(rows, preserve_index=False)
    target = _target(folder, name)
    pyarrow.parquet.write_table(table, _part(target))
    return _part(target).replace(target)


def write_json(content: Mapping[str, Any], folder: str, name: str) -> Path:
    """Write one JSON document, indented for people."""
    target = _target(folder, name)
    _part(target).write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return _part(target).replace(target)


def write_json_lines(rows: Iterable[Mapping[str, Any]], folder: str, name: str) -> Path:
    """Write one JSON document a line."""
    target = _target(folder, name)
    with _part(target).open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
    return _part(target).replace(target)


def write_lines(lines: DataFrame, folder: str, names: Mapping[str, str], *, order: Sequence[str]) -> list[Path]:
    """Write rows of (kind, text, ...) as one text file ``folder/names[kind]`` for each kind.

    Partitions follow each other, and within one the columns of ``order`` decide. Executors write them side by side
    and must see the folder; memory does not grow with the rows. A kind without rows gives an empty file.
    """
    scratch = _part(_target(folder, "lines"))
    shutil.rmtree(scratch, ignore_errors=True)
    ordered = lines.sortWithinPartitions("kind", *order).select("kind", "text")
    ordered.write.partitionBy("kind").text(f"file://{scratch.absolute()}")
    written = []
    for kind, name in names.items():
        target = _target(folder, name)
        with _part(target).open("wb") as whole:
            for part in sorted((scratch / f"kind={kind}").glob("part-*")):
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole, 1 << 20)
        written.append(_part(target).replace(target))
    shutil.rmtree(scratch)
    return written


def _checked(files: Sequence[str]) -> list[Path]:
    paths = [Path(file) for file in files]
    for path in paths:
        if not path.is_file():
            raise ConfigError(f"no file {path}")
        if path.stat().st_size == 0:
            raise ConfigError(f"{path} is empty: not even a header line")
        if not _is_parquet(path) and not _is_csv(path):
            raise ConfigError(f"{path}: give it as .csv, .csv.gz or .parquet")
    return paths


def _is_parquet(path: Path) -> bool:
    return path.suffix == ".parquet"


def _is_csv(path: Path) -> bool:
    return path.name.endswith((".csv", ".csv.gz", ".tsv", ".txt"))


def _header(path: Path) -> tuple[list[str], str, bool]:
    """The column names of a CSV file, its delimiter (of the usual ones, that which the header line has most of) and
    whether the line has an end: Arrow takes a file without one for empty."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="") as lines
        ):
            first = lines.readline()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not in UTF-8; save it in that encoding") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ConfigError(f"{path}: not a whole gzip file") from None
    delimiter = max(_DELIMITERS, key=first.count)
    names = next(csv.reader([first], delimiter=delimiter), [])
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise ConfigError(f"{path}: the header names {', '.join(doubled)} more than once")
    return names, delimiter, first.endswith(("\n", "\r"))


def _spark_rows(spark: SparkSession, path: Path) -> DataFrame:
    if _NO_NAME_FOR_SPARK.search(str(path)):
        table = _arrow_rows(path)
        _check_cases(path, table.column_names)
        return spark.createDataFrame(_all_for_spark(table))
    if _is_parquet(path):
        schema = _read_parquet(path, pyarrow.parquet.read_schema)
        _check_cases(path, schema.names)
        if any(_for_spark(kind) != kind for kind in schema.types):
            return spark.createDataFrame(_all_for_spark(_read_parquet(path, pyarrow.parquet.read_table)))
        return spark.read.parquet(str(path))
    names, delimiter, is_ended = _header(path)
    _check_cases(path, names)
    if is_ended:
        # Spark fills short rows up, cuts long ones off and replaces bytes that are not UTF-8: it reads checked files
        with _csv_errors(path):
            for _ in pyarrow.csv.open_csv(path, **_csv_options(names, delimiter)):
                pass
    return spark.read.csv(str(path), header=True, multiLine=True, sep=delimiter, escape='"')


def _check_cases(path: Path, names: Sequence[str]) -> None:
    """Names that differ in case alone are one to Spark: it renames such columns of CSV files and reads no Parquet."""
    count = Counter(name.lower() for name in names)
    doubled = sorted(name for name in names if count[name.lower()] > 1)
    if doubled:
        raise ConfigError(f"{path}: columns {', '.join(doubled)} differ only in case: rename or leave out all but one")


def _arrow_rows(path: Path) -> pa.Table:
    if _is_parquet(path):
        return _read_parquet(path, pyarrow.parquet.read_table)
    names, delimiter, is_ended = _header(path)
    if not is_ended:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    with _csv_errors(path):
        return pyarrow.csv.read_csv(path, **_csv_options(names, delimiter))


def _all_for_spark(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([field.with_type(_for_spark(field.type)) for field in table.schema]), safe=False)


def _for_spark(kind: pa.DataType) -> pa.DataType:
    """The type in which Spark can read what has this one: it refuses a file for one column of nanoseconds, which pandas
    writes, of times of day, of half floats or of very long decimals."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_timestamp(value) and value.unit == "ns":
        return pa.timestamp("us", value.tz)
    if pa.types.is_float16(value):
        return pa.float32()
    return pa.string() if pa.types.is_time(value) or pa.types.is_decimal256(value) else kind


def _csv_options(names: list[str], delimiter: str) -> dict[str, Any]:
    return {
        "parse_options": pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=True, null_values=[""]
        ),
    }


@contextmanager
def _csv_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        where = _MISSHAPEN.search(str(error))  # the rest of the message quotes the row, which may be somebody's
        raise ConfigError(f"{path}: {where[0] if where else 'not readable as CSV in UTF-8'}") from None


def _read_parquet(path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except (pa.ArrowInvalid, OSError):
        raise ConfigError(f"{path}: not a whole Parquet file") from None


def _target(folder: str, name: str) -> Path:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made a folder ({error.strerror}): give another one") from None
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"{folder} may not be written to: give another folder")
    return Path(folder) / name


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")
