"""Share orders out among the channels that people came by, by conf/attribution; left out where there is no file.

Grain: one gold.channel_credits row per file, model, channel and campaign. Correlational, not causal.
"""

import sys
from datetime import timedelta

import pandas as pd

from cdp.contracts.gold.channel_credits import CHANNEL_CREDITS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.attribution.nightly import HOLD_DAYS, credit_night, journeys, tell_journeys
from cdp.models.attribution.spec import AttributionSpec
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="models.attribute_conversions",
    reads=(EVENTS, ORDER_LINES, PERSON_IDENTIFIERS),
    writes=(CHANNEL_CREDITS,),
    configured_by="attribution",
)


def main(ctx: JobContext) -> None:
    events, lines, records = ctx.read(EVENTS), ctx.read(ORDER_LINES), person_records(ctx.read(PERSON_IDENTIFIERS))
    found = []
    for name, spec in ctx.definitions(JOB.configured_by, AttributionSpec).items():
        paths = journeys(events, lines, records, spec=spec, as_of=ctx.run_date).toArrow()
        found.append(credit_night(name, paths, as_of=ctx.run_date))
        ctx.note(tell_journeys(name, paths))
    ctx.write(CHANNEL_CREDITS, ctx.spark.createDataFrame(pd.concat(found), CHANNEL_CREDITS.schema))
    ctx.holds_until = ctx.run_date + timedelta(days=HOLD_DAYS)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
