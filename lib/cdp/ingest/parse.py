"""Take landed records apart: raw bytes to columns named as the source names its fields, every leaf a text.

Each record gets a `__fault`: the reasons for which it could not be taken apart at all, or null.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.ingest.changes import unwrap_changes
from cdp.ingest.codes import NO_REASONS, quote_text, reason_sql, reasons_array_sql
from cdp.ingest.fields import KEPT, FieldTree
from cdp.ingest.formats import CsvOptions
from cdp.ingest.parse_json import parse_json, read_fields, with_text
from cdp.ingest.spec import SourceSpec
from cdp.ingest.xml_elements import take_fields

_ANY_SIZE = 2**31 - 1
_TEXT = "cast(__raw AS STRING) AS __text"


def parse_records(
    landed: DataFrame,
    spec: SourceSpec,
    fields: FieldTree,
    *,
    headers: Mapping[str, list[str]],
    parts_when: Mapping[str, str],
) -> DataFrame:
    """Give a source's landed records with one column per top-level raw field, and `__fault`.

    `parts_when` says for a field that is wanted whole and in parts when its parts are needed (Spark SQL over
    the whole fields): most events have no order in their properties, and are not parsed twice.
    """
    records = landed.where(F.col("source") == spec.name).select(*(F.col(c).alias(f"__{c}") for c in KEPT))
    if spec.csv and spec.csv.quote is None:
        return _split_columns(records, spec, fields)
    if spec.format == "csv":
        return _parse_csv(records, spec, fields, headers)
    if spec.format == "xml":
        return _parse_xml(records, spec, fields, parts_when)
    texts = with_text(records, spec)
    return parse_json(unwrap_changes(texts) if spec.change_data else texts, spec, fields, parts_when)


def _too_large(spec: SourceSpec) -> str:
    return f"octet_length(__raw) > {spec.max_record_bytes}"


def _split_columns(records: DataFrame, spec: SourceSpec, fields: FieldTree) -> DataFrame:
    """Split rows in which nothing is quoted; the columns are the declared ones."""
    header = (spec.csv.header if spec.csv else None) or ()
    delimiter = quote_text(re.escape(spec.csv.delimiter if spec.csv else "\t"))
    text = records.withColumn(
        "__text", F.expr(r"rtrim('\r\n', ltrim('\ufeff', make_valid_utf8(cast(__raw AS STRING))))")
    )
    split = text.withColumn("__values", F.expr(f"split(__text, {delimiter}, -1)"))
    places = {name: header.index(name) for name in fields.children if name in header}
    columns = [
        F.expr(f"get(__values, {places[name]})" if name in places else "CAST(NULL AS STRING)").alias(name)
        for name in sorted(fields.children)
    ]
    found = [
        f"CASE WHEN {condition} THEN {reason_sql('', code)} END"
        for condition, code in (
            (_too_large(spec), "too_large"),
            ("NOT is_valid_utf8(cast(__raw AS STRING))", "bad_encoding"),
            (f"size(__values) <> {len(header)}", "wrong_columns"),
        )
    ]
    fault = f"nullif({reasons_array_sql(found)}, {NO_REASONS})"
    return split.select(*(F.col(f"__{c}") for c in KEPT), *columns, "__text", F.expr(fault).alias("__fault"))


def _parse_csv(records: DataFrame, spec: SourceSpec, fields: FieldTree, headers: Mapping[str, list[str]]) -> DataFrame:
    leaves = fields.leaves()
    positions = {leaf: n for n, leaf in enumerate(leaves)}
    take = partial(_take_csv, spec=spec, headers=dict(headers), leaves=leaves)

    @F.arrow_udf("fault STRING, values ARRAY<STRING>")  # type: ignore[call-overload]
    def take_values(raw: pa.Array, file_id: pa.Array) -> pa.Array:
        faults, values = zip(*take(raw.to_pylist(), file_id.to_pylist()), strict=True) if len(raw) else ((), ())
        lists = pa.array(values, pa.list_(pa.string()))
        return pa.StructArray.from_arrays([pa.array(faults, pa.string()), lists], names=["fault", "values"])

    taken = records.withColumn("__taken", take_values("__raw", "__file_id"))
    columns = [
        f"{node.build_sql(lambda path: f'__taken.values[{positions[path]}]', name)} AS `{name}`"
        for name, node in sorted(fields.children.items())
    ]
    found = [f"CASE WHEN {_too_large(spec)} THEN {reason_sql('', 'too_large')} END"] + [
        f"CASE WHEN __taken.fault = '{code}' THEN {reason_sql('', code)} END"
        for code in ("bad_encoding", "wrong_columns")
    ]
    fault = f"nullif({reasons_array_sql(found)}, {NO_REASONS})"
    # As texts: Spark's interpreter of expressions is asked once, and not once a column.
    return taken.selectExpr(*(f"__{c}" for c in KEPT), *columns, _TEXT, f"{fault} AS __fault")


def _parse_xml(records: DataFrame, spec: SourceSpec, fields: FieldTree, parts_when: Mapping[str, str]) -> DataFrame:
    """Have a worker write each element's fields as JSON, and read that like any other."""
    take = partial(take_fields, encoding=spec.xml.encoding if spec.xml else "utf-8", fields=fields)

    @F.arrow_udf("faults ARRAY<STRING>, json STRING")  # type: ignore[call-overload]
    def take_json(raw: pa.Array) -> pa.Array:
        faults, texts = zip(*map(take, raw.to_pylist()), strict=True) if len(raw) else ((), ())
        lists = pa.array(faults, pa.list_(pa.string()))
        return pa.StructArray.from_arrays([lists, pa.array(texts, pa.string())], names=["faults", "json"])

    found = {"bad_encoding": ("", "bad_encoding"), "bad_xml": ("", "bad_xml")}
    found |= {f"repeated {path}": (path, "wrong_type") for path in fields.objects()}
    reasons = [f"CASE WHEN {_too_large(spec)} THEN {reason_sql('', 'too_large')} END"] + [
        f"CASE WHEN array_contains(__taken.faults, {quote_text(fault)}) THEN {reason_sql(*reason)} END"
        for fault, reason in found.items()
    ]
    fault = f"nullif({reasons_array_sql(reasons)}, {NO_REASONS})"
    taken = records.withColumn("__taken", take_json("__raw"))
    flat = read_fields(taken.select("*", F.expr(_TEXT)), "__taken.json", fields, parts_when, fault=fault)
    return flat.drop("__taken")


