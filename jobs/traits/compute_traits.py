"""Compute every person's traits and RFM scores as of the run date.

Grain: one gold.traits row per person; one gold.trait_thresholds row per cut point.
"""

import sys

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.trait_thresholds import TRAIT_THRESHOLDS
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.rules.measures import measure_people
from cdp.rules.person_records import joined_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import traits_contract
from cdp.traits.rfm import find_thresholds, has_rfm, score_rfm
from cdp.traits.spec import TraitSpec

JOB = Job(
    name="traits.compute_traits",
    reads=(PERSON_IDENTIFIERS, EVENTS, ORDER_LINES, FEEDBACK),
    writes=(TRAITS, TRAIT_THRESHOLDS),
)


def main(ctx: JobContext) -> None:
    specs = ctx.definitions("traits", TraitSpec)
    tables = {table.full_name: ctx.read(table) for table in (EVENTS, ORDER_LINES, FEEDBACK)}
    records = joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date)
    traits = ctx.keep(measure_people(records, tables, measures=specs, as_of_dates=[ctx.run_date]))
    if has_rfm(specs):
        thresholds = ctx.keep(find_thresholds(traits, as_of=ctx.run_date))
        scored = score_rfm(traits, thresholds)
        ctx.write_all((TRAIT_THRESHOLDS, thresholds), (traits_contract(specs), scored))
    else:
        ctx.write(traits_contract(specs), traits)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
