"""Why a record is refused: every defect of it, as one Spark SQL expression."""

from __future__ import annotations

from cdp.ingest.codes import NO_REASONS, quote_text, reason_sql, reasons_array_sql
from cdp.ingest.columns import DELIVERED_AT, clean_sql, time_sql
from cdp.ingest.fields import ITEM, FieldTree, is_both, path_sql
from cdp.ingest.mapping_spec import Form, Kind, MappingSpec
from cdp.ingest.outputs import Output
from cdp.ingest.parse_json import LARGE_NUMBER, around_sql, is_json_sql, read_sql, record_sql, wrong_kind_sql
from cdp.ingest.spec import SourceSpec
from cdp.ingest.targets import MAX_FUTURE_DAYS

#: When a text has the form of a kind.
_READS_AS: dict[Kind, str] = {
    "string": "true",
    "number": "{0} RLIKE '^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$'",
    "integer": "{0} RLIKE '^[-+]?[0-9]+$'",
    "boolean": "lower({0}) IN ('0', '1', 'true', 'false')",
}
#: The column of a record's reasons that are read off its raw fields.
FIELD_REASONS = "__field_reasons"
#: Faults after which there are no fields to look at.
_FATAL = "bad_json", "bad_xml", "wrong_columns"


def field_reasons_sql(source: SourceSpec, mapping: MappingSpec, fields: FieldTree) -> str:
    """Write the reasons that are read off the raw fields: what is missing, of another kind, or against a check."""
    needed = dict.fromkeys([*mapping.required, *(mapping.key if mapping.repeats == "duplicate" else ())])
    found = [
        f"CASE WHEN {_given_sql(field, fields)} IS NULL THEN {reason_sql(field, 'missing')} END"
        for field in needed
        if field not in mapping.filled_fields
    ]
    found += [_kind_reason(field, kinds, source, fields) for field, kinds in sorted(mapping.types.items())]
    found += [f"CASE WHEN {c.when} THEN {reason_sql(c.field, c.code)} END" for c in mapping.checks]
    return reasons_array_sql(found) if found else NO_REASONS


def reasons_sql(outputs: list[Output], source: SourceSpec, fields: FieldTree) -> str:
    """Write all reasons of a record; a record that could not be taken apart has only its faults.

    Those of its fields (:func:`field_reasons_sql`) stand in the column `FIELD_REASONS`.
    """
    own = [reason for column in outputs[0].every for reason in column.reasons]
    own.append(_time_reason(outputs[0]))
    own.extend(_arrival_reason(outputs[0]))
    alike = [kind.reasons for kind in outputs[0].alike]
    others = [_output_reasons(output, fields) for output in outputs[1:]]
    groups = ", ".join([FIELD_REASONS, reasons_array_sql(own), *alike, *others])
    codes = [*_FATAL, *(() if source.is_read_natively else ("bad_encoding",))]
    is_fatal = " OR ".join(f"array_contains(__fault.code, '{code}')" for code in codes)
    is_fatal += f" OR octet_length(__raw) > {source.max_read_bytes}" if source.is_json else ""
    every = f"concat(coalesce(__fault, {NO_REASONS}), {groups})"
    return f"CASE WHEN {is_fatal} THEN __fault ELSE {every} END"


def clear_reasons_sql(every: str) -> str:
    """Leave out what stands twice or another reason says better: a word of the wrong type is not also unknown, a list
    of the wrong type is not also missing, and what cannot be read for its encoding is not also bad JSON. A step of its
    own: what stands around a lambda is not compiled.
    """
    is_typed = f"exists({every}, other -> other.field = reason.field AND other.code = 'wrong_type')"
    is_coded = f"array_contains({every}.code, 'bad_encoding')"
    clear = f"""filter(array_distinct({every}), reason ->
        NOT ((reason.code LIKE 'unknown%' OR reason.code = 'missing') AND {is_typed})
        AND NOT (reason.code = 'bad_json' AND {is_coded}))"""
    return f"CASE WHEN size({every}) > 1 THEN {clear} ELSE {every} END"


