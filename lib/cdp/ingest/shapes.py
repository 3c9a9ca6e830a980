"""The shape of a source's records: which fields they have and of which type, and how that differs from before.

Types are read off the values of records that are JSON text; of CSV files the columns are known and everything is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

#: Of a large file every record up to this number is looked at, and of the others one in so many: a field that some
#: hundred records have is found, and a delivery of millions costs no more than a fraction of its parsing.
_FIRST_RECORDS, _ONE_IN = 10_000, 16
#: An object with more members than this has data for names (ids, dates): its members are no fields.
_MOST_MEMBERS = 100
#: What is nested deeper is one record's and nobody's schema; the reader calls itself once a level.
_DEEPEST = 50
_BRACKET = re.compile(r"`(?:[^`]|``)*`|[<>]")
#: Other names are data, and maybe somebody's.
_NAME = re.compile(r"(?!\d)[\w$][\w$ :-]{0,63}")
_TYPES = {
    "BIGINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "STRING": "string",
    "VOID": "null",
}
#: What holds the values of both types; of others it is mixed.
_WIDER = {frozenset(("integer", "number")): "number"}


@dataclass(frozen=True)
class FieldShape:
    """The type of a field, and whether every record has it (None: not known)."""

    type: str
    is_always: bool | None = None


Shape = Mapping[str, FieldShape]


def shown_texts(landed: DataFrame, json_sources: Iterable[str]) -> DataFrame:
    """The file_id of every landed record, and its text where it is looked at; null for others and other sources."""
    is_seen = (F.col("record_no") <= _FIRST_RECORDS) | (F.col("record_no") % _ONE_IN == 0)
    record = F.expr("ltrim(' \t\r\n\ufeff', make_valid_utf8(CAST(raw AS STRING)))")
    seen = landed.select("file_id", F.when(F.col("source").isin(*json_sources) & is_seen, record).alias("text"))
    # A step of its own: in one with the text, Spark would make the text twice.
    return seen.withColumn("text", F.when(F.startswith("text", F.lit("{")), F.col("text")))


def shape_columns(text: str) -> list[Column]:
    """Aggregates of a column of :func:`shown_texts`: `schema` of all (Spark's words), `names` of their members.

    `names`: the distinct sets of outermost member names, each as a JSON list. Null and empty where there is no text.
    """
    keys = F.to_json(F.sort_array(F.json_object_keys(text)))
    return [F.schema_of_variant_agg(F.try_parse_json(text)).alias("schema"), F.collect_set(keys).alias("names")]


def shape_of_schema(schema: str, names: Sequence[Sequence[str]]) -> dict[str, FieldShape]:
    """The shape that :func:`shape_columns` found: dotted path -> type; `a[].b` is a member of a list's items."""
    always = set(names[0]).intersection(*names[1:]) if names else set()
    found: dict[str, FieldShape] = {}
    _read_type(schema, 0, "", found, 0)
    return {
        path: FieldShape(field.type, path in always if is_outermost(path) else None) for path, field in found.items()
    }


def shape_of_header(header: Iterable[str]) -> dict[str, FieldShape]:
    """The shape of a CSV file."""
    return {name: FieldShape("string", True) for name in header if _NAME.fullmatch(name)}


def unite_shapes(shapes: Sequence[Shape]) -> dict[str, FieldShape]:
    """The shape of a delivery of several files: a field that one of them lacks is not always there."""
    united: dict[str, FieldShape] = {}
    for shape in shapes:
        for path, field in shape.items():
            before = united.get(path)
            kind = field.type if before is None else widen(before.type, field.type)
            united[path] = FieldShape(kind, field.is_always)
    everywhere = {path: [shape.get(path) for shape in shapes] for path in united if is_outermost(path)}
    return {
        path: FieldShape(field.type, all(f is not None and f.is_always for f in everywhere[path]))
        if path in everywhere
        else field
        for path, field in united.items()
    }


def widen(left: str, right: str) -> str:
    """The type that holds the values of both."""
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    return _WIDER.get(frozenset((left, right)), "mixed")


def is_outermost(path: str) -> bool:
    """Whether a path is a field of the record itself."""
    return "." not in path and "[" not in path


def _read_type(text: str, at: int, path: str, found: dict[str, FieldShape], depth: int) -> int:
    """Read one type of Spark's words from a place on, note its fields, and give the place after it."""
    if depth > _DEEPEST and text.startswith(("OBJECT<", "ARRAY<"), at):
        kind, at = "object" if text.startswith("OBJECT<", at) else "list", _after_type(text, at)
    elif text.startswith("OBJECT<", at):
        members: dict[str, FieldShape] = {}
        at, count = _read_members(text, at + len("OBJECT<"), path, members, depth + 1)
        if count <= _MOST_MEMBERS or not path:
            found |= members
        kind = "object"
    elif text.startswith("ARRAY<", at):
        at, kind = _read_type(text, at + len("ARRAY<"), f"{path}[]", found, depth + 1) + 1, "list"
        found.pop(f"{path}[]", None)
    else:
        word = re.compile(r"[A-Z_]+(\(\d+,\s*(\d+)\))?").match(text, at)
        assert word is not None, "a schema as Spark writes it"
        at, name = word.end(), word[0].split("(")[0]
        kind = ("integer" if word[2] == "0" else "number") if name == "DECIMAL" else _TYPES.get(name, "mixed")
    if path:
        found[path] = FieldShape(kind)
    return at


def _after_type(text: str, at: int) -> int:
    """The place after a type whose parts are not looked at."""
    n_open = 0
    for bracket in _BRACKET.finditer(text, at):
        n_open += {"<": 1, ">": -1}.get(bracket[0], 0)
        if n_open == 0 and bracket[0] == ">":
            return bracket.end()
    return len(text)


def _read_members(text: str, at: int, path: str, found: dict[str, FieldShape], depth: int) -> tuple[int, int]:
    count = 0
    while text[at] != ">":
        if text[at] == "`":
            end = at + 1
            while text[end] != "`" or text.startswith("``", end):
                end += 2 if text.startswith("``", end) else 1
            name, at = text[at + 1 : end].replace("``", "`"), end + 1
        else:
            end = text.index(":", at)
            name, at = text[at:end], end
        below: dict[str, FieldShape] = {}
        at = _read_type(text, at + 2, f"{path}.{name}" if path else name, below, depth)
        if _NAME.fullmatch(name):
            found |= below
        count += 1
        at += 2 if text.startswith(", ", at) else 0
    return at + 1, count
