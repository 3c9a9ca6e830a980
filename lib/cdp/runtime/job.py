"""A job: its record (name, reads, writes), the context it works in, and running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from pydantic import BaseModel
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.model import TableContract
from cdp.core.errors import CdpError, ConfigError
from cdp.core.hold import hold, release
from cdp.rules.definitions import load_definitions
from cdp.runtime.bundle import code_hash
from cdp.runtime.config import Configuration, Settings
from cdp.tables.fs import delete_folder
from cdp.tables.store import Lake

Spec = TypeVar("Spec", bound=BaseModel)

#: Tables that are written at the same time: each is a few small jobs, and much waiting for the driver.
WRITERS = 2


@dataclass(frozen=True)
class Job:
    """What a job is: written once, used for order, help, lineage and the scheduler.

    ``reads`` makes edges of the night's order, ``reads_previous`` (its own or a later job's last result) makes
    none and is empty on the first night. ``follows_date``: whether another run date alone changes the result.
    ``looks_outside``: whether it must run each time because it reads more than tables (files that arrive).
    ``erases``: tables that others may write, but from which it deletes what may no longer be kept.
    ``configured_by``: the folder of conf/ without a file of which there is nothing for it to do.
    """

    name: str
    reads: tuple[TableContract, ...] = ()
    writes: tuple[TableContract, ...] = ()
    reads_previous: tuple[TableContract, ...] = ()
    follows_date: bool = True
    looks_outside: bool = False
    erases: tuple[TableContract, ...] = ()
    configured_by: str = ""


JobMain = Callable[["JobContext"], None]


@dataclass
class JobContext:
    """What a job may touch: the tables that its record names, its settings and definitions, and the injected time.

    A job that follows the date may set ``holds_until``: the first later night on which the same inputs would give
    another result. Until then it is left out while nothing else changes.
    """

    job: Job
    lake: Lake
    configuration: Configuration
    run_date: date
    run_id: str
    now: datetime
    rows_written: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    holds_until: date | None = None
    _kept: list[DataFrame] = field(default_factory=list)

    @property
    def spark(self) -> SparkSession:
        """The run's session."""
        return self.lake.spark

    @property
    def settings(self) -> Settings:
        """The run's settings."""
        return self.configuration.settings

    def definitions(self, kind: str, model: type[Spec]) -> dict[str, Spec]:
        """All definitions of a kind (a folder of conf/), name -> spec."""
        return load_definitions(self.configuration.definition_folders(kind), model)

    def definition(self, kind: str, name: str, model: type[Spec]) -> Spec:
        """One definition by name; :class:`ConfigError` with what there is when it is missing."""
        found = self.definitions(kind, model)
        if name not in found:
            raise ConfigError(f"conf/{kind}/{name}.yaml is missing; there is {', '.join(found) or 'nothing'}")
        return found[name]

    def keep(self, df: DataFrame) -> DataFrame:
        """Hold a frame that the job uses more than once, until the job ends."""
        kept = hold(df)
        self._kept.append(kept)
        return kept

    def release(self) -> None:
        """Drop what :meth:`keep` holds; the runtime calls it when the job has ended."""
        while self._kept:
            release(self._kept.pop())

    def read(self, contract: TableContract) -> DataFrame:
        """A table that the record names in ``reads``."""
        self._require(contract, self.job.reads, "reads")
        return self.lake.read(contract)

    def read_previous(self, contract: TableContract) -> DataFrame:
        """A table that the record names in ``reads_previous``; no rows on the first night."""
        self._require(contract, self.job.reads_previous, "reads_previous")
        return self.lake.read(contract)

    def version(self, contract: TableContract) -> int:
        """The version of a table that the record names; -1 where it does not exist."""
        self._require(contract, self.job.reads + self.job.reads_previous + self.job.writes, "reads")
        return self.lake.version(contract)

    def made_of(self) -> dict[str, str]:
        """What a full state written now is made of: the code, and the state of each table that the record reads."""
        return {"code": code_hash()} | {table.full_name: self.lake.state_of(table) for table in self.job.reads}

    def read_added(self, since: TableContract) -> dict[TableContract, DataFrame] | None:
        """The rows that each table in ``reads`` got since ``since`` was made of them; None where it must be made anew.

        That is: where other code made it, it was written without its ``made_of``, or more happened to a table than
        that rows were added. Its own rows are read with :meth:`read_previous`.
        """
        self._require(since, self.job.reads_previous, "reads_previous")
        held = self.lake.made_of(since)
        if held.get("code") != code_hash():
            return None
        added: dict[TableContract, DataFrame] = {}
        for table in self.job.reads:
            rows = self.lake.added_since(table, held.get(table.full_name, ""))
            if rows is None:
                return None
            added[table] = rows
        return added

    def write(
        self,
        contract: TableContract,
        df: DataFrame,
        *,
        keys_are_new: bool = False,
        keys_are_unique: bool = False,
        made_of: Mapping[str, str] | None = None,
    ) -> int:
        """Write a table that the record names in ``writes``; gives the rows written (0: nothing changed)."""
        self._require(contract, self.job.writes, "writes")
        result = self.lake.write(
            contract, df, keys_are_new=keys_are_new, keys_are_unique=keys_are_unique, made_of=made_of
        )
        name = contract.full_name
        self.rows_written[name] = self.rows_written.get(name, 0) + result.rows
        return result.rows

    def write_all(self, *tables: tuple[TableContract, DataFrame]) -> None:
        """Write several tables, two at a time: only where it does not matter which of them a killed run has written."""
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            list(pool.map(lambda table: self.write(*table), tables))

    def count_erasable(self, contract: TableContract, condition: str) -> int:
        """How many rows :meth:`erase` would delete."""
        self._require(contract, self.job.erases, "erases")
        return self.lake.read(contract).where(condition).count()

    def erase(self, contract: TableContract, condition: str) -> int:
        """Delete rows of a table that the record names in ``erases``; gives their number, and notes it as fewer."""
        self._require(contract, self.job.erases, "erases")
        erased = self.lake.erase(contract, condition)
        self.rows_written[contract.full_name] = self.rows_written.get(contract.full_name, 0) - erased
        return erased

    def report_problem(self, message: str) -> None:
        """Something that does not stop the night but that a person must know: the exit code becomes 6."""
        self.problems.append(message)

    def note(self, message: str) -> None:
        """Something that a person may want to know, and that is as it should be: a line, no exit code."""
        self.notes.append(message)

    def _require(self, contract: TableContract, allowed: tuple[TableContract, ...], kind: str) -> None:
        if contract.full_name not in [c.full_name for c in allowed]:
            raise CdpError(
                f"{self.job.name} uses {contract.full_name}, which its record does not name in {kind}: add it"
            )


def clear_checkpoints(spark: SparkSession) -> None:
    """Delete the session's checkpoints, when no job runs that may need them."""
    folder = spark.sparkContext.getCheckpointDir()
    if folder:
        delete_folder(spark, folder)
