"""Link records to identifiers, leaving out values that tie too many people together.

Grain: one silver.identity_links row per (record, identifier); one silver.generic_values row per demoted value.
"""

import sys

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.identity.generic import find_generic_values
from cdp.identity.links import link_records
from cdp.identity.rules import IdentityRules
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.link_records",
    reads=(IDENTIFIERS, CUSTOMER_RECORDS),
    writes=(GENERIC_VALUES, IDENTITY_LINKS),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    rules = ctx.definition("identity", "rules", IdentityRules)
    identifiers = ctx.read(IDENTIFIERS)
    generic = find_generic_values(identifiers, ctx.read(CUSTOMER_RECORDS), rules=rules)
    generic = ctx.keep(generic)
    ctx.write(GENERIC_VALUES, generic)
    ctx.write(IDENTITY_LINKS, link_records(identifiers, generic, rules=rules))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