def _kind_reason(field: str, kinds: Kind | tuple[Kind, ...] | Form, source: SourceSpec, fields: FieldTree) -> str:
    """Refuse a value that is of another kind than declared; in text formats, that cannot be read as one."""
    text = path_sql(field, fields)
    given = clean_sql(text, null_words=False)
    if kinds == "time":
        is_none = f"{given} IS NOT NULL AND {time_sql(given, 'iso8601')} IS NULL"
        return f"CASE WHEN {is_none} THEN {reason_sql(field, 'bad_time')} END"
    if kinds == "amount":
        is_none = f"{given} IS NOT NULL AND try_cast({given} AS DECIMAL(18,4)) IS NULL"
        return f"CASE WHEN {is_none} THEN {reason_sql(field, 'wrong_type')} END"
    if kinds == "int32":
        is_none = f"{given} IS NOT NULL AND NOT ({_reads_as('integer', given)})"
        is_beyond = f"{given} IS NOT NULL AND try_cast({given} AS INT) IS NULL"
        wrong, beyond = reason_sql(field, "wrong_type"), reason_sql(field, "out_of_range")
        return f"CASE WHEN {is_none} THEN {wrong} WHEN {is_beyond} THEN {beyond} END"
    allowed = (kinds,) if isinstance(kinds, str) else kinds
    if source.is_json:
        return f"CASE WHEN {wrong_kind_sql(field, text, allowed)} THEN {reason_sql(field, 'wrong_type')} END"
    is_wrong = " AND ".join(f"NOT ({_reads_as(kind, given)})" for kind in allowed)
    reason = f"WHEN {given} IS NOT NULL AND {is_wrong} THEN {reason_sql(field, 'wrong_type')}"
    within = [_within(kind, given) for kind in allowed]
    if all(within):
        is_beyond = " AND ".join(f"({value}) IS NULL" for value in within)
        reason += f" WHEN {given} IS NOT NULL AND {is_beyond} THEN {reason_sql(field, 'out_of_range')}"
    return f"CASE {reason} END"


def _within(kind: Kind, text: str) -> str | None:
    """Write what a text within the range of its kind is read as, and one beyond it as null; None: it has no range."""
    if kind == "number":
        return f"nullif(abs(try_cast({text} AS DOUBLE)), CAST('Infinity' AS DOUBLE))"
    if kind == "integer":
        return f"try_cast({text} AS BIGINT)"
    if kind in ("object", "array"):
        # The reader makes a text of a number beyond a double; it is asked only where there may be one.
        is_made = f"contains({record_sql(read_sql(around_sql(text), 'STRING'))}, 'Infinity\"')"
        may_be = f"{text} RLIKE '{LARGE_NUMBER}' AND NOT contains({text}, 'Infinity\"')"
        return f"CASE WHEN NOT coalesce({may_be} AND {is_made}, false) THEN {text} END"
    return None


def _reads_as(kind: Kind, text: str) -> str:
    if kind in ("object", "array"):
        begins = quote_text("{" if kind == "object" else "[")
        # The first reader refuses a key that comes twice, and stops after the first value; the second goes on.
        return f"startswith({text}, {begins}) AND try_parse_json({text}) IS NOT NULL AND {is_json_sql(text)}"
    return _READS_AS[kind].format(text)


def _given_sql(field: str, fields: FieldTree) -> str:
    """Write what is null where a needed field is not given; an object is given when one of its parts is."""
    node = fields.children.get(field)
    if node is None or not node.children or node.is_list:
        return clean_sql(path_sql(field, fields), null_words=False)
    parts = ", ".join(clean_sql(path_sql(leaf), null_words=True) for leaf in node.leaves(field))
    return f"coalesce({parts})"


def _time_reason(main: Output) -> str:
    """Refuse a main row that says not when, or a time that lies beyond its delivery.

    Where an arrival is required, it says itself that it is missing.
    """
    time, received = main.target.time, main.spec.columns.get("received_at")
    stated = _stated_times(main)
    no_text = f"coalesce({', '.join(main.columns[n].text_ref for n in stated) or 'NULL'}) IS NULL"
    label = main.spec.columns[stated[0]].label(stated[0]) if stated else time
    is_missing = "false" if received and received.required else f"__main.`{time}` IS NULL AND {no_text}"
    is_out = _out_of_range(f"__main.`{time}`", main)
    return f"CASE WHEN {is_missing} THEN {reason_sql(label, 'missing')} WHEN {is_out} THEN {_time_to_blame(main)} END"


