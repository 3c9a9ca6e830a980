"""Apply a mapping: parsed records to rows of silver tables, with every reason to refuse a record.

A mapping is compiled to Spark SQL text once; all of it runs as native expressions in one pass. The steps are
columns of their own (text, then value, then row), so that no expression is computed twice.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.core.keys import hashed_key
from cdp.ingest import change_mapping as changes
from cdp.ingest.columns import CONTENT_ID, ColumnSql, clean_sql
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
from cdp.ingest.reasons import clear_reasons_sql, reasons_sql
from cdp.ingest.spec import SourceSpec
from cdp.ingest.targets import TARGETS

TABLES = tuple(TARGETS)
_KEPT = tuple(f"__{column}" for column in KEPT)


def map_records(parsed: DataFrame, source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> DataFrame:
    """Give one row per record: its landed columns, `__key` (the id of its main row), `__reasons`, and per table an
    array of rows in the shape of the table's contract.
    """
    outputs = [compile_output(n, output, mapping, fields) for n, output in enumerate(mapping.outputs)]
    step = _add_identifiers(parsed, source, mapping, fields)
    flat = [o for o in outputs if o.spec.explode is None]
    step = _add_columns(step, [(o, c) for o in flat for c in o.every if not c.needs_main])
    step = _normalise_contacts(step, source, flat)
    step = _add_key(step, source, mapping, fields)
    step = step.withColumn("__main", F.expr(_row_sql(outputs[0], source, is_main=True)))
    step = _add_columns(step, [(o, c) for o in flat for c in o.every if c.needs_main])
    rows: dict[str, str] = {o.spec.table: _rows_sql(o, source) for o in outputs}
    arrays = [F.expr(rows.get(t, "array()")).cast(f"ARRAY<STRUCT<{_struct(t)}>>").alias(t) for t in TABLES]
    every = F.expr(reasons_sql(outputs, source, mapping, fields)).alias("__every")
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


def _add_columns(step: DataFrame, columns: list[tuple[Output, ColumnSql]]) -> DataFrame:
    """Add the text and then the typed value of columns."""
    if not columns:
        return step
    step = step.select("*", *(F.expr(c.text).alias(f"{o.prefix}t_{c.name}") for o, c in columns))
    return step.select("*", *(F.expr(c.value).alias(f"{o.prefix}v_{c.name}") for o, c in columns))


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


def _add_identifiers(parsed: DataFrame, source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> DataFrame:
    texts = [F.expr(identifier_text_sql(spec, fields)).alias(f"__i{n}") for n, spec in enumerate(mapping.identifiers)]
    step = parsed.select("*", *texts)
    for n, spec in enumerate(mapping.identifiers):
        if spec.type == "email":
            step = step.withColumn(f"__i{n}", F.expr(email_key_sql(f"__i{n}")))
        elif spec.type == "phone":
            step = step.withColumn(f"__i{n}", phone_column(F.col(f"__i{n}"), source.phone_region))
    typed = [(spec.type, f"__i{n}") for n, spec in enumerate(mapping.identifiers)]
    return step.withColumn("__identifiers", F.expr(identifiers_sql(typed))).withColumn(
        "__record_id", F.expr(record_id_sql("__identifiers"))
    )


def _normalise_contacts(step: DataFrame, source: SourceSpec, outputs: list[Output]) -> DataFrame:
    """Write contact details of profile records in one form; a phone that is none keeps its text."""
    for output in outputs:
        if output.spec.table != "customer_records":
            continue
        email, phone = f"{output.prefix}v_email", f"{output.prefix}v_phone"
        if email in step.columns:
            step = step.withColumn(email, F.expr(email_sql(f"`{email}`")))
        if phone in step.columns:
            step = step.withColumn(phone, F.coalesce(phone_column(F.col(phone), source.phone_region), F.col(phone)))
    return step


def _add_key(step: DataFrame, source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> DataFrame:
    """Add `__key`, the hash of source, key and version fields; equal ones are numbered where repeats are kept."""
    filled = filled_fields(mapping)

    def part(field: str) -> Column:
        given = clean_sql(path_sql(field, fields), null_words=False)
        return F.expr(f"coalesce({given}, {CONTENT_ID})" if field in filled else given)

    key = hashed_key("__source", *(part(field) for field in (*mapping.key, *mapping.versions)), *_place(source))
    step = step.withColumn("__key", key)
    if mapping.repeats == "duplicate":
        return step
    nth = F.row_number().over(Window.partitionBy("__delivered_on", "__key").orderBy("__file_id", "__record_no"))
    numbered = step.withColumn("__nth", nth)
    return numbered.withColumn(
        "__key", F.when(F.col("__nth") == 1, F.col("__key")).otherwise(hashed_key("__key", "__nth"))
    )


def _place(source: SourceSpec) -> tuple[str, ...]:
    """What tells the versions of a row apart, where its changes come one by one."""
    return (changes.CHANGED_AT, changes.CHANGE_NO) if source.change_data else ()


def filled_fields(mapping: MappingSpec) -> set[str]:
    """Raw fields that need not be given, because the record's content stands in for them."""
    return {str(c.field) for c in mapping.outputs[0].columns.values() if c.fill == "content"}


