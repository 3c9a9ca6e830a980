"""Identifiers of a record, normalised, and the record id that a set of identifiers makes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import phonenumbers
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from cdp.contracts.model import IDENTIFIERS_TYPE
from cdp.ingest.codes import quote_text
from cdp.ingest.columns import clean_sql
from cdp.ingest.fields import FieldTree, path_sql
from cdp.ingest.mapping_spec import IdentifierSpec

_EMAIL_FORM = r"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"


def email_sql(text: str) -> str:
    """Lower an e-mail address and trim it; what is no address is null."""
    return f"CASE WHEN {text} RLIKE '{_EMAIL_FORM}' THEN lower(trim({text})) END"


def email_key_sql(text: str) -> str:
    """Write an address as an identifier: as email_sql, and for Gmail without dots and without what follows a plus.

    Gmail delivers all of those to one mailbox; other providers need not.
    """
    email = email_sql(text)
    local = f"replace(substring_index(substring_index(lower(trim({text})), '@', 1), '+', 1), '.', '')"
    gmail = f"lower(trim({text})) RLIKE '^[^@]+@(gmail|googlemail)\\\\.com$'"
    return f"CASE WHEN {gmail} THEN concat({local}, '@gmail.com') ELSE {email} END"


@lru_cache(maxsize=100_000)
def normalise_phone(text: str, region: str) -> str | None:
    """Write a phone number as E.164; numbers without a country code are read as of `region`; None: no number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_column(text: Column, region: str) -> Column:
    """Normalise a column of phone numbers, each distinct one once a worker."""

    @F.arrow_udf("string")  # type: ignore[call-overload]
    def normalise(texts: pa.Array) -> pa.Array:
        return pa.array([t if t is None else normalise_phone(t, region) for t in texts.to_pylist()], pa.string())

    return normalise(text)


def identifier_text_sql(spec: IdentifierSpec, root: FieldTree) -> str:
    """Write the raw text of one identifier; null where its condition does not hold."""
    text = path_sql(spec.field, root) if spec.field else f"CAST(({spec.sql}) AS STRING)"
    cleaned = clean_sql(text, null_words=True)
    return f"CASE WHEN {spec.when} THEN {cleaned} END" if spec.when else cleaned


def identifiers_sql(typed_texts: Sequence[tuple[str, str]]) -> str:
    """Write the sorted, distinct array of identifiers from (type, reference to its normalised text)."""
    if not typed_texts:
        return f"CAST(array() AS {IDENTIFIERS_TYPE})"
    # Both parts can be null to Spark, as in the tables: a cast to that would make every item anew.
    parts = ", ".join(
        f"IF({text} IS NULL, array(), array(named_struct('type', IF({text} IS NULL, NULL, {quote_text(kind)}), "
        f"'value', {text})))"
        for kind, text in _in_order(typed_texts)
    )
    return f"concat({parts})"


def record_id_sql(typed_texts: Sequence[tuple[str, str]]) -> str:
    """Write the id of an event source's record: source and a hash of its identifiers; null where there are none."""
    if not typed_texts:
        return "CAST(NULL AS STRING)"
    told = ", ".join(f"concat({quote_text(f'{kind}=')}, {text})" for kind, text in _in_order(typed_texts))
    return f"concat(__source, ':', left(sha2(nullif(concat_ws('|', {told}), ''), 256), 24))"


def _in_order(typed_texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Order (type, text) so that the texts which are given come sorted by type and text, and none comes twice.

    Arrays are not sorted for it: Spark interprets that, and builds a configuration for every array.
    """
    texts: dict[str, list[str]] = {}
    for kind, text in typed_texts:
        texts.setdefault(kind, []).append(text)
    return [(kind, text) for kind, of_kind in sorted(texts.items()) for text in _distinct(of_kind)]


def _distinct(texts: list[str]) -> list[str]:
    if len(texts) == 1:
        return texts
    listed = ", ".join(texts)
    if len(texts) == 2:
        return [f"least({listed})", f"nullif(greatest({listed}), least({listed}))"]
    # Nulls come first, and are left out by those who ask.
    return [f"get(sort_array(array_distinct(array({listed}))), {n})" for n in range(len(texts))]
