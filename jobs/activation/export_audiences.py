"""Hand audiences to their destinations, consent checked at the gate.

Grain: one ops.deliveries row per (destination, audience, run date). A date sent again may lose people, never gain.
"""

import sys

from cdp.activation.destinations import destination_model
from cdp.activation.export import ExportTables, export_audiences
from cdp.audiences.facts import people_facts
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.ops.deliveries import DELIVERIES
from cdp.contracts.silver.consents import CONSENTS
from cdp.models.declared.spec import PropensitySpec
from cdp.rules.consent import consent_states
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

JOB = Job(
    name="activation.export_audiences",
    reads=(AUDIENCE_MEMBERS, CONSENTS, PERSON_IDENTIFIERS, PROFILES, TRAITS, PREDICTIONS),
    writes=(DELIVERIES,),
)


def main(ctx: JobContext) -> None:
    destinations = ctx.definitions("destinations", destination_model())
    traits = traits_contract(ctx.definitions("traits", TraitSpec))
    declared = ctx.definitions("models", PropensitySpec)
    profiles, predictions = ctx.read(PROFILES), ctx.read(PREDICTIONS)
    owners, consents = person_records(ctx.read(PERSON_IDENTIFIERS)), ctx.read(CONSENTS)
    tables = ExportTables(
        members=ctx.read(AUDIENCE_MEMBERS),
        facts=people_facts(profiles, ctx.read(traits), predictions, run_date=ctx.run_date, declared=declared),
        person_identifiers=ctx.read(PERSON_IDENTIFIERS),
        states_at=lambda time: consent_states(consents, owners, as_of=time, known_at=time),
    )
    deliveries = export_audiences(
        tables,
        audiences=ctx.definitions("audiences", AudienceSpec),
        destinations=destinations,
        root=f"{ctx.settings.output}/exports",
        run_date=ctx.run_date,
        now=ctx.now,
    )
    ctx.write(DELIVERIES, ctx.spark.createDataFrame(deliveries, DELIVERIES.schema))
    for delivery in deliveries:
        if delivery["state"] == "refused":
            ctx.report_problem(f"destination {delivery['destination']} refused audience {delivery['audience']}")


if __name__ == "__main__":
    sys.exit(run(JOB, main))
