"""Accept landed records into silver, or refuse them with every reason.

Grain: one decision per landed record (accepted, duplicate, refused); silver rows as each table says.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.model import TableContract
from cdp.contracts.ops.files import FILES
from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.ingest.accept import AcceptResult, accept_records, writing_waves
from cdp.ingest.accounts import LandedFile, look_at_files, refuse_lost_records
from cdp.ingest.land import headers_of
from cdp.ingest.ledger import accepted_frame, undecided_files
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.schema_changes import deliveries_of, find_schema_changes, known_shapes, schema_changes_frame
from cdp.ingest.spec import SourceSpec, mapping_of
from cdp.ingest.targets import SILVER
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="ingest.accept_records",
    reads=(LANDED_RECORDS,),
    reads_previous=(FILES, SCHEMA_CHANGES, *SILVER),
    writes=(*SILVER, REFUSED_RECORDS, SCHEMA_CHANGES, FILES),
    follows_date=False,
)


#: Tables that are written at the same time: each is a few small jobs, and much waiting for the driver.
_WRITERS = 2


def main(ctx: JobContext) -> None:
    files = ctx.keep(undecided_files(ctx.read_previous(FILES)))
    batch = files.select("file_id", "source", "delivered_on", "header").collect()
    if not batch:
        return
    specs = ctx.definitions("sources", SourceSpec)
    mappings = ctx.definitions("mappings", MappingSpec)
    names = {row.source for row in batch}
    sources = {name: specs[name] for name in names}
    landed = ctx.read(LANDED_RECORDS).where(
        F.col("source").isin(*names)
        & F.col("delivered_on").isin(*{row.delivered_on for row in batch})
        & F.col("file_id").isin(*[row.file_id for row in batch])
    )
    with ThreadPoolExecutor(max_workers=1) as aside:
        in_bronze = aside.submit(look_at_files, landed, [name for name in names if sources[name].is_json])
        result = accept_records(
            landed,
            sources=sources,
            mappings=mappings,
            headers=headers_of({row.file_id: row.header for row in batch}),
            seen={table.name: ctx.read_previous(table) for table in SILVER},
        )
        decided = result.counts.collect()
        refuse_lost_records(in_bronze.result(), decided)
    used = {name: mapping_of(source, mappings) for name, source in sources.items()}
    write_silver(ctx, result, decided, writing_waves(used))
    write_schema_changes(ctx, batch, in_bronze.result(), used)
    counts = ctx.spark.createDataFrame(decided, result.counts.schema)
    closed = accepted_frame(files, counts, {"run_id": ctx.run_id, "accepted_at": ctx.now})
    # Last of all: with this row a file counts as decided. No file that has one is in the batch.
    ctx.write(FILES, closed, keys_are_new=True)


def write_schema_changes(
    ctx: JobContext, batch: list[Row], files: Mapping[str, LandedFile], mappings: Mapping[str, MappingSpec]
) -> None:
    """Write how the shapes of the sources differ from what they were; a run that is repeated finds no difference."""
    known = ctx.read_previous(SCHEMA_CHANGES).orderBy("found_at").collect() if ctx.version(SCHEMA_CHANGES) >= 0 else []
    found = find_schema_changes(deliveries_of(batch, files), known_shapes(known), mappings)
    if found:
        stamp = {"run_id": ctx.run_id, "found_at": ctx.now}
        ctx.write(SCHEMA_CHANGES, schema_changes_frame(ctx.spark, found, stamp), keys_are_new=True)


def write_silver(ctx: JobContext, result: AcceptResult, decided: list[Row], waves: list[list[str]]) -> None:
    """Write the silver tables and the refusals; a table that exists and gets nothing is left alone."""
    is_resumed = any(row.rows_resumed for row in decided)
    tables = {table.name: table for table in SILVER}

    def write(name: str) -> None:
        if name == REFUSED_RECORDS.name:
            stamp = {"run_id": F.lit(ctx.run_id), "refused_at": F.lit(ctx.now)}
            write_some(REFUSED_RECORDS, result.refused.withColumns(stamp), sum(row.rows_refused for row in decided))
            return
        n_rows = sum(row[f"n_{name}"] for row in decided) + (name in result.uncounted)
        write_some(tables[name], getattr(result, name), n_rows, keys_are_new=not is_resumed)

    def write_some(table: TableContract, rows: DataFrame, n_rows: int, *, keys_are_new: bool = False) -> None:
        if n_rows or ctx.version(table) < 0:
            ctx.write(table, rows, keys_are_new=keys_are_new)

    with ThreadPoolExecutor(max_workers=_WRITERS) as pool:
        for number, wave in enumerate(waves):
            list(pool.map(write, [*wave, REFUSED_RECORDS.name] if number == len(waves) - 1 else wave))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
