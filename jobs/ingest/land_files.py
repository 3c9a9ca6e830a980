"""Land the files that arrived, and what databases and topics have new, whole and untouched.

Grain: one bronze.landed_records row per record; one ops.files row per file (or batch) and state. A file of the ledger
is not read again; the same content under another name is a duplicate; a broken file is quarantined whole.
"""

import sys

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.ops.files import FILES
from cdp.ingest.ledger import files_frame, known_files
from cdp.ingest.new_files import plan_landing
from cdp.ingest.spec import SourceSpec, chosen_sources
from cdp.runtime.entry import run
from cdp.runtime.incoming import fetch_deliveries, is_remote
from cdp.runtime.job import Job, JobContext
from cdp.runtime.landing import land_batches, land_files
from cdp.tables.fs import delete_folder

JOB = Job(
    name="ingest.land_files",
    reads_previous=(FILES, LANDED_RECORDS),
    writes=(LANDED_RECORDS, FILES),
    looks_outside=True,
)


def main(ctx: JobContext) -> None:
    sources = chosen_sources(ctx.definitions("sources", SourceSpec), ctx.settings.sources)
    known = known_files(ctx.read_previous(FILES)) if ctx.version(FILES) >= 0 else []
    files_of = {name: source for name, source in sources.items() if source.has_files}
    root = ctx.settings.input
    if is_remote(root):
        root = f"{ctx.settings.state}/incoming"
        fetch_deliveries(ctx.spark, ctx.settings.input, files_of, run_date=ctx.run_date, known=known, into=root)
    plan = plan_landing(files_of, root=root, run_date=ctx.run_date, known=known)
    for message in (*plan.failed_sources.values(), *plan.unread):
        ctx.report_problem(message.replace(root, ctx.settings.input))
    for file in plan.set_aside:
        if file.state == "quarantined":
            ctx.report_problem(f"source {file.file.source}: {file.file.path} is quarantined: {file.reason}")
    if plan.to_read:
        land_files(ctx, plan, sources)
    asked = [source for source in sources.values() if not source.has_files]
    batches = [batch for source in asked for batch in land_batches(ctx, source, known)]
    files = [*plan.to_read, *plan.set_aside]
    if files or batches:
        stamp = {"run_id": ctx.run_id, "landed_at": ctx.now, "bronze_version": ctx.version(LANDED_RECORDS)}
        ctx.write(FILES, files_frame(ctx.spark, files, batches, stamp))
    if is_remote(ctx.settings.input):
        delete_folder(ctx.spark, root)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
