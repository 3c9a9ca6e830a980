"""Collect the identifiers that every record and event carries.

Grain: one silver.identifiers row per (record, identifier type, value). Where the tables of silver have only grown since
the last night, their new rows are counted in.
"""

import sys

from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.identity.identifiers import add_identifiers, collect_identifiers
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.collect_identifiers",
    reads=(EVENTS, ORDER_LINES, CUSTOMER_RECORDS, FEEDBACK, CONSENTS),
    reads_previous=(IDENTIFIERS,),
    writes=(IDENTIFIERS,),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    made_of = ctx.made_of()
    added = ctx.read_added(IDENTIFIERS)
    rows = added if added is not None else {table: ctx.read(table) for table in JOB.reads}
    identifiers = collect_identifiers(
        events=rows[EVENTS],
        order_lines=rows[ORDER_LINES],
        customer_records=rows[CUSTOMER_RECORDS],
        feedback=rows[FEEDBACK],
        consents=rows[CONSENTS],
    )
    if added is not None:
        identifiers = add_identifiers(ctx.read_previous(IDENTIFIERS), identifiers)
    ctx.write(IDENTIFIERS, identifiers, made_of=made_of)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
