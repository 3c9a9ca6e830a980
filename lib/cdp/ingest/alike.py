"""Many attributes that differ in their field alone, as one expression over a list of them.

Spark plans and compiles each expression that it is given, at some milliseconds a column: of thousands of columns it
takes minutes. A function over a list is planned once, however long the list is; what is slower is each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdp.ingest.codes import NO_REASONS, quote_text
from cdp.ingest.columns import ColumnSql, compile_column
from cdp.ingest.fields import FieldTree, path_sql
from cdp.ingest.mapping_spec import ColumnSpec

#: Fewer attributes than this are faster when each is compiled by itself.
MANY = 200


@dataclass(frozen=True)
class Alike:
    """Attributes of one kind: `sql` is as of one column, but its text and value are lists in the order of `names`.

    `reasons`: SQL of the list of all their reasons.
    """

    names: tuple[str, ...]
    sql: ColumnSql
    reasons: str


def find_alike(attributes: Mapping[str, ColumnSpec]) -> list[list[str]]:
    """Group the names of attributes that differ in their field alone, where there are many of a kind."""
    kinds: dict[str, list[str]] = {}
    for name, spec in attributes.items():
        if spec.field is not None:
            kinds.setdefault(spec.model_dump_json(exclude={"field"}), []).append(name)
    return [names for names in kinds.values() if len(names) >= MANY]


def compile_alike(
    label: str,
    attributes: Mapping[str, ColumnSpec],
    *,
    root: FieldTree,
    text_ref: str,
    value_ref: str,
    null_words: bool,
) -> Alike:
    """Write attributes of one kind; `text_ref` and `value_ref` are how later steps refer to the two lists.

    No list is named inside a function over another: Spark would put there what makes the list, to make it once an item.
    """
    fields = [str(spec.field) for spec in attributes.values()]
    spec = next(iter(attributes.values())).model_copy(update={"field": "x"})
    kind = spec.type or "STRING"
    one = compile_column(label, spec, kind, root=FieldTree(), text_ref="t", value_ref="v", null_words=null_words)
    text = f"transform(array({', '.join(path_sql(field, root) for field in fields)}), x -> {one.text})"
    value = f"transform({text_ref}, t -> {one.value})"
    reasons = NO_REASONS
    if one.reasons:
        found = f"zip_with({text_ref}, {value_ref}, (t, v) -> array_compact(array({', '.join(one.reasons)})))"
        named = "named_struct('field', name, 'code', reason.code, 'message', reason.message)"
        names = f"array({', '.join(map(quote_text, fields))})"
        reasons = f"flatten(zip_with({found}, {names}, (found, name) -> transform(found, reason -> {named})))"
    sql = ColumnSql(label, text, value, (), False, text_ref, value_ref)
    return Alike(tuple(attributes), sql, reasons)


def object_sql(single: Mapping[str, ColumnSql], alike: Sequence[Alike]) -> str:
    """Write all attributes as the text of a JSON object, in the order of their names; no value, no member."""
    place = {name: n for n, name in enumerate(sorted([*single, *(name for kind in alike for name in kind.names)]))}

    def member(name: str, value: str) -> str:
        return f"CASE WHEN {value} IS NOT NULL THEN btrim(to_json(map({name}, {value})), '{{}}') END"

    lists = [
        f"zip_with({kind.sql.value_ref}, {_places(kind.names, place)}, (v, to) -> "
        f"named_struct('place', to.place, 'member', {member('to.name', 'v')}))"
        for kind in alike
    ]
    if single:
        each = {place[name]: member(quote_text(name), column.value_ref) for name, column in single.items()}
        lists.append("array(" + ", ".join(f"named_struct('place', {n}, 'member', {m})" for n, m in each.items()) + ")")
    return f"nullif(concat('{{', array_join(array_sort(concat({', '.join(lists)})).member, ','), '}}'), '{{}}')"


def _places(names: Sequence[str], place: Mapping[str, int]) -> str:
    listed = (f"named_struct('place', {place[name]}, 'name', {quote_text(name)})" for name in names)
    return f"array({', '.join(listed)})"
