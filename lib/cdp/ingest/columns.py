"""One column of a mapping as Spark SQL: its text, its typed value, and what can be wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cdp.ingest.codes import quote_text, reason_sql
from cdp.ingest.fields import ITEM, FieldTree, path_sql
from cdp.ingest.folding import fold_sql, fold_word
from cdp.ingest.mapping_spec import ColumnSpec

#: Nulls spelled in words. Exact forms: "Null" as some people write their family name is not among them.
NULL_WORDS = (
    "NULL",
    "null",
    "n/a",
    "N/A",
    "NaN",
    "nan",
    "none",
    "None",
    "NONE",
    "unknown",
    "Unknown",
    "UNKNOWN",
    "undefined",
    "-",
    "--",
    "#N/A",
)
#: ISO 8601 as people write it. What casts of text to a time would take besides ("12:30" is today at 12:30; the
#: names of zones) is kept out by the form, and so is what an offset would move out of the years 1 to 9999.
_DAY = r"(?i)^(?!0000|0001-01-01.*[+]|9999-12-31.*-[0-9:]+$)[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?"
_ISO_FORM = rf"{_DAY}([T ]{_CLOCK} ?(Z|UTC|[-+][0-9]{{2}}(:?[0-9]{{2}})?)?)?$"
#: RFC 3339: a whole time with its offset.
_RFC3339_FORM = rf"{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?(Z|[-+][0-9]{{2}}:[0-9]{{2}})$"
#: The last day of a quarter, or the first of the next.
_LEAP_DAY = "(-(?:(?:03|12)-31|(?:06|09)-30|(?:01|04|07|10)-01))"
#: The last minute of an hour in UTC; some zones are half an hour or a quarter of one off.
_LEAP_MINUTE = "(?:59(?!.*[-+]..:?[1-4][05]$)|29(?=.*[-+]..:?30$)|44(?=.*[+]..:?45$)|14(?=.*-..:?45$))"
_FORMS = {"iso8601": _ISO_FORM, "rfc3339": _RFC3339_FORM}
_EPOCHS = {
    "epoch_us": ("timestamp_micros", 1_000_000),
    "epoch_ms": ("timestamp_millis", 1000),
    "epoch_s": ("timestamp_seconds", 1),
}
#: The id of a record whose sender gave none: a hash of its bytes without the line end.
CONTENT_ID = r"concat('content-', left(sha2(cast(rtrim('\r\n', cast(__raw AS STRING)) AS BINARY), 256), 32))"
#: The midnight that began the day on which a record came.
DELIVERED_AT = "CAST(__delivered_on AS TIMESTAMP)"
#: Seconds of the years 1 and 9999: numbers beyond have no timestamp.
FIRST_SECOND, LAST_SECOND = -62135596800, 253402300799


@dataclass(frozen=True)
class ColumnSql:
    """A column in three steps: `text` from the raw record, `value` and `reasons` from `text` by its reference.

    `text_ref`, `value_ref`: how later steps refer to the two; empty inside an exploded list.
    """

    name: str
    text: str
    value: str
    reasons: tuple[str, ...]
    needs_main: bool
    text_ref: str
    value_ref: str


def clean_sql(text: str, *, null_words: bool) -> str:
    """Trim a text; blank is null, and so are nulls spelled in words where that is asked for.

    Tabs and line ends count as blanks. They are looked for letter by letter, so only where a text begins with a blank.
    """
    blank = f"btrim({text}, ' \\t\\r\\n')"
    # Not nullif: Spark would make its argument a column of a step below, and copy every text once more.
    trimmed = f"CASE WHEN {text} >= '!' THEN trim({text}) WHEN {blank} <> '' THEN {blank} END"
    if not null_words:
        return trimmed
    words = ", ".join(quote_text(word) for word in NULL_WORDS)
    return f"CASE WHEN trim({text}) NOT IN ({words}) THEN {trimmed} END"


def literal_sql(value: str | int | float | bool | None) -> str:
    """Write a constant of a definition as Spark SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote_text(value) if isinstance(value, str) else f"'{value}'"


def compile_column(
    name: str,
    spec: ColumnSpec,
    type_ddl: str,
    *,
    root: FieldTree,
    text_ref: str,
    value_ref: str,
    null_words: bool,
    list_path: str = "",
) -> ColumnSql:
    """Write one column; `text_ref` and `value_ref` are how later steps refer to its text and its value.

    For a column inside an exploded list they are empty: the expressions themselves are used, and `list_path`
    is how reasons call an item.
    """
    words = null_words if spec.null_words is None else spec.null_words
    text = _origin(spec, root, words, is_text=type_ddl == "STRING" or bool(spec.formats) or bool(spec.map))
    reference = text_ref or f"({text})"
    value = _typed(_mapped(reference, spec), spec, type_ddl)
    if spec.default is not None:
        value = f"CASE WHEN {reference} IS NULL THEN CAST({literal_sql(spec.default)} AS {type_ddl}) ELSE {value} END"
    if spec.fill == "content":
        value = f"coalesce({value}, {CONTENT_ID})"
    label = re.sub(rf"^{ITEM}(?=\.)", list_path, spec.label(name)) if list_path else spec.label(name.removeprefix("a_"))
    reasons = _reasons(label, spec, type_ddl, reference, value_ref or f"({value})")
    return ColumnSql(name, text, value, reasons, spec.main is not None, text_ref, value_ref)


