"""Collect the identifiers that every record and event carries.

Grain: one silver.identifiers row per (record, identifier type, value).
"""

import sys

from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.identity.identifiers import collect_identifiers
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.collect_identifiers",
    reads=(EVENTS, ORDER_LINES, CUSTOMER_RECORDS, FEEDBACK, CONSENTS),
    writes=(IDENTIFIERS,),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    identifiers = collect_identifiers(
        events=ctx.read(EVENTS),
        order_lines=ctx.read(ORDER_LINES),
        customer_records=ctx.read(CUSTOMER_RECORDS),
        feedback=ctx.read(FEEDBACK),
        consents=ctx.read(CONSENTS),
    )
    ctx.write(IDENTIFIERS, identifiers)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
