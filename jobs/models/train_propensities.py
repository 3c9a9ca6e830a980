"""Train the models of conf/models when it is due; a version that is not worse becomes champion if it passes the gate.

Grain: one ops.model_runs row per registered version, one ops.model_promotions row per attempt to promote one. The same
inputs find the run that was made of them before.
"""

import sys
from collections.abc import Mapping
from functools import partial

import pandas as pd

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.declared.cuts import LABEL, collect_cuts, customers_of, cut_measures, plan_cuts
from cdp.models.declared.registered import load_declared, log_declared, run_row
from cdp.models.declared.score import DeclaredVersion
from cdp.models.declared.spec import PropensitySpec, chosen_features, definition_mark, registered_name
from cdp.models.declared.train import decide, train_declared, training_mark
from cdp.models.model_runs import is_noted
from cdp.models.promotion import Asker, settle
from cdp.models.registry import find_run, list_trainings
from cdp.models.tracking import Tracking, open_tracking
from cdp.models.train import DatasetVersion, is_training_due
from cdp.models.training_data import measure_history
from cdp.rules.measures import Measure, measure_people
from cdp.rules.person_records import joined_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.spec import TraitSpec, features_of

_TABLES = (EVENTS, ORDER_LINES, FEEDBACK)
JOB = Job(
    name="models.train_propensities",
    reads=(SNAPSHOTS, PERSON_IDENTIFIERS, *_TABLES),
    reads_previous=(MODEL_RUNS,),
    writes=(MODEL_RUNS, MODEL_PROMOTIONS),
    configured_by="models",
)


def main(ctx: JobContext) -> None:
    specs = ctx.definitions("models", PropensitySpec)
    left_out = {name: spec.missing_sources(ctx.settings.sources) for name, spec in specs.items()}
    for name, missing in left_out.items():
        if missing:
            ctx.note(f"{name} is not learned: its source {', '.join(missing)} is not chosen (setting `sources`)")
    wanted = {name: spec for name, spec in specs.items() if not left_out[name]}
    if not wanted:
        return
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    traits = features_of(ctx.definitions("traits", TraitSpec))
    for name, spec in wanted.items():
        features = chosen_features(spec, traits)
        champion = load_declared(tracking, name, definition_mark(spec, features))
        last = max((day for day, _ in list_trainings(tracking, name)), default=None)
        every, runs = ctx.settings.models.train_every_days, partial(ctx.read_previous, MODEL_RUNS)
        noted = is_noted(runs, [registered_name(name)], as_of=ctx.run_date, last_trained=last)
        if is_training_due(last, ctx.run_date, every_days=every, has_champion=champion is not None, is_noted=noted):
            try:
                _train(ctx, tracking, name, spec, features, champion)
            except ModelError as error:  # the night goes on: with the old champion, or without scores
                tell = ctx.report_problem if champion else ctx.note  # that there is nothing to learn yet is no defect
                tell(f"no new model {name}: {error}")


def _train(
    ctx: JobContext,
    tracking: Tracking,
    name: str,
    spec: PropensitySpec,
    features: Mapping[str, Measure],
    champion: DeclaredVersion | None,
) -> None:
    definition, old = definition_mark(spec, features), champion.declared if champion else None
    found = _collect(ctx, spec, features)
    trained = train_declared(found, spec=spec, definition=definition, as_of=ctx.run_date, champion=old)
    tables = [DatasetVersion(t.full_name, ctx.lake.path(t), ctx.version(t)) for t in (PERSON_IDENTIFIERS, *_TABLES)]
    mark = training_mark(name, definition, tables, ctx.run_date)
    made = find_run(tracking, mark) or log_declared(tracking, name, spec, trained, datasets=tables, fingerprint=mark)
    registered, decision = registered_name(name), decide(trained)
    asker = Asker(JOB.name, ctx.now, ctx.spark)
    attempt = settle(tracking, registered, made.versions[registered], decision, asker=asker)
    if decision.is_promoted and not attempt.is_moved:
        ctx.report_problem(attempt.reason)
    row = run_row(trained, attempt, run_id=made.run_id, fingerprint=mark, trained_at=ctx.now)
    for contract, one in ((MODEL_PROMOTIONS, attempt.row(once=True)), (MODEL_RUNS, row)):
        ctx.write(contract, ctx.spark.createDataFrame([one], contract.schema))


def _collect(ctx: JobContext, spec: PropensitySpec, features: Mapping[str, Measure]) -> pd.DataFrame:
    snapshots, tables = ctx.read(SNAPSHOTS), {table.full_name: ctx.read(table) for table in _TABLES}
    size = measure_history(snapshots, as_of=ctx.run_date)
    plan = plan_cuts(size.first_purchase, ctx.run_date, spec.horizon_weeks)
    customers = customers_of(snapshots, plan=plan, people=size.people)
    owners = joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date)
    records = owners.join(customers, on="person_id", how="left_semi")
    measures = cut_measures(features, spec.outcome)
    measured = measure_people(records, tables, measures=measures, as_of_dates=plan.dates, truths=(LABEL,))
    return collect_cuts(measured, plan=plan, features=sorted(features))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
