"""Accept landed records into silver, or refuse them with every reason; erase those whose licence is over.

Grain: one decision per landed record (accepted, duplicate, refused); silver rows as each table says.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.ops.expiries import EXPIRIES
from cdp.contracts.ops.files import FILES
from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.ingest.accept import accept_records, writing_waves
from cdp.ingest.accounts import look_at_files, refuse_lost_records
from cdp.ingest.ledger import accepted_frame, counts_frame, headers_of, undecided_files
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, landed_sources, mapping_of
from cdp.ingest.targets import SILVER
from cdp.runtime.accepting import write_schema_changes, write_silver
from cdp.runtime.entry import run
from cdp.runtime.expiry import HELD, expire_records
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="ingest.accept_records",
    reads=(LANDED_RECORDS,),
    reads_previous=(EXPIRIES, FILES, SCHEMA_CHANGES, *SILVER),
    writes=(*SILVER, REFUSED_RECORDS, SCHEMA_CHANGES, EXPIRIES, FILES),
    erases=(*HELD, FILES),
)


def main(ctx: JobContext) -> None:
    specs = ctx.definitions("sources", SourceSpec)
    batch = undecided_files(expire_records(ctx, specs))
    if not batch:
        return
    mappings = ctx.definitions("mappings", MappingSpec)
    names = {file.source for file in batch}
    sources = landed_sources(specs, names)
    headers = {file.file_id: file.header for file in batch}
    landed = ctx.read(LANDED_RECORDS).where(
        F.col("source").isin(*names)
        & F.col("delivered_on").isin(*{file.delivered_on for file in batch})
        & F.col("file_id").isin(*headers)
    )
    with ThreadPoolExecutor(max_workers=1) as aside:
        in_bronze = aside.submit(look_at_files, landed, [name for name in names if sources[name].is_json])
        result = accept_records(
            landed,
            sources=sources,
            mappings=mappings,
            headers=headers_of(headers),
            seen={table.name: ctx.read_previous(table) for table in SILVER},
        )
        refuse_lost_records(in_bronze.result(), result.counts)
        used = {name: mapping_of(source, mappings) for name, source in sources.items()}
        changes = aside.submit(write_schema_changes, ctx, batch, in_bronze.result(), used)
        write_silver(ctx, result, writing_waves(used))
        changes.result()
    files = ctx.read_previous(FILES).where((F.col("state") == "landed") & F.col("file_id").isin(*headers))
    counts = counts_frame(ctx.spark, result.counts)
    closed = accepted_frame(files, counts, {"run_id": ctx.run_id, "accepted_at": ctx.now})
    # Last of all: with this row a file counts as decided. No file that has one is in the batch.
    ctx.write(FILES, closed, keys_are_new=True)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
