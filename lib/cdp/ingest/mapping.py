"""Apply a mapping: parsed records to rows of silver tables, with every reason to refuse a record.

A mapping is compiled to Spark SQL text once; all of it runs as native expressions in one pass. The steps are
columns of their own (text, then value, then row), so that no expression is computed twice; and what belongs together is
one column, because each step copies what it carries, column by column.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.core.keys import hashed_key
from cdp.ingest import change_mapping as changes
from cdp.ingest.alike import object_sql
from cdp.ingest.codes import quote_text
from cdp.ingest.columns import CONTENT_ID, DELIVERED_AT, clean_sql
from cdp.ingest.fields import ITEM, KEPT, FieldTree, path_sql
from cdp.ingest.identifiers import (
    email_key_sql,
    email_sql,
    identifier_text_sql,
    identifiers_sql,
    phone_column,
    record_id_sql,
)
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.outputs import Output, compile_output
from cdp.ingest.reasons import FIELD_REASONS, clear_reasons_sql, field_reasons_sql, reasons_sql
from cdp.ingest.spec import SourceSpec
from cdp.ingest.targets import TARGETS

TABLES = tuple(TARGETS)
_KEPT = tuple(f"__{column}" for column in KEPT)


def map_records(parsed: DataFrame, source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> DataFrame:
    """Give one row per record: its landed columns, `__key` (the id of its main row), `__reasons`, and per table an
    array of rows in the shape of the table's contract.
    """
    parsed = parsed.withColumns({name: F.expr(sql) for name, sql in mapping.derived.items()})
    outputs = [compile_output(n, output, mapping, fields) for n, output in enumerate(mapping.outputs)]
    flat = [o for o in outputs if o.spec.explode is None]
    step = _number_repeats(_take_fields(parsed, source, mapping, fields, outputs), mapping)
    step = _normalise_identifiers(step, source, mapping)
    typed = [(spec.type, f"__i{n}") for n, spec in enumerate(mapping.identifiers)]
    whose = [F.expr(identifiers_sql(typed)).alias("__identifiers"), F.expr(record_id_sql(typed)).alias("__record_id")]
    step = step.select("*", *whose, *_structs(flat, "v", needs_main=False))
    step = _normalise_contacts(step, source, flat)
    step = step.withColumn("__main", F.expr(_row_sql(outputs[0], source, is_main=True)))
    for kind in ("t", "v"):
        step = step.select("*", *_structs(flat, kind, needs_main=True))
    rows = {t: _rows_of_table_sql([_rows_sql(o, source) for o in outputs if o.spec.table == t]) for t in TABLES}
    # No cast of what is there: it would only say that any column can be null, and make every row anew.
    arrays = [F.expr(rows[t] or f"CAST(array() AS ARRAY<STRUCT<{_struct(t)}>>)").alias(t) for t in TABLES]
    every = F.expr(reasons_sql(outputs, source, fields)).alias("__every")
    main = F.lit(mapping.outputs[0].table).alias("__table")
    envelope = changes.COLUMNS if source.change_data else ()
    found = step.select(*_KEPT, _identity_of(source, mapping), main, every, *arrays, *envelope)
    reasons = F.expr(clear_reasons_sql("__every")).alias("__reasons")
    if source.change_data:
        found = found.withColumn("__every", F.expr(changes.reasons_of_change("__every", mapping)))
    # The bytes of a record that is not refused are in bronze, and would double what is held of it.
    raw = F.when(F.size("__every") > 0, F.col("__raw")).alias("__raw")
    kept = [raw if name == "__raw" else F.col(name) for name in _KEPT]
    return found.select(*kept, "__key", "__table", reasons, *TABLES)


def _take_fields(
    parsed: DataFrame, source: SourceSpec, mapping: MappingSpec, fields: FieldTree, outputs: list[Output]
) -> DataFrame:
    """Take all that is read off the raw fields, so that later steps carry few columns: each copies all it carries.

    The raw fields themselves stay only where lists are made rows, of whose items is read in the last step.
    """
    has_lists = any(o.spec.explode for o in outputs)
    kept = [c for c in parsed.columns if has_lists or c.startswith("__")]
    texts = [F.expr(identifier_text_sql(spec, fields)).alias(f"__i{n}") for n, spec in enumerate(mapping.identifiers)]
    flat = [o for o in outputs if o.spec.explode is None]
    return parsed.select(
        *(F.col(f"`{column}`") for column in kept),
        *texts,
        *_structs(flat, "t", needs_main=False),
        *(F.expr(o.condition).alias(o.is_wanted) for o in outputs[1:]),
        F.expr(field_reasons_sql(source, mapping, fields)).alias(FIELD_REASONS),
        _key_of(source, mapping, fields).alias("__key"),
    )


def _structs(outputs: list[Output], kind: str, *, needs_main: bool) -> list[Column]:
    """The texts ("t") or typed values ("v") of each output's columns, as one column: an output is copied at once."""
    found = []
    for output in outputs:
        columns = [c for c in output.every if c.needs_main == needs_main]
        parts = ", ".join(f"{quote_text(c.name)}, {c.text if kind == 't' else c.value}" for c in columns)
        if columns:
            found.append(F.expr(f"named_struct({parts})").alias(output.place(kind, needs_main=needs_main)))
    return found


