"""Rank the items that each person buys next, by the lists of conf/recommendations; left out where there is none.

Grain: one gold.recommendations row per list, person and rank. Each list's champion is resolved once for the whole run.
"""

import sys
from datetime import timedelta

import pyarrow as pa

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.recommendations import RECOMMENDATIONS
from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.recommendation.nightly import HOLD_DAYS, item_purchases, recommend_night, shares_of, tell_list
from cdp.models.recommendation.registered import load_lists
from cdp.models.recommendation.spec import ListSpec
from cdp.models.tracking import open_tracking
from cdp.models.tries import list_tries
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="models.recommend_items",
    reads=(ORDER_LINES, PERSON_IDENTIFIERS, MODEL_PROMOTIONS),  # an alias that moved is a reason to rank anew
    writes=(RECOMMENDATIONS,),
    configured_by="recommendations",
)


def main(ctx: JobContext) -> None:
    lines, records, found = ctx.read(ORDER_LINES), person_records(ctx.read(PERSON_IDENTIFIERS)), []
    specs, n_lines = ctx.definitions(JOB.configured_by, ListSpec), lines.count()  # from Delta's log
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    champions = load_lists(tracking, list_tries(tracking), specs)
    for name, spec in specs.items():
        champion = champions.get(name)
        purchases = item_purchases(lines, records, item=spec.item, as_of=ctx.run_date)
        for share in shares_of(purchases, order_lines=n_lines):
            rows, summary = recommend_night(name, spec, share.toArrow(), champion=champion, as_of=ctx.run_date)
            found.append(rows)
            if summary:
                ctx.note(tell_list(name, summary, champion))
    ctx.write(RECOMMENDATIONS, ctx.spark.createDataFrame(pa.concat_tables(found), RECOMMENDATIONS.schema))
    ctx.holds_until = ctx.run_date + timedelta(days=HOLD_DAYS)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
