"""Stable keys: hashes of several columns that tell null from empty and a|b from ab|."""

from __future__ import annotations

import hashlib

from pyspark.sql import Column
from pyspark.sql import functions as F

_SEPARATOR = "\x1f"
_NULL = "\x00"


def hashed_key(*columns: Column | str, length: int = 32) -> Column:
    """SHA-256 over the columns as text, cut to ``length`` hex characters (4 bits each).

    Null and the empty text differ, and so do ("a", "b") and ("ab", ""): values are joined by a separator
    that no text source carries, null by a marker of its own. Not for secrets: anyone can compute it.
    """
    parts = [F.coalesce((F.col(c) if isinstance(c, str) else c).cast("string"), F.lit(_NULL)) for c in columns]
    return F.substring(F.sha2(F.concat_ws(_SEPARATOR, *parts), 256), 1, length)


def row_mark(*columns: str) -> Column:
    """64-bit hash of a row's columns, to tell whether any of them became other.

    Spark's hash passes over null: a value that moved from one column to another that was null would leave it as it is.
    So which columns are null is hashed as well.
    """
    return F.xxhash64(*columns, *(F.isnull(name) for name in columns))


def hashed_text(*parts: str | None, length: int = 32) -> str:
    """The same key as :func:`hashed_key`, for values that the driver holds."""
    text = _SEPARATOR.join(_NULL if p is None else p for p in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
