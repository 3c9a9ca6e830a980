"""Write what accepting decided: the silver tables, the refusals, and how the shapes of sources changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.model import TableContract
from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.ingest.accept import AcceptResult
from cdp.ingest.accounts import LandedFile
from cdp.ingest.ledger import LedgerFile
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.schema_changes import deliveries_of, find_schema_changes, known_shapes, schema_changes_frame
from cdp.ingest.targets import SILVER
from cdp.runtime.job import WRITERS, JobContext


def write_schema_changes(
    ctx: JobContext, batch: Sequence[LedgerFile], files: Mapping[str, LandedFile], mappings: Mapping[str, MappingSpec]
) -> None:
    """Write how the shapes of the sources differ from what they were; a run that is repeated finds no difference."""
    known = ctx.read_previous(SCHEMA_CHANGES).orderBy("found_at").collect() if ctx.version(SCHEMA_CHANGES) >= 0 else []
    found = find_schema_changes(deliveries_of(batch, files), known_shapes(known), mappings)
    if found:
        stamp = {"run_id": ctx.run_id, "found_at": ctx.now}
        ctx.write(SCHEMA_CHANGES, schema_changes_frame(ctx.spark, found, stamp), keys_are_new=True)


def write_silver(ctx: JobContext, result: AcceptResult, waves: list[list[str]]) -> None:
    """Write the silver tables and the refusals; a table that exists and gets nothing is left alone."""
    is_resumed = any(row.rows_resumed for row in result.counts)
    tables = {table.name: table for table in SILVER}

    def write(name: str) -> None:
        if name == REFUSED_RECORDS.name:
            stamp = {"run_id": F.lit(ctx.run_id), "refused_at": F.lit(ctx.now)}
            n_refused = sum(row.rows_refused for row in result.counts)
            write_some(REFUSED_RECORDS, result.refused.withColumns(stamp), n_refused, keys_are_unique=n_refused > 0)
            return
        n_rows = sum(row[f"n_{name}"] for row in result.counts) + (name in result.uncounted)
        write_some(
            tables[name],
            getattr(result, name),
            n_rows,
            keys_are_new=not is_resumed,
            keys_are_unique=name in result.keyed and n_rows > 0,
        )

    def write_some(
        table: TableContract,
        rows: DataFrame,
        n_rows: int,
        *,
        keys_are_new: bool = False,
        keys_are_unique: bool = False,
    ) -> None:
        if n_rows or ctx.version(table) < 0:
            # A table that is only made gets no rows, and looks for none among all that is held.
            kept = rows if n_rows else rows.limit(0)
            ctx.write(table, kept, keys_are_new=keys_are_new, keys_are_unique=keys_are_unique)

    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        for number, wave in enumerate(waves):
            list(pool.map(write, [*wave, REFUSED_RECORDS.name] if number == len(waves) - 1 else wave))
