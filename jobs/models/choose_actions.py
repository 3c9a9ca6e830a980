"""Choose the next best action of everybody under each plan of conf/actions; left out where there is none.

Grain: one gold.next_actions row per plan and person whom one of its actions can score.
"""

import sys
from datetime import timedelta

import pandas as pd

from cdp.audiences.facts import people_facts
from cdp.contracts.gold.next_actions import NEXT_ACTIONS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.silver.consents import CONSENTS
from cdp.core.dates import start_of
from cdp.models.actions.nightly import contacts_of, people_of, plan_night
from cdp.models.actions.plans import NightlyPlan
from cdp.models.declared.spec import PropensitySpec
from cdp.rules.consent import consent_states
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

JOB = Job(
    name="models.choose_actions",
    reads=(PROFILES, TRAITS, PREDICTIONS, CONSENTS, PERSON_IDENTIFIERS),
    reads_previous=(NEXT_ACTIONS,),
    writes=(NEXT_ACTIONS,),
    configured_by="actions",
)


def main(ctx: JobContext) -> None:
    traits = traits_contract(ctx.definitions("traits", TraitSpec))
    facts = people_facts(
        ctx.read(PROFILES),
        ctx.read(traits),
        ctx.read(PREDICTIONS),
        run_date=ctx.run_date,
        declared=ctx.definitions("models", PropensitySpec),
    )
    known = start_of(ctx.run_date + timedelta(days=1))  # the delivery of the day is known, as everywhere in a night
    owners = person_records(ctx.read(PERSON_IDENTIFIERS))
    states = consent_states(ctx.read(CONSENTS), owners, as_of=known, known_at=known)
    before, found = ctx.read_previous(NEXT_ACTIONS), []
    for name, plan in ctx.definitions(JOB.configured_by, NightlyPlan).items():
        people = people_of(facts, states, plan).toArrow().to_pandas()
        contacts = contacts_of(before, name, plan, as_of=ctx.run_date).toArrow().to_pandas()
        found.append(plan_night(name, plan, people, contacts, as_of=ctx.run_date))
    ctx.write(NEXT_ACTIONS, ctx.spark.createDataFrame(pd.concat(found), NEXT_ACTIONS.schema))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
