"""The lake: the only reader and writer of tables.

Every write is checked against the table's contract first (columns, types, nulls, unique keys) and lands in one
Delta commit; a write that changes nothing makes no new version. Writers of one table at once: :mod:`cdp.tables.races`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.core.errors import ContractError
from cdp.core.hold import hold, release
from cdp.tables import fs
from cdp.tables.conform import FrameFacts, conform, is_materialised, measure_frame, refuse_violations, row_hash
from cdp.tables.ddl import create_statement
from cdp.tables.evolve import evolve_table, migrated_rows
from cdp.tables.grown import files_since, state_of
from cdp.tables.races import in_turn, retry_lost_race


@dataclass(frozen=True)
class WriteResult:
    """Rows that were written (0 where the table already held just that) and the table's version after it."""

    rows: int
    version: int
    is_changed: bool


class Lake:
    """All tables below one root folder or bucket, each at ``<root>/<layer>/<name>``."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark = spark
        self.root = root.rstrip("/")
        self._in_step: set[str] = set()
        self.turns: dict[str, threading.Lock] = {}

    def path(self, contract: TableContract) -> str:
        """Where the table lies."""
        return f"{self.root}/{contract.layer}/{contract.name}"

    def version(self, contract: TableContract) -> int:
        """The newest version; -1 where the table does not exist yet."""
        return fs.latest_version(self.spark, self.path(contract))

    def read(self, contract: TableContract, version: int | None = None) -> DataFrame:
        """The table's rows in the contract's shape; no rows where it does not exist, nulls for columns it lacks."""
        if self.version(contract) < 0:
            return self.spark.createDataFrame([], contract.schema)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        stored = reader.load(self.path(contract))
        have = set(stored.columns)
        return stored.select(
            *[(F.col(c.name) if c.name in have else F.lit(None).cast(c.type)).alias(c.name) for c in contract.columns]
        )

    def state_of(self, contract: TableContract) -> str:
        """A name for what the table holds now, to ask :meth:`added_since` by; empty where it does not exist."""
        return state_of(self.spark, self.path(contract))

    def added_since(self, contract: TableContract, state: str) -> DataFrame | None:
        """The rows that the table got since ``state``; None where more happened to it than that, or nobody can tell."""
        files = files_since(self.spark, self.path(contract), state)
        if files is None:
            return None
        if not files:
            return self.spark.createDataFrame([], contract.schema)
        return self.spark.read.schema(contract.schema).parquet(*files)

    def made_of(self, contract: TableContract) -> dict[str, str]:
        """What the writer of the table's newest state said that it was made of; nothing where it said nothing."""
        return dict(fs.commit_note(self.spark, self.path(contract), self.version(contract)).get("made_of", {}))

    @in_turn
    def write(
        self,
        contract: TableContract,
        df: DataFrame,
        *,
        keys_are_new: bool = False,
        keys_are_unique: bool = False,
        made_of: Mapping[str, str] | None = None,
    ) -> WriteResult:
        """Write ``df`` as the contract's mode says, and only if that changes the table.

        ``keys_are_new`` spares the join with the table's keys in append mode when the caller has already left
        out rows that the table holds, ``keys_are_unique`` a look at all rows before they are appended when the caller
        has numbered or grouped them by their key. ``made_of`` is noted with a full state, for :meth:`made_of`; where
        the state is what it was the older note stays. :class:`ContractError` when the rows break the contract:
        nothing is written then.
        """
        conformed = conform(df, contract)
        if contract.mode == "append" and not keys_are_new:
            conformed = self._new_rows(contract, conformed)
        if contract.mode == "append" and keys_are_unique:
            return self._append_at_once(contract, conformed)
        elif contract.mode == "merge":
            conformed = self._changed_rows(contract, conformed)
        is_held = is_materialised(conformed)
        kept = conformed if is_held else hold(conformed)
        try:
            # Appended and merged rows are compared with the table by key, not by the content of all of them.
            facts = measure_frame(kept, contract, with_content=contract.mode.startswith("replace"))
            refuse_violations(facts, contract)
            return self._commit(contract, kept, facts, made_of)
        finally:
            if not is_held:
                release(kept)

    def replace_rows(self, contract: TableContract, df: DataFrame, where: dict[str, str]) -> WriteResult:
        """Replace the rows in which each column of ``where`` has that value by ``df``, in one commit.

        For remaking a part of a table whatever its mode; values are names such as a source's, never personal data.
        """
        kept = hold(conform(df, contract))
        try:
            facts = measure_frame(kept, contract)
            refuse_violations(facts, contract)
            version = self._prepare(contract)
            condition = " AND ".join(f"`{c}` = '{v}'" for c, v in sorted(where.items()))
            if measure_frame(self.read(contract).where(condition), contract).content == facts.content:
                return WriteResult(facts.rows, version, False)
            kept.write.format("delta").mode("overwrite").option("replaceWhere", condition).save(self.path(contract))
            return WriteResult(facts.rows, self.version(contract), True)
        finally:
            release(kept)

    @retry_lost_race
    def erase(self, contract: TableContract, condition: str) -> int:
        """Delete the rows that meet a condition, in one commit; gives their number, and makes no version for none.

        The condition stands in Delta's log, so it is made of names, dates and hashes, never of personal data. The
        files that held the rows are written anew without them; the old ones leave the disk by VACUUM.
        """
        if self.version(contract) < 0:
            return 0
        return int(self.spark.sql(f"DELETE FROM delta.`{self.path(contract)}` WHERE {condition}").collect()[0][0])

    def migrate(self, contract: TableContract, *, accept_loss: bool) -> list[str]:
        """Rewrite a table whose stored shape no longer fits its contract; gives what is lost.

        Nothing is written while there are losses and ``accept_loss`` is False. :class:`ContractError` where there is no
        table.
        """
        path = self.path(contract)
        if self.version(contract) < 0:
            raise ContractError(f"{contract.full_name} is not in the lake at {self.root}: there is nothing to rewrite")
        rows, losses = migrated_rows(self.spark.read.format("delta").load(path), contract)
        if losses and not accept_loss:
            return losses
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.partitionBy(*contract.partitioned_by).save(path)
        self._in_step.discard(contract.full_name)
        return losses

    def _new_rows(self, contract: TableContract, df: DataFrame) -> DataFrame:
        if self.version(contract) < 0:
            return df
        held = self.read(contract).select(*contract.key)
        return df.join(held, on=list(contract.key), how="left_anti").select(*contract.column_names)

    def _changed_rows(self, contract: TableContract, df: DataFrame) -> DataFrame:
        if self.version(contract) < 0:
            return df
        held = self.read(contract).select(*contract.key, row_hash(contract).alias("_held"))
        hashed = df.withColumn("_hash", row_hash(contract)).join(held, on=list(contract.key), how="left")
        changed = hashed.where(F.col("_held").isNull() | (F.col("_held") != F.col("_hash")))
        return changed.select(*contract.column_names)

    @retry_lost_race
    def _commit(
        self, contract: TableContract, df: DataFrame, facts: FrameFacts, made_of: Mapping[str, str] | None
    ) -> WriteResult:
        before = self._prepare(contract)
        modes: dict[str, Callable[[TableContract, DataFrame, FrameFacts, int], bool]] = {
            "append": self._append,
            "replace": partial(self._replace, made_of=made_of),
            "replace_partition": self._replace_partition,
            "merge": self._merge,
        }
        changed = modes[contract.mode](contract, df, facts, before)
        return WriteResult(facts.rows if changed else 0, self.version(contract), changed)

    def _prepare(self, contract: TableContract) -> int:
        """Create the table or bring it into step with the contract, once a session; gives its version."""
        path, version = self.path(contract), self.version(contract)
        if version < 0:
            self.spark.sql(create_statement(contract, path))
            version = 0
        elif contract.full_name not in self._in_step and not contract.is_derived:
            stored = self.spark.read.format("delta").load(path).schema
            if evolve_table(self.spark, contract, path, stored):
                version = self.version(contract)
        self._in_step.add(contract.full_name)
        return version

    @retry_lost_race
    def _append_at_once(self, contract: TableContract, df: DataFrame) -> WriteResult:
        """Append rows that are computed while they are written; Delta itself refuses nulls in required columns."""
        path, before = self.path(contract), self._prepare(contract)
        df.write.format("delta").mode("append").save(path)
        version = self.version(contract)
        rows = int(fs.commit_info(self.spark, path, version)["operationMetrics"].get("numOutputRows", 0))
        return WriteResult(rows, version, version > before)

    def _append(self, contract: TableContract, df: DataFrame, facts: FrameFacts, version: int) -> bool:
        if facts.rows == 0:
            return False
        df.write.format("delta").mode("append").save(self.path(contract))
        return True

    def _replace(
        self,
        contract: TableContract,
        df: DataFrame,
        facts: FrameFacts,
        version: int,
        *,
        made_of: Mapping[str, str] | None,
    ) -> bool:
        path = self.path(contract)
        held = fs.commit_note(self.spark, path, version).get("content", "0:0:0" if version == 0 else None)
        if held == facts.content:
            return False
        writer = df.write.format("delta").mode("overwrite")
        if contract.is_derived:
            writer = writer.option("overwriteSchema", "true")
        note = {"content": facts.content} | ({"made_of": dict(made_of)} if made_of else {})
        writer.option("userMetadata", json.dumps(note, sort_keys=True)).save(path)
        return True

    def _replace_partition(self, contract: TableContract, df: DataFrame, facts: FrameFacts, version: int) -> bool:
        """Replace the partitions that ``df`` holds; each partition column's values come to the driver."""
        columns = contract.partitioned_by
        values = [tuple(r) for r in df.select(*columns).distinct().collect()]
        if not values:
            return False
        pairs = [list(zip(columns, row, strict=True)) for row in sorted(values)]
        where = " OR ".join("(" + " AND ".join(f"{c} = '{v}'" for c, v in pair) + ")" for pair in pairs)
        path = self.path(contract)
        # A partition without a folder never held a row: most nights bring a new date and need no comparison.
        if any(fs.exists(self.spark, "/".join([path, *(f"{c}={v}" for c, v in pair)])) for pair in pairs):
            held = measure_frame(self.read(contract).where(where), contract)
            if held.content == facts.content:
                return False
        df.write.format("delta").mode("overwrite").option("replaceWhere", where).save(path)
        return True

    def _merge(self, contract: TableContract, df: DataFrame, facts: FrameFacts, version: int) -> bool:
        if facts.rows == 0:
            return False
        view = f"_merge_{contract.layer}_{contract.name}"
        df.createOrReplaceTempView(view)
        condition = " AND ".join(f"t.`{k}` = s.`{k}`" for k in contract.key)
        self.spark.sql(
            f"MERGE INTO delta.`{self.path(contract)}` t USING {view} s ON {condition} "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )
        self.spark.catalog.dropTempView(view)
        return True


def missing_table_error(contract: TableContract, job: str) -> ContractError:
    """The error for a verb that needs a table which no run has written yet."""
    return ContractError(
        f"{contract.full_name} is not in the lake yet: run `cdp nightly --run-date D` (job {job}) first"
    )
