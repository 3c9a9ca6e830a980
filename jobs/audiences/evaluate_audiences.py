"""Say who is in which audience, since when, and who left.

Grain: one gold.audience_members row per stay of a person in an audience.
"""

import sys

from cdp.audiences.evaluate import evaluate_audiences
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.gold.traits import TRAITS
from cdp.models.declared.spec import PropensitySpec
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

JOB = Job(
    name="audiences.evaluate_audiences",
    reads=(PROFILES, TRAITS, PREDICTIONS),
    reads_previous=(AUDIENCE_MEMBERS,),
    writes=(AUDIENCE_MEMBERS,),
)


def main(ctx: JobContext) -> None:
    specs = ctx.definitions("audiences", AudienceSpec)
    traits = traits_contract(ctx.definitions("traits", TraitSpec))
    members = evaluate_audiences(
        ctx.read(PROFILES),
        ctx.read(traits),
        ctx.read(PREDICTIONS),
        ctx.read_previous(AUDIENCE_MEMBERS),
        specs=specs,
        run_date=ctx.run_date,
        declared=ctx.definitions("models", PropensitySpec),
    )
    ctx.write(AUDIENCE_MEMBERS, members)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
