"""Keep an old table in step with its contract: add columns, widen types, refuse the rest."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp.contracts.model import TableContract
from cdp.core.errors import ContractError
from cdp.tables.ddl import quoted

_INTEGERS: list[type[T.DataType]] = [T.ByteType, T.ShortType, T.IntegerType, T.LongType]


def can_widen(old: T.DataType, new: T.DataType) -> bool:
    """Whether every value of ``old`` is exactly a value of ``new`` and Delta can widen in place."""
    if type(old) in _INTEGERS and type(new) in _INTEGERS:
        return _INTEGERS.index(type(old)) < _INTEGERS.index(type(new))
    if isinstance(old, T.FloatType) and isinstance(new, T.DoubleType):
        return True
    if isinstance(old, T.DecimalType) and isinstance(new, T.DecimalType):
        grows = new.precision - new.scale >= old.precision - old.scale
        return new.scale >= old.scale and grows and new != old
    return False


def _without_nullability(kind: T.DataType) -> str:
    return kind.simpleString()


def evolve_table(spark: SparkSession, contract: TableContract, path: str, current: T.StructType) -> bool:
    """Add the contract's new columns and widen types in the table at ``path``; True where it changed anything.

    A column of another type, or one that the contract no longer has, raises :class:`ContractError` naming the
    command that migrates: such a change rewrites data, so a person decides on it.
    """
    wanted = {f.name: f.dataType for f in contract.schema.fields}
    have = {f.name: f.dataType for f in current.fields}
    added = [c for c in contract.columns if c.name not in have]
    widened: list[str] = []
    refused = [f"{n} is no longer declared" for n in have if n not in wanted]
    for name, old in have.items():
        new = wanted.get(name)
        if new is None or _without_nullability(old) == _without_nullability(new):
            continue
        if can_widen(old, new):
            widened.append(name)
        else:
            refused.append(f"{name} is {old.simpleString()}, the contract says {new.simpleString()}")
    if refused:
        raise ContractError(
            f"{contract.full_name}: the table in the lake differs from its contract in a way that needs a rewrite: "
            f"{'; '.join(refused)}. Run `cdp migrate {contract.full_name}` (it shows what would be lost first)."
        )
    if widened:
        spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
    for name in widened:
        spark.sql(f"ALTER TABLE delta.`{path}` ALTER COLUMN `{name}` TYPE {contract.column(name).type}")
    if added:
        columns = ", ".join(f"`{c.name}` {c.type} COMMENT {quoted(c.doc)}" for c in added)
        spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({columns})")
    return bool(widened or added)


def migrated_rows(old: DataFrame, contract: TableContract) -> tuple[DataFrame, list[str]]:
    """The old rows in the contract's shape, and what would be lost (dropped columns, values that do not cast).

    One Spark job counts the values that a cast would turn into null.
    """
    have = set(old.columns)
    columns = [
        (F.col(c.name).try_cast(c.type) if c.name in have else F.lit(None).cast(c.type)).alias(c.name)
        for c in contract.columns
    ]
    shared = [c for c in contract.columns if c.name in have]
    lost_values = old.agg(
        *[
            F.sum((F.col(c.name).isNotNull() & F.col(c.name).try_cast(c.type).isNull()).cast("long")).alias(c.name)
            for c in shared
        ]
    ).collect()[0]
    losses = [f"column {n} is dropped" for n in old.columns if n not in contract.column_names]
    losses += [f"{lost_values[c.name]} values of {c.name} do not fit {c.type}" for c in shared if lost_values[c.name]]
    return old.select(*columns), losses
