"""Write the page of the night.

Grain: one HTML file per run date, <output>/reports/night-<date>.html.
"""

import sys
from pathlib import Path

from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.channel_credits import CHANNEL_CREDITS
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.recommendations import RECOMMENDATIONS
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.ops.deliveries import DELIVERIES
from cdp.contracts.ops.files import FILES
from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.contracts.ops.identity_measures import IDENTITY_MEASURES
from cdp.contracts.ops.model_performance import MODEL_PERFORMANCE
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.ops.runs import RUNS
from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.reports.collect import collect_night
from cdp.reports.file import write_page
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

JOB = Job(
    name="ops.write_report",
    reads=(
        FILES,
        SCHEMA_CHANGES,
        REFUSED_RECORDS,
        PEOPLE,
        IDENTITY_HISTORY,
        GENERIC_VALUES,
        IDENTITY_LINKS,
        PERSON_IDENTIFIERS,
        IDENTITY_MEASURES,
        TRAITS,
        PREDICTIONS,
        RECOMMENDATIONS,
        CHANNEL_CREDITS,
        AUDIENCE_MEMBERS,
        DELIVERIES,
        MODEL_RUNS,
        MODEL_PERFORMANCE,
    ),
    reads_previous=(RUNS,),  # grows with every run, so it must not make the page due again
)


def main(ctx: JobContext) -> None:
    from cdp.reports.page import render_page  # matplotlib takes a second to import: only when a page is drawn

    facts = collect_night(
        files=ctx.read(FILES),
        schema_changes=ctx.read(SCHEMA_CHANGES),
        refused_records=ctx.read(REFUSED_RECORDS),
        people=ctx.read(PEOPLE),
        identity_history=ctx.read(IDENTITY_HISTORY),
        generic_values=ctx.read(GENERIC_VALUES),
        identity_links=ctx.read(IDENTITY_LINKS),
        person_identifiers=ctx.read(PERSON_IDENTIFIERS),
        identity_measures=ctx.read(IDENTITY_MEASURES),
        traits=ctx.read(traits_contract(ctx.definitions("traits", TraitSpec))),
        predictions=ctx.read(PREDICTIONS),
        recommendations=ctx.read(RECOMMENDATIONS),
        channel_credits=ctx.read(CHANNEL_CREDITS),
        audience_members=ctx.read(AUDIENCE_MEMBERS),
        deliveries=ctx.read(DELIVERIES),
        runs=ctx.read_previous(RUNS),
        model_runs=ctx.read(MODEL_RUNS),
        model_performance=ctx.read(MODEL_PERFORMANCE),
        run_date=ctx.run_date,
        run_id=ctx.run_id,
    )
    write_page(render_page(facts), Path(ctx.settings.output) / "reports", ctx.run_date)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
