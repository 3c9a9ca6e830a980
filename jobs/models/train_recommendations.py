"""Train the models of conf/recommendations when it is due; a version that is not worse becomes champion past the gate.

Grain: one ops.model_runs row per registered version, one ops.model_promotions row per attempt to promote one. The same
inputs find the run that was made of them before. What found nothing to learn waits for the next date that is due.
"""

import sys
from functools import partial

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.declared.spec import registered_name
from cdp.models.model_runs import is_noted, model_run_row
from cdp.models.promotion import Asker, settle
from cdp.models.recommendation.nightly import item_purchases, shares_of
from cdp.models.recommendation.purchase_log import collect_purchases
from cdp.models.recommendation.registered import (
    ListVersion,
    list_tags,
    load_lists,
    log_list,
    tries_of_list,
)
from cdp.models.recommendation.spec import ListSpec, model_of
from cdp.models.recommendation.train import HORIZON_WEEKS, decide, train_list
from cdp.models.registry import find_run
from cdp.models.tracking import Tracking, open_tracking
from cdp.models.train import DatasetVersion, is_training_due, training_fingerprint
from cdp.models.tries import last_day, list_tries, noting_refusal
from cdp.rules.person_records import person_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="models.train_recommendations",
    reads=(ORDER_LINES, PERSON_IDENTIFIERS),
    reads_previous=(MODEL_RUNS,),
    writes=(MODEL_RUNS, MODEL_PROMOTIONS),
    configured_by="recommendations",
)


def main(ctx: JobContext) -> None:
    specs = ctx.definitions(JOB.configured_by, ListSpec)
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    tries = list_tries(tracking)
    champions = load_lists(tracking, tries, specs)
    every, runs = ctx.settings.models.train_every_days, partial(ctx.read_previous, MODEL_RUNS)
    for name, spec in specs.items():
        tried = tries_of_list(tries, name, spec)
        learned = last_day(t for t in tried if t.versions)
        noted = is_noted(runs, [registered_name(model_of(name))], as_of=ctx.run_date, last_trained=learned)
        if is_training_due(last_day(tried), ctx.run_date, every_days=every, is_noted=noted):
            try:
                _train(ctx, tracking, name, spec, champions.get(name))
            except ModelError as error:  # the night goes on: with the old champion, or by shares
                tell = ctx.report_problem if name in champions else ctx.note  # a short history is no defect
                tell(f"no new model of the list {name}: {error}")


def _train(ctx: JobContext, tracking: Tracking, name: str, spec: ListSpec, champion: ListVersion | None) -> None:
    lines, records = ctx.read(ORDER_LINES), person_records(ctx.read(PERSON_IDENTIFIERS))
    purchases = item_purchases(lines, records, item=spec.item, as_of=ctx.run_date)
    some = shares_of(purchases, order_lines=lines.count())[0]  # its people are plenty to learn from
    log, tags, every = collect_purchases(some.toArrow()), list_tags(name, spec), ctx.settings.models.train_every_days
    with noting_refusal(tracking, model_of(name), tags, as_of=ctx.run_date, every_days=every):
        trained = train_list(log, as_of=ctx.run_date, champion=champion.recommender if champion else None)
    tables = [DatasetVersion(t.full_name, ctx.lake.path(t), ctx.version(t)) for t in (ORDER_LINES, PERSON_IDENTIFIERS)]
    mark = training_fingerprint(tags, tables, as_of=ctx.run_date, horizon_weeks=HORIZON_WEEKS)
    made = find_run(tracking, mark) or log_list(tracking, name, spec, trained, datasets=tables, fingerprint=mark)
    registered, decision = registered_name(model_of(name)), decide(trained)
    asker = Asker(JOB.name, ctx.now, ctx.spark)
    attempt = settle(tracking, registered, made.versions[registered], decision, asker=asker)
    if decision.is_promoted and not attempt.is_moved:
        ctx.report_problem(attempt.reason)
    facts = {"as_of": trained.as_of, "metrics": trained.metrics, "parameters": trained.describe()}
    row = model_run_row(attempt, **facts, run_id=made.run_id, fingerprint=mark, trained_at=ctx.now)
    for contract, one in ((MODEL_PROMOTIONS, attempt.row(once=True)), (MODEL_RUNS, row)):
        ctx.write(contract, ctx.spark.createDataFrame([one], contract.schema))
    ctx.note(f"{name}: {attempt.reason}")


if __name__ == "__main__":
    sys.exit(run(JOB, main))
