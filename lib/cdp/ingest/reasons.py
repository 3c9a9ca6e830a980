"""Why a record is refused: every defect of it, as one Spark SQL expression."""

from __future__ import annotations

from cdp.contracts.model import REASONS_TYPE
from cdp.ingest.codes import reason_sql
from cdp.ingest.columns import clean_sql
from cdp.ingest.fields import ITEM, FieldTree, path_sql
from cdp.ingest.outputs import Output
from cdp.ingest.spec import MappingSpec
from cdp.ingest.targets import MAX_FUTURE_DAYS

_NONE = f"CAST(array() AS {REASONS_TYPE})"


def reasons_sql(outputs: list[Output], mapping: MappingSpec, fields: FieldTree) -> str:
    """Write all reasons of a record, distinct; a record that could not be taken apart has only that one."""
    needed = [*mapping.required, *(mapping.key if mapping.repeats == "duplicate" else ())]
    own = [
        f"CASE WHEN {_given_sql(f, fields)} IS NULL THEN {reason_sql(f, 'missing')} END" for f in dict.fromkeys(needed)
    ]
    own += [reason for column in outputs[0].every for reason in column.reasons]
    own.append(_time_reason(outputs[0]))
    groups = ", ".join([f"array_compact(array({', '.join(own)}))", *(_output_reasons(o) for o in outputs[1:])])
    # A misfit leaves the rest of the record readable, so its other defects are named beside it.
    is_fatal = "__fault IS NOT NULL AND __fault[0].code <> 'wrong_type'"
    return f"CASE WHEN {is_fatal} THEN __fault ELSE array_distinct(concat(coalesce(__fault, {_NONE}), {groups})) END"


def _given_sql(field: str, fields: FieldTree) -> str:
    """Write what is null where a needed field is not given; an object is given when one of its parts is."""
    node = fields.children.get(field)
    if node is None or not node.children or node.is_list:
        return clean_sql(path_sql(field, fields), null_words=False)
    parts = ", ".join(clean_sql(path_sql(leaf), null_words=True) for leaf in node.leaves(field))
    return f"coalesce({parts})"


def _time_reason(main: Output) -> str:
    """Refuse a main row that says not when, or a time that lies beyond its delivery."""
    time = main.target.time
    given = [n for n in (time, "original_at") if n in main.columns]
    spec = main.spec.columns[given[0]] if given else None
    label = spec.field if spec and spec.field else time
    no_text = f"coalesce({', '.join(main.text(n) for n in given) or 'NULL'}) IS NULL"
    missing = f"WHEN __main.`{time}` IS NULL AND {no_text} THEN {reason_sql(label, 'missing')}"
    too_late = f"WHEN __main.`{time}` > CAST(date_add(__delivered_on, {MAX_FUTURE_DAYS}) AS TIMESTAMP)"
    return f"CASE {missing} {too_late} THEN {reason_sql(label, 'out_of_range')} END"


def _output_reasons(output: Output) -> str:
    every = [reason for column in output.every for reason in column.reasons]
    found = f"array_compact(array({', '.join(every)}))" if every else _NONE
    if output.spec.explode is not None:
        path = path_sql(output.spec.explode)
        empty = f"array({reason_sql(output.spec.explode, 'missing')})"
        of_items = f"flatten(transform({path}, {ITEM} -> {found}))"
        found = f"CASE WHEN coalesce(size({path}), 0) <= 0 THEN {empty} ELSE {of_items} END"
    return f"CASE WHEN {output.condition} THEN {found} ELSE {_NONE} END"
