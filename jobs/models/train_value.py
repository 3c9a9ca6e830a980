"""Train churn and lifetime value when it is due, and make the new version champion if it reaches the floors.

Grain: one ops.model_runs row per registered version. The same inputs find the run that was made of them before.
"""

import sys

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.model_runs import model_run_rows
from cdp.models.registry import (
    MODEL_NAMES,
    DatasetVersion,
    Tracking,
    find_last_training,
    find_run,
    load_champion,
    log_and_register,
    open_tracking,
    promote,
)
from cdp.models.snapshots import build_snapshots
from cdp.models.train import (
    choose_horizon_weeks,
    decide_promotion,
    find_first_purchase,
    is_training_due,
    train_value,
    training_cuts,
    training_fingerprint,
)
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="models.train_value",
    reads=(SNAPSHOTS, ORDER_LINES, PERSON_IDENTIFIERS),
    writes=(MODEL_RUNS,),
)


def main(ctx: JobContext) -> None:
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    has_champion = all(load_champion(tracking, name) for name in MODEL_NAMES.values())
    due = is_training_due(
        find_last_training(tracking),
        ctx.run_date,
        every_days=ctx.settings.models.train_every_days,
        has_champion=has_champion,
    )
    if not due:
        return
    try:
        _train(ctx, tracking, has_champion)
    except ModelError as error:  # the night goes on: with the old champion, or without scores
        ctx.report_problem(f"no new model: {error}")


def _train(ctx: JobContext, tracking: Tracking, has_champion: bool) -> None:
    first = find_first_purchase(ctx.read(SNAPSHOTS), as_of=ctx.run_date)
    horizon = choose_horizon_weeks(first, ctx.run_date, longest=ctx.settings.models.horizon_weeks)
    datasets = [
        DatasetVersion(t.full_name, ctx.lake.path(t), ctx.version(t)) for t in (ORDER_LINES, PERSON_IDENTIFIERS)
    ]
    fingerprint = training_fingerprint(datasets, as_of=ctx.run_date, horizon_weeks=horizon)
    lines, records = ctx.read(ORDER_LINES), person_records(ctx.read(PERSON_IDENTIFIERS))
    cuts = ctx.keep(build_snapshots(lines, records, as_of_dates=training_cuts(ctx.run_date, horizon)))
    trained = train_value(cuts, as_of=ctx.run_date, horizon_weeks=horizon)
    decision = decide_promotion(trained.metrics, has_champion=has_champion)
    made = find_run(tracking, fingerprint) or log_and_register(
        tracking, trained, names=MODEL_NAMES, datasets=datasets, fingerprint=fingerprint
    )
    for name, version in made.versions.items() if decision.is_promoted else ():
        promote(tracking, name, version, reason=decision.reason)
    rows = model_run_rows(
        trained, decision, run_id=made.run_id, versions=made.versions, fingerprint=fingerprint, trained_at=ctx.now
    )
    ctx.write(MODEL_RUNS, ctx.spark.createDataFrame([tuple(r.values()) for r in rows], MODEL_RUNS.schema))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