def _take_csv(
    raw: list[bytes], file_id: list[str], *, spec: SourceSpec, headers: Mapping[str, list[str]], leaves: list[str]
) -> list[tuple[str | None, list[str | None] | None]]:
    """Split CSV rows; a row with another number of columns than its file's header is refused whole."""
    # The csv module's own limit of 128 KB a value would call long texts wrong rows; what is too large is told by size.
    csv.field_size_limit(_ANY_SIZE)
    options = spec.csv or CsvOptions()
    encoding, delimiter, quote = options.encoding, options.delimiter, options.quote
    places = {f: [(h.index(leaf) if leaf in h else None) for leaf in leaves] for f, h in headers.items()}
    taken: list[tuple[str | None, list[str | None] | None]] = []
    for row, file in zip(raw, file_id, strict=True):
        try:
            text = row.decode(encoding).removeprefix("\ufeff")  # where files were joined
            values = next(csv.reader([text], delimiter=delimiter, quotechar=quote, strict=True), [])
        except UnicodeDecodeError:
            taken.append(("bad_encoding", None))
            continue
        except csv.Error:
            taken.append(("wrong_columns", None))
            continue
        if len(values) != len(headers[file]):
            taken.append(("wrong_columns", None))
        else:
            taken.append((None, [None if place is None else values[place] for place in places[file]]))
    return taken