def _stated_times(main: Output) -> list[str]:
    return [name for name in (main.target.time, "original_at") if name in main.columns]


def _time_to_blame(main: Output) -> str:
    """Name the field of a time that is out of range: the first that is given, or the arrival where that one is right.

    A time that is counted back from the arrival, or is the arrival, is as wrong as the arrival is.
    """
    stated, received = _stated_times(main), main.spec.columns.get("received_at")
    labels = [main.spec.columns[name].label(name) for name in stated] or [main.target.time]
    blamed = reason_sql(labels[-1], "out_of_range")
    if len(stated) > 1:
        first = reason_sql(labels[0], "out_of_range")
        blamed = f"CASE WHEN {main.columns[stated[0]].text_ref} IS NOT NULL THEN {first} ELSE {blamed} END"
    if received is None or received.field is None:
        return blamed
    is_wrong = _out_of_range(f"coalesce({', '.join(main.columns[n].value_ref for n in stated) or 'NULL'})", main)
    is_given = f"{main.columns['received_at'].value_ref} IS NOT NULL"
    of_arrival = reason_sql(received.field, "out_of_range")
    return f"CASE WHEN {is_given} AND NOT coalesce({is_wrong}, false) THEN {of_arrival} ELSE {blamed} END"


def _out_of_range(time: str, main: Output) -> str:
    """Write whether a time lies well after its delivery, or before its table's first."""
    too_early = f" OR {time} < TIMESTAMP'{main.target.earliest}'" if main.target.earliest else ""
    return f"({_too_late(time, f'least(__main.received_at, {DELIVERED_AT})')}{too_early})"


def _arrival_reason(main: Output) -> list[str]:
    """Refuse a record that says it came after its own delivery."""
    received, spec = main.columns.get("received_at"), main.spec.columns.get("received_at")
    if received is None or spec is None:
        return []
    is_late = _too_late(received.value_ref, DELIVERED_AT)
    return [f"CASE WHEN {is_late} THEN {reason_sql(spec.label('received_at'), 'out_of_range')} END"]


def _too_late(time: str, known: str) -> str:
    return f"{time} > {known} + INTERVAL {MAX_FUTURE_DAYS} DAYS"


def _output_reasons(output: Output, fields: FieldTree) -> str:
    every = [reason for column in output.every for reason in column.reasons]
    found = reasons_array_sql(every) if every else NO_REASONS
    if output.alike:
        found = f"concat({', '.join([found, *(kind.reasons for kind in output.alike)])})"
    if output.spec.explode is not None:
        path = path_sql(output.spec.explode)
        empty = f"array({_no_items(output.spec.explode, fields)})"
        no_object = f"array({reason_sql(output.spec.explode, 'wrong_type')})"
        of_items = f"flatten(transform({path}, {ITEM} -> CASE WHEN {ITEM} IS NULL THEN {no_object} ELSE {found} END))"
        found = f"CASE WHEN {_is_no_list(output.spec.explode, fields)} THEN {empty} ELSE {of_items} END"
    return f"CASE WHEN {output.is_wanted} THEN {found} ELSE {NO_REASONS} END"


def _is_no_list(path: str, fields: FieldTree) -> str:
    """Write whether a list has nothing to look at; the reader takes a lone object for a list of one."""
    node = fields.children.get(path)
    is_other = f" OR NOT startswith({path_sql(path, fields)}, '[')" if node is not None and is_both(node) else ""
    return f"coalesce(size({path_sql(path)}), 0) <= 0{is_other}"


def _no_items(path: str, fields: FieldTree) -> str:
    """Tell a list that is empty or not there from one whose items are no objects, as far as its text was kept."""
    node = fields.children.get(path)
    if node is None or not is_both(node):
        return reason_sql(path, "missing")
    text = path_sql(path, fields)
    has_items = f"startswith({text}, '[') AND NOT {text} RLIKE '^\\\\[\\\\s*]$'"
    return f"CASE WHEN {has_items} THEN {reason_sql(path, 'wrong_type')} ELSE {reason_sql(path, 'missing')} END"