def _identity_of(source: SourceSpec, mapping: MappingSpec) -> Column:
    """Say what makes the main row one of its kind: the key, or for profile records the record and its version.

    Null for what says nothing of its own: it counts as seen.
    """
    if mapping.outputs[0].table != "customer_records":
        return F.col("__key")
    key = version_key("__main.")
    return (F.when(~F.col(changes.IS_TOMBSTONE), key) if source.change_data else key).alias("__key")


def version_key(row: str = "") -> Column:
    """Hash what makes a version of a customer record one: whose it is, and when and in which order it was written."""
    order = F.nullif(F.col(f"{row}change_no"), F.lit(""))
    return hashed_key(F.col(f"{row}record_id"), F.unix_micros(F.col(f"{row}valid_from")), order)


def _struct(table: str) -> str:
    return ", ".join(f"`{c.name}`: {c.type}" for c in TARGETS[table].contract.columns)


def _normalise_identifiers(step: DataFrame, source: SourceSpec, mapping: MappingSpec) -> DataFrame:
    normal: dict[str, Column] = {}
    for n, spec in enumerate(mapping.identifiers):
        if spec.type == "email":
            normal[f"__i{n}"] = F.expr(email_key_sql(f"__i{n}"))
        elif spec.type == "phone":
            normal[f"__i{n}"] = phone_column(F.col(f"__i{n}"), source.phone_region)
    return step.withColumns(normal)


def _normalise_contacts(step: DataFrame, source: SourceSpec, outputs: list[Output]) -> DataFrame:
    """Write contact details of profile records in one form; a phone that is none keeps its text."""
    for output in outputs:
        held = {n: c.value_ref for n, c in output.columns.items() if not c.needs_main}
        if output.spec.table != "customer_records" or not held:
            continue
        values = output.place("v", needs_main=False)
        normal = F.col(values)
        if "email" in held:
            normal = normal.withField("email", F.expr(email_sql(held["email"])))
        if "phone" in held:
            phone = F.col(held["phone"])
            normal = normal.withField("phone", F.coalesce(phone_column(phone, source.phone_region), phone))
        step = step.withColumn(values, normal)
    return step


