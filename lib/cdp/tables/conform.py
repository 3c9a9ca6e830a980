"""Bring a frame into the shape of its contract, and measure what the writer must know in one pass."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.core.errors import ContractError, nearest_name
from cdp.core.keys import row_mark

#: Steps of a plan over rows that were computed already (a checkpoint, a cached frame, rows of the driver).
_CHEAP_STEPS = frozenset(
    ("Project", "Filter", "Generate", "Union", "Scan ExistingRDD", "LogicalRDD", "InMemoryRelation", "LocalRelation")
)


def conform(df: DataFrame, contract: TableContract) -> DataFrame:
    """The contract's columns, in order and type; :class:`ContractError` for columns missing or too many.

    Types are cast strictly where they differ only in precision; a cast that could lose values fails in Spark's
    ANSI mode rather than silently giving null.
    """
    missing = [n for n in contract.column_names if n not in df.columns]
    extra = [n for n in df.columns if n not in contract.column_names]
    if missing or extra:
        hints = [f"{n} ({nearest_name(n, contract.column_names)})" for n in extra]
        raise ContractError(
            f"{contract.full_name}: the rows to write do not fit the contract; missing columns: "
            f"{missing or 'none'}, unknown columns: {hints or 'none'}"
        )
    return df.select(*[F.col(c.name).cast(c.type).alias(c.name) for c in contract.columns])


def is_materialised(df: DataFrame) -> bool:
    """Whether the frame only picks rows and columns of what Spark already holds, so that reading it twice is cheap."""
    plans = [df._jdf.queryExecution().optimizedPlan()]
    while plans:
        plan = plans.pop()
        if plan.nodeName() not in _CHEAP_STEPS:
            return False
        children = plan.children()
        plans += [children.apply(n) for n in range(children.size())]
    return True


@dataclass(frozen=True)
class FrameFacts:
    """What one pass over a frame tells: rows, duplicated keys, null violations, order-free content hash.

    ``content`` is empty where it was not asked for.
    """

    rows: int
    duplicated_keys: int
    null_violations: dict[str, int]
    content: str


def content_columns(contract: TableContract) -> list[str]:
    """The columns that say whether two states are equal: all but the volatile ones."""
    return [c.name for c in contract.columns if not c.volatile]


def row_hash(contract: TableContract) -> Column:
    """64-bit hash of a row's content (volatile columns left out)."""
    return row_mark(*content_columns(contract))


def measure_frame(df: DataFrame, contract: TableContract, *, with_content: bool = True) -> FrameFacts:
    """Count, check and hash a conformed frame in one Spark job with one shuffle on the key.

    The hash is the xor and the sum of row hashes, so the order and partitioning of rows do not matter. Without
    ``with_content`` only key and required columns are read.
    """
    required = [c.name for c in contract.columns if not c.nullable or c.name in contract.key]
    nulls = [F.sum(F.col(n).isNull().cast("long")).alias(f"null_{n}") for n in required]
    hashes, totals = [], []
    if with_content:
        df = df.withColumn("_hash", row_hash(contract))
        hashes = [
            F.bit_xor("_hash").alias("_xor"),
            F.sum((F.col("_hash") % 1_000_000_007).cast("long")).alias("_sum"),
        ]
        totals = [F.bit_xor("_xor").alias("xor"), F.sum("_sum").alias("sum")]
    per_key = df.groupBy(*contract.key).agg(F.count(F.lit(1)).alias("_n"), *hashes, *nulls)
    row = per_key.agg(
        F.sum("_n").alias("rows"),
        F.sum((F.col("_n") > 1).cast("long")).alias("duplicated"),
        *totals,
        *[F.sum(f"null_{n}").alias(f"null_{n}") for n in required],
    ).collect()[0]
    return FrameFacts(
        rows=row["rows"] or 0,
        duplicated_keys=row["duplicated"] or 0,
        null_violations={n: row[f"null_{n}"] for n in required if row[f"null_{n}"]},
        content=f"{row['rows'] or 0}:{row['xor'] or 0}:{row['sum'] or 0}" if with_content else "",
    )


def refuse_violations(facts: FrameFacts, contract: TableContract) -> None:
    """:class:`ContractError` when keys repeat or required columns hold nulls; names columns and counts only."""
    if facts.duplicated_keys:
        raise ContractError(
            f"{contract.full_name}: {facts.duplicated_keys} keys ({', '.join(contract.key)}) stand on more than one "
            "row; nothing was written. The job that writes this table must decide which row wins."
        )
    if facts.null_violations:
        raise ContractError(
            f"{contract.full_name}: null in columns that may not be null: {facts.null_violations} (column: rows); "
            "nothing was written."
        )
