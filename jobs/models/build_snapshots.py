"""Build every person's purchase snapshot as of the run date.

Grain: one gold.snapshots row per person who has bought before the run date.
"""

import sys

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.snapshots import build_snapshots
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(name="models.build_snapshots", reads=(ORDER_LINES, PERSON_IDENTIFIERS), writes=(SNAPSHOTS,))


def main(ctx: JobContext) -> None:
    records = person_records(ctx.read(PERSON_IDENTIFIERS))
    ctx.write(SNAPSHOTS, build_snapshots(ctx.read(ORDER_LINES), records, as_of_dates=[ctx.run_date]))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
