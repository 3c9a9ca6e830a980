"""Decide on files by themselves, without a lake: read, checked, mapped and de-duplicated by the same functions as in a
night, and every verdict written as one line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.core.hold import cut
from cdp.ingest.accept import map_sources
from cdp.ingest.check import EMPTY, CheckedFile, check_file
from cdp.ingest.codes import REFUSAL_CODES, quote_text
from cdp.ingest.decide import ACCEPTED, DUPLICATE, REFUSED, decide
from cdp.ingest.discover import FoundFile
from cdp.ingest.land import read_records
from cdp.ingest.ledger import headers_of
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec

#: Lines that one task writes.
_TASK_LINES = 250_000
_JSON = "map('ignoreNullFields', 'false', 'timestampFormat', \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"


@dataclass(frozen=True)
class FileCount:
    """What came of one file: read = accepted + duplicates + refused. `fault` says why nothing was taken from it.

    A file that cannot be read to its end counts as one refused record; an empty one has no record.
    """

    file: str
    read: int
    accepted: int
    duplicates: int
    refused: int
    fault: str | None


@dataclass(frozen=True)
class Verdicts:
    """Counts by file in the order given, records by refusal code (a record counts once for each of its codes), and
    `lines`: one row per accepted or refused record: kind (which of the two), file_id, record_no, landed_id, text
    (JSON), in partitions that follow each other by file and line.
    """

    files: tuple[FileCount, ...]
    codes: dict[str, int]
    lines: DataFrame


def check_files(paths: Sequence[str], source: SourceSpec, arrived_on: date) -> list[CheckedFile]:
    """Find out which files can be read; their ids are their places in the list, so that the first ones win."""
    found = [_found(path, source, arrived_on) for path in paths]
    return [replace(check_file(file, source), file_id=f"{number:08d}") for number, file in enumerate(found)]


def _found(path: str, source: SourceSpec, arrived_on: date) -> FoundFile:
    file, stat = Path(path).absolute(), Path(path).stat()
    return FoundFile(source.name, str(file.parent), file.name, stat.st_size, stat.st_mtime, arrived_on)


def judge_files(
    spark: SparkSession, paths: Sequence[str], source: SourceSpec, mapping: MappingSpec, arrived_on: date
) -> Verdicts:
    """Decide on every record of the files, which are taken to have arrived on that day.

    Of records with one key the first counts, by the order of the files and then of the lines.
    """
    checked = check_files(paths, source, arrived_on)
    good = [file for file in checked if file.state == "landed"]
    sources = {source.name: source.model_copy(update={"mapping": mapping})}
    mapped = map_sources(
        read_records(spark, good, sources),
        sources=sources,
        mappings={},
        headers=headers_of({file.file_id: file.header for file in good}),
    )
    decided = cut(decide(mapped, {}).rows)
    counts = _count(decided)
    files = tuple(_file_count(path, file, counts) for path, file in zip(paths, checked, strict=True))
    codes = {code: sum(n for (_, kind), n in counts.items() if kind == code) for code in REFUSAL_CODES}
    n_broken = sum(1 for file in files if file.fault and file.refused)
    if n_broken:
        codes["bad_file"] += n_broken
    names = list(paths) if len(paths) > 1 else []
    lines = _accepted(decided, mapping, names).unionByName(_refused(decided, names))
    lines = _in_parts(lines.unionByName(_broken(spark, checked, names)), [f.read for f in files])
    return Verdicts(files, {code: n for code, n in codes.items() if n}, lines)


def _count(decided: DataFrame) -> dict[tuple[str, str], int]:
    """Count records by file and status, and by file and refusal code, in one job."""
    kinds = F.concat(F.array("status"), F.array_distinct(F.col("reasons.code")))
    rows = decided.select("file_id", F.explode(kinds).alias("kind")).groupBy("file_id", "kind").count().collect()
    return {(row["file_id"], row["kind"]): row["count"] for row in rows}


def _file_count(path: str, file: CheckedFile, counts: Mapping[tuple[str, str], int]) -> FileCount:
    accepted, duplicates, refused = (counts.get((file.file_id, s), 0) for s in (ACCEPTED, DUPLICATE, REFUSED))
    refused += _is_broken(file)
    return FileCount(path, accepted + duplicates + refused, accepted, duplicates, refused, file.reason)


def _is_broken(file: CheckedFile) -> bool:
    return file.state != "landed" and file.reason != EMPTY


def _accepted(decided: DataFrame, mapping: MappingSpec, names: Sequence[str]) -> DataFrame:
    """Write accepted records: the row of the main table, and under their names the rows of other tables."""
    main, *others = dict.fromkeys(output.table for output in mapping.outputs)
    columns = [f"'{c}', {main}[0].`{c}`" for c in decided.schema[main].dataType.elementType.fieldNames()]  # type: ignore[attr-defined]
    columns += [f"'{table}', {table}" for table in others]
    record = f"to_json(named_struct({', '.join(columns)}), {_JSON})"
    return _lines(decided.where(F.col("status") == ACCEPTED), names, {"record": F.expr(record)})


def _refused(decided: DataFrame, names: Sequence[str]) -> DataFrame:
    """Write refused records with their bytes as text; bytes that are not UTF-8 as lone surrogates (PEP 383)."""

    @F.arrow_udf("string")  # type: ignore[call-overload]
    def as_json(raw: pa.Array) -> pa.Array:
        return pa.array([json.dumps(r.decode("utf-8", "surrogateescape")) for r in raw.to_pylist()], pa.string())

    return _lines(
        decided.where(F.col("status") == REFUSED), names, {"raw": as_json("raw"), "reasons": F.to_json("reasons")}
    )


def _lines(rows: DataFrame, names: Sequence[str], parts: Mapping[str, Column]) -> DataFrame:
    """Join JSON texts to one object a row, after the line and, where there are several files, the file's name."""
    pieces: list[Column] = [F.lit('{"line":'), F.col("record_no").cast("string")]
    if names:
        listed = ", ".join(quote_text(json.dumps(name)) for name in names)
        pieces += [F.lit(',"file":'), F.expr(f"array({listed})[CAST(file_id AS INT)]")]
    for name, text in parts.items():
        pieces += [F.lit(f',"{name}":'), text]
    return rows.select(
        F.col("status").alias("kind"), "file_id", "record_no", "landed_id", F.concat(*pieces, F.lit("}")).alias("text")
    )


def _in_parts(lines: DataFrame, reads: Sequence[int]) -> DataFrame:
    """Spread lines over partitions by their place, so that what is written side by side joins to the whole in order."""
    before = ", ".join(f"{n}L" for n in [0, *accumulate(reads)][:-1])
    place = f"array({before})[CAST(file_id AS INT)] + record_no"
    part = F.expr(f"CAST(({place}) DIV {_TASK_LINES} AS INT)")
    return lines.repartitionById(sum(reads) // _TASK_LINES + 1, part)


def _broken(spark: SparkSession, checked: Sequence[CheckedFile], names: Sequence[str]) -> DataFrame:
    """Write files that could not be read as refused record 0 of the file."""
    reason = {"field": "", "code": "bad_file", "message": ""}
    rows = []
    for number, file in enumerate(checked):
        if _is_broken(file):
            named = {"file": names[number]} if names else {}
            whole = {"line": 0, **named, "raw": None, "reasons": [{**reason, "message": str(file.reason)}]}
            rows.append((REFUSED, file.file_id, 0, file.file_id, json.dumps(whole, ensure_ascii=False)))
    return spark.createDataFrame(rows, "kind STRING, file_id STRING, record_no BIGINT, landed_id STRING, text STRING")
