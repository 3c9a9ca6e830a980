"""Resolve people into the households that they live in, by what their profiles say.

Grain: one gold.household_members row per person of whom a name, an address, a phone number or an e-mail is known.
"""

import sys

from cdp.contracts.gold.household_members import HOUSEHOLD_MEMBERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.identity.households import TELLING, resolve_households, told_of_homes
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources, stated_of_people
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.resolve_households",
    reads=(PROFILES,),
    reads_previous=(HOUSEHOLD_MEMBERS,),
    writes=(HOUSEHOLD_MEMBERS,),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    sources = chosen_sources(ctx.definitions("sources", SourceSpec), ctx.settings.sources)
    stated = stated_of_people(sources.values(), ctx.definitions("mappings", MappingSpec))
    if stated.isdisjoint(TELLING) and ctx.version(HOUSEHOLD_MEMBERS) < 0:
        return  # customers are numbers only: no table, and nothing for Spark to do
    limit = ctx.settings.identity_driver_edge_limit
    told = told_of_homes(ctx.read(PROFILES)).limit(limit + 1).toArrow()
    if told.num_rows > limit:
        ctx.report_problem(f"identity: there are more profiles than {limit:,} (identity_driver_edge_limit): "
                           "gold.household_members stays as it was")  # fmt: skip
        return
    previous = ctx.read_previous(HOUSEHOLD_MEMBERS).select("household_id", "person_id").toArrow()
    members = resolve_households(told, previous, ctx.settings.person_id_key)
    ctx.write(HOUSEHOLD_MEMBERS, ctx.spark.createDataFrame(members))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
