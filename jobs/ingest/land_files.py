"""Land the files that arrived and the rows that databases have new, whole and untouched.

Grain: one bronze.landed_records row per record; one ops.files row per file and state. A file of the ledger is not
read again; the same content under another name is a duplicate; a broken file is quarantined whole.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.ops.files import FILES
from cdp.core.errors import ConfigError, TransientError
from cdp.ingest.databases import TableBatch, landed_rows, login_of, read_batch
from cdp.ingest.land import KnownFile, LandingPlan, plan_landing, read_records
from cdp.ingest.ledger import files_frame, known_files
from cdp.ingest.spec import SourceSpec, chosen_sources
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="ingest.land_files",
    reads_previous=(FILES, LANDED_RECORDS),
    writes=(LANDED_RECORDS, FILES),
    looks_outside=True,
)


def main(ctx: JobContext) -> None:
    sources = chosen_sources(ctx.definitions("sources", SourceSpec), ctx.settings.sources)
    known = known_files(ctx.read_previous(FILES)) if ctx.version(FILES) >= 0 else []
    files_of = {name: source for name, source in sources.items() if source.database is None}
    plan = plan_landing(files_of, root=ctx.settings.input, run_date=ctx.run_date, known=known)
    for message in plan.failed_sources.values():
        ctx.report_problem(message)
    for file in plan.set_aside:
        if file.state == "quarantined":
            ctx.report_problem(f"source {file.file.source}: {file.file.path} is quarantined: {file.reason}")
    if plan.to_read:
        land(ctx, plan, sources)
    batches = land_tables(ctx, sources, known)
    files = [*plan.to_read, *plan.set_aside]
    if files or batches:
        stamp = {"run_id": ctx.run_id, "landed_at": ctx.now, "bronze_version": ctx.version(LANDED_RECORDS)}
        ctx.write(FILES, files_frame(ctx.spark, files, batches, stamp))


def land_tables(ctx: JobContext, sources: Mapping[str, SourceSpec], known: Sequence[KnownFile]) -> list[TableBatch]:
    """Append what each database has new; a database that cannot be read fails alone."""
    landed = []
    for name, source in sources.items():
        if source.database is None:
            continue
        marks = [(k.landed_at, k.watermark) for k in known if k.source == name and k.watermark is not None]
        since = max(marks)[1] if marks else None
        try:
            login = login_of(source.database, os.environ)
            batch = read_batch(ctx.spark, source, login, since=since, delivered_on=ctx.run_date, keep=ctx.keep)
        except (ConfigError, TransientError) as error:
            ctx.report_problem(str(error))
            continue
        if batch.n_records and batch.batch_id not in {k.file_id for k in known}:
            append_new(ctx, landed_rows(batch), {name}, {ctx.run_date}, {batch.batch_id})
            landed.append(batch)
    return landed


def land(ctx: JobContext, plan: LandingPlan, sources: dict[str, SourceSpec]) -> None:
    """Append the records of the new files."""
    found = [checked.file for checked in plan.to_read]
    names, dates = {f.source for f in found}, {f.delivered_on for f in found}
    append_new(ctx, read_records(ctx.spark, plan.to_read, sources), names, dates, {c.file_id for c in plan.to_read})


def append_new(ctx: JobContext, records: DataFrame, names: set[str], dates: set[date], file_ids: set[str]) -> None:
    """Append records, but not again those of files or batches that a killed run has landed already."""
    stamped = records.withColumns({"run_id": F.lit(ctx.run_id), "landed_at": F.lit(ctx.now)})
    landed = landed_already(ctx, names, dates, file_ids)
    if landed:
        stamped = stamped.where(~F.col("file_id").isin(*landed))
    ctx.write(LANDED_RECORDS, stamped, keys_are_new=True)


def landed_already(ctx: JobContext, names: set[str], dates: set[date], file_ids: set[str]) -> set[str]:
    """Which of the ids a killed run has landed; only partitions that they go to are looked at."""
    if ctx.version(LANDED_RECORDS) < 0:
        return set()
    there = ctx.read_previous(LANDED_RECORDS).where(
        F.col("source").isin(*names) & F.col("delivered_on").isin(*dates) & F.col("file_id").isin(*file_ids)
    )
    return {row.file_id for row in there.select("file_id").distinct().collect()}


if __name__ == "__main__":
    sys.exit(run(JOB, main))