def _row_sql(output: Output, source: SourceSpec, *, is_main: bool) -> str:
    """Write one row of the output's table as a struct, from the values of its columns."""
    inputs = output.target.input_types
    values = {
        name: output.value(name) if name in output.columns else f"CAST(NULL AS {inputs[name]})" for name in inputs
    }
    key = "__key" if is_main else f"left(sha2(concat_ws('|', __key, '{output.spec.table}'), 256), 32)"
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
    if output.attributes:
        row[str(target.json_column)] = _object_sql(output)
    if "message_id" in output.columns and "is_message_id_filled" in target.derived:
        row["is_message_id_filled"] = f"{output.text('message_id')} IS NULL"
    given_time = output.spec.columns.get(target.time)
    if given_time is not None and given_time.fill == "arrival":
        row[target.time] = f"coalesce({row[target.time]}, CAST(__delivered_on AS TIMESTAMP))"
    row["received_at"] = _received_at(values["received_at"], row[target.time], source)
    parts = [f"'{c.name}', CAST({row[c.name]} AS {c.type})" for c in target.contract.columns]
    return f"named_struct({', '.join(parts)})"


def _object_sql(output: Output) -> str:
    pairs = [f"'{name}', {output.value(c.name)}" for name, c in sorted(output.attributes.items())]
    return f"nullif(to_json(named_struct({', '.join(pairs)})), '{{}}')"


def _received_at(given: str, time: str, source: SourceSpec) -> str:
    """Say when the company got to know: its own column, else a declared lag after the fact, else the delivery."""
    lag = source.lag()
    delivered = "CAST(__delivered_on AS TIMESTAMP)"
    if lag is None:
        return f"coalesce({given}, {delivered})"
    return f"coalesce({given}, ({time}) + INTERVAL {int(lag.total_seconds())} SECONDS, {delivered})"


def _rows_sql(output: Output, source: SourceSpec) -> str:
    if output.prefix == "__0":
        return "array(__main)"
    is_flat = output.spec.explode is None
    rows = f"array({_row_sql(output, source, is_main=False)})" if is_flat else _exploded_sql(output, source)
    return f"CASE WHEN {output.condition} THEN {rows} ELSE array() END"


def _exploded_sql(output: Output, source: SourceSpec) -> str:
    """Write the rows of an exploded list; items are counted from 1."""
    inputs = output.target.input_types
    typed = ", ".join(f"'{c.name}', {c.value}" for c in output.columns.values())
    values = {n: f"row.`{n}`" if n in output.columns else f"CAST(NULL AS {inputs[n]})" for n in inputs}
    if "line_no" in inputs and "line_no" not in output.columns:
        values["line_no"] = "row_no + 1"
    # The lines of an order keep their ids in every body of it.
    whole = f"left(sha2(concat_ws('\x1f', __source, {values['order_id']}), 256), 32)" if output.spec.once else "__key"
    key = f"left(sha2(concat_ws('|', {whole}, CAST(row_no AS STRING)), 256), 32)"
    items = f"transform({path_sql(str(output.spec.explode))}, {ITEM} -> named_struct({typed}))"
    return f"transform({items}, (row, row_no) -> {_fill(output, source, values, key)})"
