"""Numbers that stand for names: the 7 of a customer stays 7, also in a column that gaps made one of fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyspark.sql import Column

EXACT = 2**53  # doubles hold whole numbers up to this


def whole_where_all_are(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of floats as whole numbers where all of it are such, NaN as null; any other column as it is."""
    if not pa.types.is_floating(column.type):
        return column
    known = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        return known.cast(pa.int64())
    except pa.ArrowInvalid:  # fractions, or beyond 64 bits
        return known


def long_ones_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers in a column with gaps as text where they are too long for doubles; any other column as it is.

    pandas makes doubles of whole numbers with gaps, and neighbours among ids of seventeen digits would become one.
    """
    if not pa.types.is_integer(column.type) or not column.null_count:
        return column
    ends = pc.min_max(column).values()
    is_long = any(abs(end) > EXACT for value in ends if (end := value.as_py()) is not None)
    return column.cast(pa.string()) if is_long else column


def text_of_floats(column: Column) -> Column:
    """A Spark column of floats as text, a whole number without its fraction; null stays null."""
    from pyspark.sql import functions as F

    return F.when(column == F.floor(column), F.floor(column).cast("string")).otherwise(column.cast("string"))
