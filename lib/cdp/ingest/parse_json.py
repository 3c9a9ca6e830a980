"""Take JSON records apart by Spark's own JSON reader, and see what it would let pass.

Spark reads the first value of a text and stops, takes NaN and single quotes for JSON, and writes a number beyond a
double as "Infinity". So the record is read as the one item of a list with an end behind it, where anything after the
record is a syntax error, another item, or hides the end; the lenient words are switched off; such numbers are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.ingest.codes import NO_REASONS, quote_text, reason_sql, reasons_array_sql
from cdp.ingest.fields import TEXT_SUFFIX, FieldTree, is_both
from cdp.ingest.mapping_spec import Kind
from cdp.ingest.spec import SourceSpec

_CORRUPT = "__corrupt"
_AROUND = "__around"
#: A record without the blanks after it.
TRIMMED = r"rtrim(' \t\r\n', __text)"
_OPTIONS = (
    f"map('mode', 'PERMISSIVE', 'columnNameOfCorruptRecord', '{_CORRUPT}', "
    "'allowNonNumericNumbers', 'false', 'allowSingleQuotes', 'false', "
    # A text of more than 20 million letters would else be no JSON; whether it is too large is the source's to say.
    "'maxStringLen', '2147483647')"
)
_NUMBER = r"-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?|\"-?Infinity\""
#: A member's name that is not written as it reads, as "\u0074ype".
_ESCAPED_NAME = r'\\\\(u(?![dD][89a-fA-F])|/)[^"]*"\\s*:'
#: A number that may be beyond a double.
LARGE_NUMBER = "[0-9][eE][+]?[0-9]{3}|[0-9]{309}"
#: What a value of another kind looks like once it is text; its true kind is only looked up where it looks wrong. Nearly
#: every text is told by its first letter.
_LOOKS: dict[Kind, str] = {
    "number": "{0} < ':' AND {0} RLIKE '^(" + _NUMBER + ")$'",
    "boolean": "{0} IN ('true', 'false')",
    "object": "startswith({0}, '{{')",
    "array": "startswith({0}, '[')",
}
_KIND_NAMES: dict[Kind, str] = {
    "string": "STRING",
    "number": "BIGINT|DECIMAL.*|DOUBLE",
    "integer": r"BIGINT|DECIMAL\\([0-9]+,0\\)",
    "boolean": "BOOLEAN",
    "object": "OBJECT.*",
    "array": "ARRAY.*",
}


def with_text(records: DataFrame, spec: SourceSpec) -> DataFrame:
    """Add `__is_utf8`, and `__text`, the record as text without the blanks before it; bytes that are not UTF-8 are
    replaced, so that other defects are named too. Blanks after it are looked for letter by letter, and harm nobody.
    Null for a record that is too large to be taken apart.
    """
    text = "CAST(__raw AS STRING)"
    told = records.withColumn("__is_utf8", F.expr(f"is_valid_utf8({text})"))
    is_read = f"octet_length(__raw) <= {spec.max_read_bytes}"
    valid = f"CASE WHEN __is_utf8 AND {is_read} THEN {text} WHEN {is_read} THEN make_valid_utf8({text}) END"
    told = told.withColumn("__text", F.expr(valid))
    # Spark's ltrim copies the text even where there is nothing to leave out.
    return told.withColumn("__text", F.expr(r"if(startswith(__text, '{'), __text, ltrim(' \t\r\n\ufeff', __text))"))


def parse_json(records: DataFrame, spec: SourceSpec, fields: FieldTree, parts_when: Mapping[str, str]) -> DataFrame:
    """Give one column per top-level raw field and `__fault` from `__text`; what begins with `__` is given on.

    See parse_records. Of a key that comes twice the last one counts, as RFC 8259 says most readers do.
    """
    both = {name: node for name, node in fields.children.items() if is_both(node)}
    # What is asked for many fields, and of names only where there is an escape at all.
    told = records.withColumn("__is_escaped", F.contains("__text", F.lit("\\")))
    told = told.withColumn("__has_escaped_name", F.expr(rf"__is_escaped AND __text RLIKE '{_ESCAPED_NAME}'"))
    return read_fields(told, "__text", fields, parts_when, fault=_fault_sql(spec, fields, both))


def read_fields(
    records: DataFrame, text: str, fields: FieldTree, parts_when: Mapping[str, str], *, fault: str
) -> DataFrame:
    """Give one column per top-level raw field from a JSON text, and `__fault`, which may refer to `__json`."""
    both = {name: node for name, node in fields.children.items() if is_both(node)}
    schema = ", ".join(
        f"`{name}` {'STRING' if name in both else node.ddl()}" for name, node in sorted(fields.children.items())
    )
    around = records.withColumn(_AROUND, F.expr(around_sql(text)))
    parsed = around.withColumn("__json", F.expr(read_sql(_as_it_is(_AROUND), f"STRUCT<{schema}>")))
    columns = [
        f"{record_sql('__json')}.`{n}` AS `{n + TEXT_SUFFIX if n in both else n}`" for n in sorted(fields.children)
    ]
    flat = parsed.selectExpr(*(f"`{c}`" for c in records.columns), *columns, f"{fault} AS __fault")
    return _take_parts(flat, both, parts_when)


def _take_parts(flat: DataFrame, both: Mapping[str, FieldTree], parts_when: Mapping[str, str]) -> DataFrame:
    """Take the whole fields apart whose parts are wanted too."""
    whole = {name: f"`{name}{TEXT_SUFFIX}`" for name in both}
    needed = {
        f"__{name}": F.expr(f"CASE WHEN ({parts_when.get(name, 'true')}) AND {text} <> '' THEN {text} END")
        for name, text in whole.items()
    }
    parts = {
        name: F.expr(f"from_json({_as_it_is(f'`__{name}`')}, {quote_text(node.ddl())})")
        for name, node in sorted(both.items())
    }
    return flat.withColumns(needed).withColumns(parts).drop(*needed)


def _as_it_is(column: str) -> str:
    """Refer to a column inside from_json, so that it stays a column.

    Spark does not compile what stands inside from_json, and interprets every look into a struct at the price of a
    configuration built anew. Its optimiser moves in there what is used once, and a field of a struct always.
    """
    return f"coalesce({column}, {column})"


def wrong_kind_sql(field: str, text: str, kinds: tuple[Kind, ...]) -> str:
    """Write a condition that is true where a field is of none of the kinds; `text` is its value as text.

    Cheap questions come first: patterns cost as much as the whole parsing, and hardly a record needs them. A null is
    asked for first of all: "null AND x" looks at x.
    """
    if "string" in kinds:
        others = [_LOOKS[kind].format(text) for kind in _LOOKS if kind not in kinds]
        is_odd = f"{text} IS NOT NULL AND ({' OR '.join(others)})"
    else:
        # A text that holds JSON looks like the JSON it holds; quotes in it are escaped in the record.
        start = rf'"{re.escape(field.rpartition(".")[2])}"\s*:\s*"'
        quoted = f"(__text RLIKE {quote_text(start)} OR __has_escaped_name)"
        can_be = f"(NOT contains({text}, '\"') OR __is_escaped)"
        is_odd = (
            f"{text} IS NOT NULL AND (NOT {_fits(text, kinds)} OR {can_be} AND {quoted}{_no_fraction(text, kinds)})"
        )
    names = "|".join(_KIND_NAMES[kind] for kind in kinds)
    top, *below = field.split(".")
    value = f"from_json(__text, {quote_text(f'`{top}` VARIANT')}).`{top}`"
    if below:
        path = "$" + "".join(f'["{name}"]' for name in below)
        value = f"try_variant_get({value}, {quote_text(path)}, 'variant')"
    return f"({is_odd} AND NOT coalesce(schema_of_variant({value}) RLIKE '^({names})$', false))"


def _fits(text: str, kinds: tuple[Kind, ...]) -> str:
    looks = (_LOOKS["number" if kind == "integer" else kind].format(text) for kind in kinds)
    return f"({' OR '.join(looks)})"


def _no_fraction(text: str, kinds: tuple[Kind, ...]) -> str:
    return f" OR {text} RLIKE '[.eE]'" if "integer" in kinds and "number" not in kinds else ""


def around_sql(text: str) -> str:
    """Write a JSON value as the one item of a list with an end behind it, for :func:`read_sql`."""
    return f"concat('{{\"r\":[', {text}, '],\"end\":1}}')"


def read_sql(around: str, type_ddl: str) -> str:
    """Write how a JSON value is read strictly, as a struct for :func:`record_sql` and :func:`is_whole_sql`."""
    outer = quote_text(f"r ARRAY<{type_ddl}>, end STRING, `{_CORRUPT}` STRING")
    return f"from_json({around}, {outer}, {_OPTIONS})"


def record_sql(read: str) -> str:
    """Write the value that was read."""
    return f"get({read}.r, 0)"


def is_alone_sql(read: str) -> str:
    """Write whether what was read is one value with nothing after it, be its parts of the types asked for or not."""
    return f"(size({read}.r) = 1 AND {read}.end <=> '1')"


def is_whole_sql(read: str) -> str:
    """Write whether what was read is one value with nothing after it, and all of it of the types asked for."""
    return f"({read}.`{_CORRUPT}` IS NULL AND {is_alone_sql(read)})"


def is_json_sql(text: str) -> str:
    """Write whether a text is one JSON value and nothing else."""
    return is_whole_sql(read_sql(around_sql(text), "STRING"))


def _fault_sql(spec: SourceSpec, fields: FieldTree, both: Mapping[str, FieldTree]) -> str:
    """Write the check of a JSON record's form: reasons or null.

    A record that is JSON, but has a text where an object should be, is of the wrong type there and nowhere else.
    """
    objects = [name for name, node in sorted(fields.children.items()) if node.children and name not in both]
    misfits = [
        f"CASE WHEN left(get_json_object(__text, {quote_text('$.' + name)}), 1) NOT IN ('{{', '[') "
        f"THEN {reason_sql(name, 'wrong_type')} END"
        for name in objects
    ]
    named = reasons_array_sql(misfits) if misfits else NO_REASONS
    is_json = f"startswith(__text, '{{') AND {is_json_sql('__text')}"
    is_read = f"startswith(__text, '{{') AND {is_whole_sql('__json')}"
    is_made = _is_number_made(fields)
    form = f"""CASE
        WHEN __text IS NULL THEN NULL
        WHEN {is_read} THEN CASE WHEN {is_made} THEN array({reason_sql("", "out_of_range")}) END
        WHEN NOT ({is_json}) THEN array({reason_sql("", "bad_json")})
        WHEN size({named}) > 0 THEN {named}
        ELSE array({reason_sql("", "wrong_type")}) END"""
    is_large = " AND ".join(f"octet_length({t}) > {spec.max_record_bytes}" for t in ("__text", TRIMMED))
    too_large = f"CASE WHEN __text IS NULL OR {is_large} THEN {reason_sql('', 'too_large')} END"
    bad_encoding = f"CASE WHEN NOT __is_utf8 THEN {reason_sql('', 'bad_encoding')} END"
    other = reasons_array_sql([too_large, bad_encoding])
    found = f"nullif(concat({other}, coalesce({form}, {NO_REASONS})), {NO_REASONS})"
    # Nearly every record is fine: it is asked at once, and makes no list (nor, by nullif, a step of its own).
    is_fine = f"__is_utf8 AND octet_length(__text) <= {spec.max_record_bytes} AND {is_read} AND NOT ({is_made})"
    return f"CASE WHEN NOT coalesce({is_fine}, false) THEN {found} END"


def _is_number_made(fields: FieldTree) -> str:
    """Write whether a number beyond a double became a text in one of the fields that are read as text."""
    whole = [name for name, node in sorted(fields.children.items()) if not node.children or is_both(node)]
    # An escape may have hidden the word.
    is_number = f"(NOT __is_escaped OR __text RLIKE '{LARGE_NUMBER}')"
    tops = [f"contains({record_sql('__json')}.`{name}`, 'Infinity\"')" for name in whole]
    hidden = f"NOT contains(__text, 'Infinity\"') AND {is_number}"
    return f"coalesce({' OR '.join(tops)}, false) AND {hidden}" if tops else "false"
