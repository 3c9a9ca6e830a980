"""Compose the golden record of every person.

Grain: one gold.profiles row per active person, each value with its source, time, rule and confidence. Only people of
whom something became other since the last night are composed.
"""

import sys

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.ingest.spec import SourceSpec
from cdp.profiles.changed import find_others, renew_profiles
from cdp.profiles.retention import next_expiry, rows_in_time
from cdp.profiles.signs import gather_signs
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.rules.person_records import person_records
from cdp.runtime.bundle import code_hash
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="profiles.compose_profiles",
    reads=(PEOPLE, PERSON_IDENTIFIERS, CUSTOMER_RECORDS, IDENTIFIERS),
    reads_previous=(PROFILES,),
    writes=(PROFILES,),
)


def main(ctx: JobContext) -> None:
    sources = ctx.definitions("sources", SourceSpec)
    retention = {name: spec.retention_days for name, spec in sources.items() if spec.retention_days}
    policy = ctx.definition("survivorship", "profile", SurvivorshipPolicy)
    made_of = {"code": code_hash(), "policy": policy.model_dump_json()}
    is_comparable = ctx.lake.made_of(PROFILES) == made_of
    held, owners, records = ctx.read_previous(PROFILES), ctx.read(PERSON_IDENTIFIERS), ctx.read(CUSTOMER_RECORDS)
    in_time = rows_in_time(records, retention=retention, run_date=ctx.run_date)
    signs = gather_signs(ctx.read(PEOPLE), owners, in_time, ctx.read(IDENTIFIERS))
    others = ctx.keep(find_others(signs, held, is_comparable=is_comparable))
    profiles = renew_profiles(
        others,
        held,
        person_records(owners),
        in_time,
        policy=policy,
        run_date=ctx.run_date,
        is_comparable=is_comparable,
    )
    ctx.write(PROFILES, profiles, made_of=made_of)
    ctx.holds_until = next_expiry(records, retention=retention, run_date=ctx.run_date)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
