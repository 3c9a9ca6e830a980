"""Which rows of a table change, and whether writing those alone pays.

MERGE marks the old form of a changed row in a deletion vector and writes the new one beside it. So the old form stays
in its file until the table is written whole: a table is merged only where that hides nothing that must go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.tables.conform import row_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: The column of :func:`changed_rows` that is null where a row is gone.
ROW_HASH = "_hash"
#: A full state of fewer rows is sooner written whole than compared with the table.
FEWEST_COMPARED = 1_000_000
#: Of a larger one, this share of the rows at most is merged.
MOST_CHANGED = 0.25
#: At each so-manieth version a table is written whole: every merge leaves a small file, and marks in others.
MOST_MERGES = 16


def changed_rows(df: DataFrame, held: DataFrame, contract: TableContract, *, how: str) -> DataFrame:
    """The rows that the table lacks or holds otherwise: the contract's columns, and the hash of their content.

    how="full" gives those too that only the table holds, with their key alone; how="left" leaves them out.
    """
    stored = held.select(*contract.key, row_hash(contract).alias("_held"))
    joined = df.withColumn(ROW_HASH, row_hash(contract)).join(stored, on=list(contract.key), how=how)
    return joined.where(~F.col(ROW_HASH).eqNullSafe(F.col("_held"))).select(*contract.column_names, ROW_HASH)


def count_changes(changes: DataFrame) -> tuple[int, int]:
    """(all rows, rows that are gone) of a frame as of :func:`changed_rows`."""
    n, n_gone = changes.agg(F.count(F.lit(1)), F.count_if(F.col(ROW_HASH).isNull())).collect()[0]
    return n, n_gone


def pays_to_compare(contract: TableContract, n_rows: int) -> bool:
    """Whether a full state of so many rows should be compared with the table, to write what changed.

    Not where a changed row's old form may be personal data: only a value of the key cannot change under its key.
    """
    is_private = any(c.pii in ("direct", "sensitive") and c.name not in contract.key for c in contract.columns)
    return n_rows >= FEWEST_COMPARED and not is_private


def pays_to_merge(n_changed: int, n_gone: int, n_rows: int, version: int) -> bool:
    """Whether changed rows should be merged into this version: few, and none gone, which must leave the files."""
    return n_gone == 0 and n_changed <= n_rows * MOST_CHANGED and version % MOST_MERGES != 0