def _origin(spec: ColumnSpec, root: FieldTree, null_words: bool, *, is_text: bool) -> str:
    if spec.field is not None:
        return clean_sql(path_sql(spec.field, root), null_words=null_words)
    if spec.main is not None:
        return f"__main.`{spec.main}`"
    if spec.sql is not None:
        return clean_sql(f"CAST(({spec.sql}) AS STRING)", null_words=null_words) if is_text else f"({spec.sql})"
    return literal_sql(spec.value)


def _mapped(text: str, spec: ColumnSpec) -> str:
    if not spec.map:
        return text
    words = {fold_word(k): v for k, v in spec.map.items() if k != "*"}
    # Not CASE: it would fold the text anew for every word.
    pairs = ", ".join(quote_text(part) for pair in words.items() for part in pair)
    found = f"try_element_at(map({pairs}), {fold_sql(text)})"
    if "*" not in spec.map:
        return found
    return f"coalesce({found}, {text if spec.map['*'] == '=' else quote_text(spec.map['*'])})"


def _typed(text: str, spec: ColumnSpec, type_ddl: str) -> str:
    if type_ddl == "STRING":
        return text
    if type_ddl in ("TIMESTAMP", "DATE") and spec.main is None and (spec.sql is None or spec.formats):
        times = [time_sql(text, pattern, type_ddl) for pattern in spec.formats or ("iso8601",)]
        return times[0] if len(times) == 1 else f"coalesce({', '.join(times)})"
    if type_ddl == "DOUBLE":
        number = f"try_cast({text} AS DOUBLE)"
        # Spark takes 1d and 1f for numbers, as Java does; a number beyond a double is Infinity, and NaN is beyond that.
        is_one = f"abs({number}) < CAST('Infinity' AS DOUBLE) AND lower(right({text}, 1)) NOT IN ('d', 'f')"
        return f"CASE WHEN {is_one} THEN {number} END"
    return f"try_cast({text} AS {type_ddl})"


def time_sql(text: str, pattern: str, type_ddl: str = "TIMESTAMP") -> str:
    """Write how a text of a declared form is read as a time; null where it is none."""
    if pattern in _EPOCHS:
        function, per_second = _EPOCHS[pattern]
        number = f"try_cast({text} AS BIGINT)"
        bounds = f"{FIRST_SECOND * per_second} AND {LAST_SECOND * per_second}"
        time = f"CASE WHEN {number} BETWEEN {bounds} THEN {function}({number}) END"
    elif pattern in _FORMS:
        time = f"CASE WHEN {text} RLIKE '{_FORMS[pattern]}' THEN {_iso_time(text)} END"
    else:
        time = f"try_to_timestamp({text}, {quote_text(pattern)})"
    return f"CAST({time} AS DATE)" if type_ddl == "DATE" else time


def _iso_time(text: str) -> str:
    """Read a text of ISO form; what Spark's cast does not know (small letters, a comma, no seconds, a leap second,
    which is the second after it) is written as it does where that is needed. Leap seconds end a quarter in UTC, so
    elsewhere on the globe they are on its last day or the day after: on other days no minute has 61.
    """
    plain = f"replace(upper({text}), ',', '.')"
    whole = f"regexp_replace({plain}, '([T ][0-9]{{2}}:[0-9]{{2}}) ?(Z|UTC|[-+]|$)', '$1:00$2')"
    before_leap = f"regexp_replace({whole}, '{_LEAP_DAY}(.*{_LEAP_MINUTE}):60', '$1$2:59')"
    moved = f"try_cast({before_leap} AS TIMESTAMP) + make_dt_interval(0, 0, 0, if({plain} LIKE '%:__:60%', 1, 0))"
    return f"coalesce(try_cast({text} AS TIMESTAMP), {moved})"


def _reasons(label: str, spec: ColumnSpec, type_ddl: str, text: str, value: str) -> tuple[str, ...]:
    """Write what can be wrong, each as SQL that is a reason or null; a defect hides no other one."""
    found = []
    if spec.required and spec.default is None:
        found.append(f"CASE WHEN {text} IS NULL THEN {reason_sql(label, 'missing')} END")
    if spec.map:
        # A text's value is its word, and null where there is none; only a cast or a filling could make it another.
        word = value if type_ddl == "STRING" and spec.fill is None else _mapped(text, spec)
        found.append(f"CASE WHEN {text} IS NOT NULL AND {word} IS NULL THEN {reason_sql(label, spec.unknown)} END")
    elif type_ddl != "STRING":
        code = "bad_time" if type_ddl in ("TIMESTAMP", "DATE") else "wrong_type"
        found.append(f"CASE WHEN {text} IS NOT NULL AND {value} IS NULL THEN {reason_sql(label, code)} END")
    bounds = [f"{value} {sign} {bound}" for sign, bound in (("<", spec.min), (">", spec.max)) if bound is not None]
    if bounds:
        found.append(f"CASE WHEN {' OR '.join(bounds)} THEN {reason_sql(label, 'out_of_range')} END")
    return tuple(found)
