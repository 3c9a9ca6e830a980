"""Accept landed records into silver, or refuse them with every reason.

Grain: one decision per landed record (accepted, duplicate, refused); silver rows as each table says.
"""

import sys

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.ops.files import FILES
from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ContractError
from cdp.ingest.accept import accept_records
from cdp.ingest.land import headers_of
from cdp.ingest.ledger import accepted_frame, undecided_files
from cdp.ingest.spec import MappingSpec, SourceSpec
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

# Events come first: what a killed run has written is then seen through the main row of its records.
SILVER = (EVENTS, ORDER_LINES, CUSTOMER_RECORDS, FEEDBACK, CONSENTS)
JOB = Job(
    name="ingest.accept_records",
    reads=(LANDED_RECORDS,),
    reads_previous=(FILES, *SILVER),
    writes=(*SILVER, REFUSED_RECORDS, FILES),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    files = ctx.keep(undecided_files(ctx.read_previous(FILES)))
    batch = files.select("file_id", "source", "delivered_on", "header").collect()
    if not batch:
        return
    specs = ctx.definitions("sources", SourceSpec)
    names = {row.source for row in batch}
    landed = ctx.read(LANDED_RECORDS).where(
        F.col("source").isin(*names)
        & F.col("delivered_on").isin(*{row.delivered_on for row in batch})
        & F.col("file_id").isin(*[row.file_id for row in batch])
    )
    result = accept_records(
        landed,
        sources={name: specs[name] for name in names},
        mappings=ctx.definitions("mappings", MappingSpec),
        headers=headers_of({row.file_id: row.header for row in batch}),
        seen={table.name: ctx.read_previous(table) for table in SILVER},
    )
    counts = ctx.keep(result.counts)
    decided = counts.collect()
    refuse_lost_records(landed, decided)
    is_resumed = any(row.rows_resumed for row in decided)
    for table in SILVER:
        ctx.write(table, getattr(result, table.name), keys_are_new=not is_resumed)
    stamp = {"run_id": ctx.run_id, "refused_at": ctx.now}
    ctx.write(REFUSED_RECORDS, result.refused.withColumns({k: F.lit(v) for k, v in stamp.items()}))
    ctx.write(FILES, accepted_frame(files, counts, {"run_id": ctx.run_id, "accepted_at": ctx.now}))


def refuse_lost_records(landed: DataFrame, decided: list[Row]) -> None:
    """Every record that lies in bronze must be accepted, a duplicate or refused, file by file."""
    read = {row.file_id: row.n for row in landed.groupBy("file_id").agg(F.count("*").alias("n")).collect()}
    told = {c.file_id: c.rows_accepted + c.rows_duplicate + c.rows_refused for c in decided}
    wrong = sorted(file_id for file_id in read.keys() | told.keys() if read.get(file_id) != told.get(file_id))
    if wrong:
        raise ContractError(f"files {wrong}: not as many records decided on as were landed; nothing was written")


if __name__ == "__main__":
    sys.exit(run(JOB, main))
