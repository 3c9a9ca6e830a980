"""Numbers that stand for names: the 7 of a customer stays 7, also in a column that gaps made one of fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyspark.sql import Column


def whole_where_all_are(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of floats as whole numbers where all of it are such, NaN as null; any other column as it is."""
    if not pa.types.is_floating(column.type):
        return column
    known = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        return known.cast(pa.int64())
    except pa.ArrowInvalid:  # fractions, or beyond 64 bits
        return known


def text_of_floats(column: Column) -> Column:
    """A Spark column of floats as text, a whole number without its fraction; null stays null."""
    from pyspark.sql import functions as F

    return F.when(column == F.floor(column), F.floor(column).cast("string")).otherwise(column.cast("string"))
