"""Compose the golden record of every person.

Grain: one gold.profiles row per active person, each value with its source, time, rule and confidence.
"""

import sys

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.ingest.spec import SourceSpec
from cdp.profiles.compose import compose_profiles
from cdp.profiles.retention import next_expiry
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="profiles.compose_profiles",
    reads=(PEOPLE, PERSON_IDENTIFIERS, CUSTOMER_RECORDS, IDENTIFIERS),
    writes=(PROFILES,),
)


def main(ctx: JobContext) -> None:
    sources = ctx.definitions("sources", SourceSpec)
    retention = {name: spec.retention_days for name, spec in sources.items() if spec.retention_days}
    records = ctx.read(CUSTOMER_RECORDS)
    profiles = compose_profiles(
        ctx.read(PEOPLE),
        ctx.read(PERSON_IDENTIFIERS),
        records,
        ctx.read(IDENTIFIERS),
        policy=ctx.definition("survivorship", "profile", SurvivorshipPolicy),
        run_date=ctx.run_date,
        retention=retention,
    )
    ctx.write(PROFILES, profiles)
    ctx.holds_until = next_expiry(records, retention=retention, run_date=ctx.run_date)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
