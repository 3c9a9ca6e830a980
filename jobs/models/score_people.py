"""Score every person with the champions of churn, lifetime value and the models of conf/models, in one pass.

Grain: one gold.predictions row per person and model as of the run date, one ops.model_drift row per measure, and one
ops.model_performance row per measure of an earlier scoring whose horizon ends tonight. The alias is resolved once for
the whole run.
"""

import sys
from datetime import date

from pyspark.sql import DataFrame

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_drift import MODEL_DRIFT
from cdp.contracts.ops.model_performance import MODEL_PERFORMANCE
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.core.errors import ModelError
from cdp.models.declared.registered import load_declared
from cdp.models.declared.spec import PropensitySpec, chosen_features, definition_mark
from cdp.models.drift import measure_drift, refuse_drift
from cdp.models.performance import ended_scorings, measure_performance, refuse_performance
from cdp.models.registry import MODEL_NAMES, list_trainings, load_champion
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.models.tracking import open_tracking
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import snapshots_contract
from cdp.traits.spec import TraitSpec, features_of

JOB = Job(
    name="models.score_people",
    reads=(SNAPSHOTS, MODEL_RUNS),
    reads_previous=(PREDICTIONS,),
    writes=(PREDICTIONS, MODEL_DRIFT, MODEL_PERFORMANCE),
)


def main(ctx: JobContext) -> None:
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    champions = {kind: load_champion(tracking, name) for kind, name in MODEL_NAMES.items()}
    models = {kind: ScoringModel(c.name, c.version, c.params) for kind, c in champions.items() if c}
    traits = ctx.definitions("traits", TraitSpec)
    marks = {
        name: definition_mark(spec, chosen_features(spec, features_of(traits)))
        for name, spec in ctx.definitions("models", PropensitySpec).items()
    }
    declared = {name: found for name, mark in marks.items() if (found := load_declared(tracking, name, mark))}
    snapshots = ctx.read(snapshots_contract(traits))
    _look_back(ctx, snapshots, ended_scorings(list_trainings(tracking), as_of=ctx.run_date))
    scored = ctx.keep(score_snapshots(snapshots, models, as_of=ctx.run_date, declared=declared))
    drift = measure_drift(snapshots, scored, models, as_of=ctx.run_date, declared=declared)
    told = ctx.spark.createDataFrame(drift, MODEL_DRIFT.schema)
    try:
        refuse_drift(drift, ctx.settings.models.max_psi)
    except ModelError:
        ctx.write(MODEL_DRIFT, told)
        raise
    ctx.write_all((MODEL_DRIFT, told), (PREDICTIONS, scored))


def _look_back(ctx: JobContext, snapshots: DataFrame, scored_on: list[date]) -> None:
    if not scored_on:
        return
    said = ctx.read_previous(PREDICTIONS)
    found = measure_performance(said, snapshots, scored_on=scored_on, as_of=ctx.run_date)
    if found:
        ctx.write(MODEL_PERFORMANCE, ctx.spark.createDataFrame(found, MODEL_PERFORMANCE.schema))
    refuse_performance(found, ctx.settings.models.max_calibration_error)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
