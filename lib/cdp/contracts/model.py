"""What a table declares: its grain, columns, write mode, retention and whom it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from pyspark.sql.types import StructType

Pii = Literal["none", "pseudonym", "direct", "sensitive"]
WriteMode = Literal["append", "replace", "replace_partition", "merge"]
Erase = Literal["delete_row", "null_pii", "rebuild", "keep"]


@dataclass(frozen=True)
class Column:
    """One column: name, Spark DDL type, one sentence; unit, nullability and sensitivity where they matter.

    ``volatile`` columns (run ids, wall times, model versions) are left out when two runs are compared.
    """

    name: str
    type: str
    doc: str
    unit: str | None = None
    nullable: bool = True
    volatile: bool = False
    pii: Pii = "none"
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableContract:
    """A table of the lake, declared once and used by the writer, the DDL, the tests and the catalog.

    ``key`` is the grain: no two rows share it, and none of its columns is null. ``mode`` says how the one
    writing job writes: append (only new rows), replace (the full new state), replace_partition (all rows of
    the partitions that appear), merge (by key). ``subject`` is the column that names the person, or None with
    the reason in ``subject_note``. ``is_derived``: every run makes all its rows anew from other tables, so its
    shape may change without a migration.
    """

    layer: Literal["bronze", "silver", "gold", "ops"]
    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    mode: WriteMode
    owner: str = "data-platform"
    partitioned_by: tuple[str, ...] = ()
    clustered_by: tuple[str, ...] = ()
    retention_days: int | None = None
    subject: str | None = None
    subject_note: str = ""
    erase: Erase = "delete_row"
    purposes: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    is_derived: bool = False

    @property
    def full_name(self) -> str:
        """``layer.name``, as people write it."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        """Column names in the order of the table."""
        return [c.name for c in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the table has none."""
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.full_name} has no column {name}")

    @property
    def ddl(self) -> str:
        """The columns as Spark DDL (``a STRING, b INT``), without nullability."""
        return ", ".join(f"`{c.name}` {c.type}" for c in self.columns)

    @property
    def schema(self) -> StructType:
        """The columns as a Spark schema, everything nullable (Delta keeps NOT NULL itself)."""
        return cast(StructType, StructType.fromDDL(self.ddl))

    @property
    def stats_columns(self) -> list[str]:
        """Columns whose min and max may stand in the Delta log: plain types without personal data."""
        return [
            c.name
            for c in self.columns
            if c.pii in ("none", "pseudonym")
            and not c.type.upper().startswith(("ARRAY", "STRUCT", "MAP", "BINARY", "BOOLEAN"))
            and c.name not in self.partitioned_by
        ]


IDENTIFIERS_TYPE = "ARRAY<STRUCT<type: STRING, value: STRING>>"
REASONS_TYPE = "ARRAY<STRUCT<field: STRING, code: STRING, message: STRING>>"