def _key_of(source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> Column:
    """The hash of source, key and version fields."""

    def part(field: str) -> Column:
        given = clean_sql(path_sql(field, fields), null_words=False)
        return F.expr(f"coalesce({given}, {CONTENT_ID})" if field in mapping.filled_fields else given)

    return hashed_key("__source", *(part(field) for field in (*mapping.key, *mapping.versions)), *_place(source))


def _number_repeats(step: DataFrame, mapping: MappingSpec) -> DataFrame:
    """Tell equal keys of one file apart by number where repeats are kept.

    The nth of one file is the nth of any other, so what is delivered again is a duplicate, whatever else came on
    that day or lies in the batch.
    """
    if mapping.repeats == "duplicate":
        return step
    nth = F.row_number().over(Window.partitionBy("__file_id", "__key").orderBy("__record_no", "__landed_id"))
    numbered = step.withColumn("__nth", nth)
    return numbered.withColumn(
        "__key", F.when(F.col("__nth") == 1, F.col("__key")).otherwise(hashed_key("__key", "__nth"))
    )


def _place(source: SourceSpec) -> tuple[str, ...]:
    """What tells the versions of a row apart, where its changes come one by one."""
    return (changes.CHANGED_AT, changes.CHANGE_NO) if source.change_data else ()


def _row_sql(output: Output, source: SourceSpec, *, is_main: bool) -> str:
    """Write one row of the output's table as a struct, from the values of its columns."""
    inputs = output.target.input_types
    values = {
        name: output.columns[name].value_ref if name in output.columns else f"CAST(NULL AS {inputs[name]})"
        for name in inputs
    }
    key = "__key" if is_main else f"left(sha2(concat_ws('|', __key, '{output.spec.table}'{output.nth}), 256), 32)"
    return _fill(output, source, values, key)


def _fill(output: Output, source: SourceSpec, values: dict[str, str], key: str) -> str:
    target = output.target
    fixed = {
        "source": "__source",
        "landed_id": "__landed_id",
        "identifiers": "__identifiers",
        "record_id": "__record_id",
        target.id_column: key,
    }
    row = {**values, **fixed, **target.derive(values)}
    if output.spec.attributes:
        row[str(target.json_column)] = _object_sql(output)
    if "message_id" in output.columns and "is_message_id_filled" in target.derived:
        row["is_message_id_filled"] = f"{output.columns['message_id'].text_ref} IS NULL"
    given_time = output.spec.columns.get(target.time)
    if given_time is not None and given_time.fill == "arrival":
        row[target.time] = f"coalesce({row[target.time]}, {DELIVERED_AT})"
    row["received_at"] = _received_at(values["received_at"], row[target.time], source)
    parts = [f"'{c.name}', CAST({row[c.name]} AS {c.type})" for c in target.contract.columns]
    return f"named_struct({', '.join(parts)})"


def _object_sql(output: Output) -> str:
    if output.alike:
        return object_sql(output.attributes, output.alike)
    pairs = [f"{quote_text(name)}, {c.value_ref}" for name, c in sorted(output.attributes.items())]
    return f"nullif(to_json(named_struct({', '.join(pairs)})), '{{}}')"


def _received_at(given: str, time: str, source: SourceSpec) -> str:
    """Say when the company got to know: its own column, else a declared lag after the fact, else the delivery."""
    lag = source.lag()
    if lag is None:
        return f"coalesce({given}, {DELIVERED_AT})"
    return f"coalesce({given}, ({time}) + INTERVAL {int(lag.total_seconds())} SECONDS, {DELIVERED_AT})"


def _rows_sql(output: Output, source: SourceSpec) -> str:
    if output.prefix == "__0":
        return "array(__main)"
    is_flat = output.spec.explode is None
    rows = f"array({_row_sql(output, source, is_main=False)})" if is_flat else _exploded_sql(output, source)
    return f"CASE WHEN {output.is_wanted} THEN {rows} ELSE array() END"


def _rows_of_table_sql(rows: list[str]) -> str:
    """Write the rows that several outputs give to one table; empty where none does."""
    return rows[0] if len(rows) == 1 else f"concat({', '.join(rows)})" if rows else ""


def _exploded_sql(output: Output, source: SourceSpec) -> str:
    """Write the rows of an exploded list; items are counted from 1."""
    inputs = output.target.input_types
    typed = ", ".join(f"'{c.name}', {c.value}" for c in output.columns.values())
    values = {n: f"row.`{n}`" if n in output.columns else f"CAST(NULL AS {inputs[n]})" for n in inputs}
    if "line_no" in inputs and "line_no" not in output.columns:
        values["line_no"] = "row_no + 1"
    # The lines of an order keep their ids in every body of it.
    whole = f"left(sha2(concat_ws('\x1f', __source, {values['order_id']}), 256), 32)" if output.spec.once else "__key"
    key = f"left(sha2(concat_ws('|', {whole}, CAST(row_no AS STRING){output.nth}), 256), 32)"
    items = f"transform({path_sql(str(output.spec.explode))}, {ITEM} -> named_struct({typed}))"
    return f"transform({items}, (row, row_no) -> {_fill(output, source, values, key)})"
