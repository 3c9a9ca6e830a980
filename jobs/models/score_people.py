"""Score every person with the champions of churn, lifetime value and the models of conf/models, in one pass.

Grain: one gold.predictions row per person and model as of the run date, one ops.model_drift row per measure, and one
ops.model_performance row per measure of an earlier scoring whose horizon ends tonight. The alias is resolved once for
the whole run.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_drift import MODEL_DRIFT
from cdp.contracts.ops.model_performance import MODEL_PERFORMANCE
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ModelError
from cdp.models.declared.registered import load_declared, tries_of_declared
from cdp.models.declared.spec import PropensitySpec, chosen_features, definition_mark, registered_name
from cdp.models.drift import measure_drift, refuse_drift
from cdp.models.performance import (
    Ended,
    ended_scorings,
    labels_since,
    measure_performance,
    purchases_since,
    refuse_performance,
)
from cdp.models.registry import MODEL_NAMES, load_champion
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.models.tracking import open_tracking
from cdp.models.tries import Try, list_tries, trainings_of_value
from cdp.rules.person_records import joined_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import snapshots_contract
from cdp.traits.spec import TraitSpec, features_of

_TABLES = (EVENTS, ORDER_LINES, FEEDBACK)
JOB = Job(
    name="models.score_people",
    reads=(SNAPSHOTS, MODEL_RUNS, PERSON_IDENTIFIERS, *_TABLES),
    reads_previous=(PREDICTIONS,),
    writes=(PREDICTIONS, MODEL_DRIFT, MODEL_PERFORMANCE),
)


def main(ctx: JobContext) -> None:
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    champions = {kind: load_champion(tracking, name) for kind, name in MODEL_NAMES.items()}
    models = {kind: ScoringModel(c.name, c.version, c.params) for kind, c in champions.items() if c}
    traits = ctx.definitions("traits", TraitSpec)
    specs = ctx.definitions("models", PropensitySpec)
    marks = {name: definition_mark(spec, chosen_features(spec, features_of(traits))) for name, spec in specs.items()}
    tries = list_tries(tracking)
    declared = load_declared(tracking, tries, marks)
    snapshots = ctx.read(snapshots_contract(traits))
    tried = {name: tries_of_declared(tries, name, mark) for name, mark in marks.items()}
    ended = {name: one for name, spec in specs.items() if (one := _ended(ctx.run_date, name, spec, tried[name]))}
    _look_back(ctx, snapshots, ended_scorings(trainings_of_value(tries), as_of=ctx.run_date), ended)
    scored = ctx.keep(score_snapshots(snapshots, models, as_of=ctx.run_date, declared=declared))
    drift = measure_drift(snapshots, scored, models, as_of=ctx.run_date, declared=declared)
    told = ctx.spark.createDataFrame(drift, MODEL_DRIFT.schema)
    try:
        refuse_drift(drift, ctx.settings.models.max_psi)
    except ModelError:
        ctx.write(MODEL_DRIFT, told)
        raise
    ctx.write_all((MODEL_DRIFT, told), (PREDICTIONS, scored))


def _ended(as_of: date, name: str, spec: PropensitySpec, tried: Sequence[Try]) -> Ended | None:
    """The model, if it may have scored a horizon ago."""
    versions = {t.versions[registered_name(name)]: t.as_of for t in tried if t.versions}
    if not ended_scorings([(day, spec.horizon_weeks) for day in versions.values()], as_of=as_of):
        return None
    return Ended(spec.horizon_weeks, spec.outcome, tuple(versions))


def _look_back(ctx: JobContext, snapshots: DataFrame, scored_on: list[date], ended: Mapping[str, Ended]) -> None:
    said, as_of, frames = ctx.read_previous(PREDICTIONS), ctx.run_date, []
    if scored_on:
        frames.append(purchases_since(said, snapshots, scored_on=scored_on, as_of=as_of))
    if ended:
        records = joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date)
        tables = {table.full_name: ctx.read(table) for table in _TABLES}
        frames.append(labels_since(said, records, tables, ended=ended, as_of=as_of))
    found = measure_performance(frames, as_of=as_of)
    if found:
        ctx.write(MODEL_PERFORMANCE, ctx.spark.createDataFrame(found, MODEL_PERFORMANCE.schema))
    refuse_performance(found, ctx.settings.models.max_calibration_error)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
