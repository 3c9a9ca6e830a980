"""Train churn and lifetime value when it is due; the new version becomes champion if it passes floors and gate.

Grain: one ops.model_runs row per registered version, one ops.model_promotions row per attempt to promote one. The same
inputs find the run that was made of them before. What found too little to learn waits for the next date that is due.
"""

import sys
from functools import partial

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.model_runs import is_noted, model_run_rows
from cdp.models.promotion import Asker, Attempt, settle
from cdp.models.registry import (
    MODEL_NAMES,
    VALUE_TAGS,
    Champion,
    RegisteredRun,
    Tracking,
    find_run,
    load_champion,
    log_and_register,
)
from cdp.models.snapshots import purchase_pieces
from cdp.models.tracking import open_tracking
from cdp.models.train import (
    DatasetVersion,
    Decision,
    TrainedValue,
    choose_horizon_weeks,
    decide_promotion,
    is_training_due,
    train_value,
    training_fingerprint,
)
from cdp.models.training_data import collect_training_data, measure_history
from cdp.models.tries import last_day_of_value, list_tries, noting_refusal, trainings_of_value
from cdp.models.value import FORM
from cdp.rules.person_records import joined_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="models.train_value",
    reads=(SNAPSHOTS, ORDER_LINES, PERSON_IDENTIFIERS),
    reads_previous=(MODEL_RUNS,),
    writes=(MODEL_RUNS, MODEL_PROMOTIONS),
)


def main(ctx: JobContext) -> None:
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    champions = [load_champion(tracking, name) for name in MODEL_NAMES.values()]
    tries, names, every = list_tries(tracking), list(MODEL_NAMES.values()), ctx.settings.models.train_every_days
    learned = max((day for day, _ in trainings_of_value(tries)), default=None)
    noted = is_noted(partial(ctx.read_previous, MODEL_RUNS), names, as_of=ctx.run_date, last_trained=learned)
    last = last_day_of_value(tries, FORM, has_champions=all(champions))
    if not is_training_due(last, ctx.run_date, every_days=every, is_noted=noted):
        return
    try:
        _train(ctx, tracking, champions[0] if all(champions) else None)
    except ModelError as error:  # the night goes on: with the old champion, or without scores
        tell = ctx.report_problem if all(champions) else ctx.note  # that there is nothing to learn yet is no defect
        tell(f"no new model: {error}")


def _train(ctx: JobContext, tracking: Tracking, champion: Champion | None) -> None:
    size = measure_history(ctx.read(SNAPSHOTS), as_of=ctx.run_date)
    horizon = choose_horizon_weeks(size.first_purchase, ctx.run_date, longest=ctx.settings.models.horizon_weeks)
    read = (ORDER_LINES, PERSON_IDENTIFIERS)
    datasets = [DatasetVersion(t.full_name, ctx.lake.path(t), ctx.version(t)) for t in read]
    fingerprint = training_fingerprint(VALUE_TAGS, datasets, as_of=ctx.run_date, horizon_weeks=horizon)
    records = joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date)
    pieces = purchase_pieces(ctx.read(ORDER_LINES), records, until=ctx.run_date)
    data = collect_training_data(pieces, as_of=ctx.run_date, size=size)
    old, every = champion.params if champion else None, ctx.settings.models.train_every_days
    with noting_refusal(tracking, "value", VALUE_TAGS, as_of=ctx.run_date, every_days=every):
        trained = train_value(data, as_of=ctx.run_date, horizon_weeks=horizon, champion=old)
    for warning in trained.params.warnings:
        ctx.note(f"value model: {warning}")
    decision = decide_promotion(trained, has_champion=champion is not None)
    made = find_run(tracking, fingerprint) or log_and_register(
        tracking, trained, names=MODEL_NAMES, datasets=datasets, fingerprint=fingerprint
    )
    attempts = [_promote(ctx, tracking, name, version, decision) for name, version in sorted(made.versions.items())]
    _write(ctx, trained, made, attempts, fingerprint)


def _promote(ctx: JobContext, tracking: Tracking, name: str, version: str, decision: Decision) -> Attempt:
    attempt = settle(tracking, name, version, decision, asker=Asker(JOB.name, ctx.now, ctx.spark))
    if decision.is_promoted and not attempt.is_moved:
        ctx.report_problem(attempt.reason)
    return attempt


def _write(
    ctx: JobContext, trained: TrainedValue, made: RegisteredRun, attempts: list[Attempt], fingerprint: str
) -> None:
    runs = model_run_rows(trained, attempts, run_id=made.run_id, fingerprint=fingerprint, trained_at=ctx.now)
    rows = [a.row(once=True) for a in attempts]
    for contract, found in ((MODEL_PROMOTIONS, rows), (MODEL_RUNS, runs)):
        ctx.write(contract, ctx.spark.createDataFrame(found, contract.schema))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
