"""Which rows of a table change, and whether writing those alone pays.

MERGE marks the old form of a changed row in a deletion vector and writes the new one beside it. So the old form stays
in its file, where VACUUM leaves it, until the table is written whole: at the latest some nights later, and at once
where a person or record is gone altogether.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.tables.conform import row_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Columns of :func:`changed_rows`: the hash of the content, null where a row is gone; whose row it was, null if new.
ROW_HASH, HELD_BY = "_hash", "_held_by"
#: A full state of fewer rows is sooner written whole than compared with the table.
FEWEST_COMPARED = 1_000_000
#: Of a larger one, this share of the rows at most is merged.
MOST_CHANGED = 0.25
#: At each so-manieth version a table is written whole: every merge leaves a small file, and hides rows in others.
MOST_MERGES = 8


def changed_rows(df: DataFrame, held: DataFrame, contract: TableContract, *, how: str) -> DataFrame:
    """The rows that the table lacks or holds otherwise: the contract's columns, `ROW_HASH` and `HELD_BY`.

    how="full" gives those too that only the table holds, with their key alone; how="left" leaves them out.
    """
    whose = F.col(contract.subject or contract.key[0]).alias(HELD_BY)
    stored = held.select(*contract.key, row_hash(contract).alias("_held"), whose)
    joined = df.withColumn(ROW_HASH, row_hash(contract)).join(stored, on=list(contract.key), how=how)
    return joined.where(~F.col(ROW_HASH).eqNullSafe(F.col("_held"))).select(*contract.column_names, ROW_HASH, HELD_BY)


@dataclass(frozen=True)
class Changes:
    """How much of a full state changes: rows that are new, other or gone, and rows of people or records all gone."""

    n_rows: int
    n_of_gone: int

    @classmethod
    def count(cls, changes: DataFrame, df: DataFrame, contract: TableContract) -> Changes:
        """Of a frame as of :func:`changed_rows` and the full state."""
        who = contract.subject or contract.key[0]
        here = df.select(F.col(who).alias(HELD_BY), F.lit(True).alias("_is_here")).distinct()
        lost = changes.select(ROW_HASH, HELD_BY).join(here, on=HELD_BY, how="left")
        is_lost = F.col(ROW_HASH).isNull() & F.col("_is_here").isNull()
        return cls(*lost.agg(F.count(F.lit(1)), F.count_if(is_lost)).collect()[0])

    def pay_to_merge(self, n_rows: int, version: int) -> bool:
        """Whether to merge them into this version of a table of so many rows, or to write it whole."""
        return self.n_of_gone == 0 and self.n_rows <= n_rows * MOST_CHANGED and version % MOST_MERGES != 0


def pays_to_compare(contract: TableContract, n_rows: int) -> bool:
    """Whether a full state of so many rows should be compared with the table, to write what changed.

    Not where a changed row's old form may be personal data: only a value of the key cannot change under its key.
    """
    is_private = any(c.pii in ("direct", "sensitive") and c.name not in contract.key for c in contract.columns)
    return n_rows >= FEWEST_COMPARED and not is_private
