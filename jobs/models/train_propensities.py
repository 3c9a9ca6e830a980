"""Train the models of conf/models when it is due; a version that is not worse becomes champion if it passes the gate.

Grain: one ops.model_runs row per registered version, one ops.model_promotions row per attempt to promote one. The same
inputs find the run that was made of them before. What found nothing to learn waits for the next date that is due.
"""

import sys
from collections.abc import Mapping
from functools import partial

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.declared.cuts import collect_history
from cdp.models.declared.registered import load_declared, log_declared, training_tags, tries_of_declared
from cdp.models.declared.score import DeclaredVersion
from cdp.models.declared.spec import PropensitySpec, chosen_features, definition_mark, registered_name
from cdp.models.declared.train import decide, train_declared
from cdp.models.model_runs import is_noted, model_run_row
from cdp.models.promotion import Asker, settle
from cdp.models.registry import find_run
from cdp.models.tracking import Tracking, open_tracking
from cdp.models.train import DatasetVersion, is_training_due, training_fingerprint
from cdp.models.tries import last_day, list_tries, noting_refusal
from cdp.rules.measures import Measure
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
    chosen = {name: chosen_features(spec, traits) for name, spec in wanted.items()}
    marks = {name: definition_mark(spec, chosen[name]) for name, spec in wanted.items()}
    tries = list_tries(tracking)
    champions = load_declared(tracking, tries, marks)
    every, runs = ctx.settings.models.train_every_days, partial(ctx.read_previous, MODEL_RUNS)
    for name, spec in wanted.items():
        champion, tried = champions.get(name), tries_of_declared(tries, name, marks[name])
        last_trained = last_day(t for t in tried if t.versions)
        noted = is_noted(runs, [registered_name(name)], as_of=ctx.run_date, last_trained=last_trained)
        if is_training_due(last_day(tried), ctx.run_date, every_days=every, is_noted=noted):
            try:
                _train(ctx, tracking, name, spec, chosen[name], champion)
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
    found = collect_history(
        ctx.read(SNAPSHOTS),
        joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date),
        {table.full_name: ctx.read(table) for table in _TABLES},
        features=features,
        outcome=spec.outcome,
        horizon_weeks=spec.horizon_weeks,
        as_of=ctx.run_date,
    )
    every, tags = ctx.settings.models.train_every_days, training_tags(name, definition)
    with noting_refusal(tracking, name, tags, as_of=ctx.run_date, every_days=every):
        trained = train_declared(found, spec=spec, definition=definition, as_of=ctx.run_date, champion=old)
    tables = [DatasetVersion(t.full_name, ctx.lake.path(t), ctx.version(t)) for t in (PERSON_IDENTIFIERS, *_TABLES)]
    mark = training_fingerprint(tags, tables, as_of=ctx.run_date, horizon_weeks=spec.horizon_weeks)
    made = find_run(tracking, mark) or log_declared(tracking, name, spec, trained, datasets=tables, fingerprint=mark)
    registered, decision = registered_name(name), decide(trained)
    version, asker = made.versions[registered], Asker(JOB.name, ctx.now, ctx.spark)
    attempt = settle(tracking, registered, version, decision, asker=asker)
    if decision.is_promoted and not attempt.is_moved:
        ctx.report_problem(attempt.reason)
    facts = {"as_of": trained.as_of, "metrics": trained.metrics, "parameters": trained.describe()}
    row = model_run_row(attempt, **facts, run_id=made.run_id, fingerprint=mark, trained_at=ctx.now)
    for contract, one in ((MODEL_PROMOTIONS, attempt.row(once=True)), (MODEL_RUNS, row)):
        ctx.write(contract, ctx.spark.createDataFrame([one], contract.schema))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
