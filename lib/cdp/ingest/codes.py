"""The closed list of reasons for which a record is refused."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from cdp.contracts.model import REASONS_TYPE

#: code -> sentence. The sentence never holds a value of the record: refusals are read by more people than the data.
REFUSAL_CODES = MappingProxyType(
    {
        "bad_file": "the file cannot be read to its end, so none of it was taken",
        "bad_json": "the record is not one JSON object",
        "bad_xml": "the element is not well-formed XML",
        "bad_encoding": "the bytes are not valid in the declared encoding",
        "wrong_columns": "the row does not split into the columns of the header",
        "missing": "a required field is missing or empty",
        "wrong_type": "the value cannot be read as the declared type",
        "bad_time": "the value cannot be read as a time or date in the declared formats",
        "out_of_range": "the value lies outside the allowed range",
        "too_large": "the record is larger than the allowed size",
        "bad_name": "a field has a name that the source's specification does not allow",
        "unknown_value": "the value is not one of the allowed values",
        "unknown_call": "the call is not one that the source's specification knows",
    }
)

NO_REASONS = f"CAST(array() AS {REASONS_TYPE})"


def quote_text(text: str) -> str:
    """Write a constant as a Spark SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def reason_sql(field: str, code: str) -> str:
    """Write one reason as a Spark SQL struct; an unknown code is a bug of the caller."""
    message = REFUSAL_CODES[code]
    parts = (("field", field), ("code", code), ("message", message))
    return "named_struct(" + ", ".join(f"'{name}', {quote_text(value)}" for name, value in parts) + ")"


def reasons_array_sql(reasons: Sequence[str]) -> str:
    """Write the array of those of the reasons that are not null.

    array_compact calls a lambda, and Spark does not compile what stands in such a call: it is only made where there is
    a reason at all.
    """
    listed = ", ".join(reasons)
    return f"CASE WHEN coalesce({listed}) IS NULL THEN {NO_REASONS} ELSE array_compact(array({listed})) END"
