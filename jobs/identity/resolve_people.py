"""Resolve links into people.

Grain: one gold.people row per person. Running a date again gives the same rows and the same person ids.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.identity.people import resolve_people
from cdp.identity.person_ids import person_id_maker
from cdp.identity.rules import IdentityRules
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.resolve_people",
    reads=(IDENTITY_LINKS, IDENTIFIERS, CUSTOMER_RECORDS),
    reads_previous=(PEOPLE, PERSON_IDENTIFIERS),
    writes=(PEOPLE, PERSON_IDENTIFIERS, IDENTITY_HISTORY),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    result = resolve_people(
        ctx.read(IDENTITY_LINKS),
        ctx.read(IDENTIFIERS),
        ctx.read(CUSTOMER_RECORDS),
        ctx.read_previous(PEOPLE),
        ctx.read_previous(PERSON_IDENTIFIERS),
        rules=ctx.definition("identity", "rules", IdentityRules),
        run_date=ctx.run_date,
        make_person_ids=person_id_maker(ctx.settings.person_id_key),
        driver_edge_limit=ctx.settings.identity_driver_edge_limit,
        driver_pair_limit=ctx.settings.identity_driver_pair_limit,
        most_changed=ctx.settings.identity_most_changed,
    )
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            now = [beside.submit(ctx.keep, frame) for frame in (result.person_identifiers, result.people)]
            # History first: a kill between the writes makes the same history rows again, which append leaves out.
            ctx.write(IDENTITY_HISTORY, result.history)
            ctx.write(PERSON_IDENTIFIERS, now[0].result())
            ctx.write(PEOPLE, now[1].result())
    finally:
        result.release()


if __name__ == "__main__":
    sys.exit(run(JOB, main))
