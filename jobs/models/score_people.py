"""Score every person with the champions of churn and lifetime value.

Grain: one gold.predictions row per person and model as of the run date, one ops.model_drift row per measure. The alias
is resolved once for the whole run.
"""

import sys

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.ops.model_drift import MODEL_DRIFT
from cdp.contracts.ops.model_runs import MODEL_RUNS
from cdp.models.drift import measure_drift, refuse_drift
from cdp.models.registry import MODEL_NAMES, load_champion, open_tracking
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(name="models.score_people", reads=(SNAPSHOTS, MODEL_RUNS), writes=(PREDICTIONS, MODEL_DRIFT))


def main(ctx: JobContext) -> None:
    tracking = open_tracking(ctx.settings.mlflow_tracking_uri, artifact_location=ctx.settings.model_artifacts)
    champions = {kind: load_champion(tracking, name) for kind, name in MODEL_NAMES.items()}
    models = {kind: ScoringModel(c.name, c.version, c.params) for kind, c in champions.items() if c}
    snapshots = ctx.read(SNAPSHOTS)
    scored = ctx.keep(score_snapshots(snapshots, models, as_of=ctx.run_date))
    drift = measure_drift(snapshots, scored, models, as_of=ctx.run_date)
    ctx.write(MODEL_DRIFT, ctx.spark.createDataFrame(drift, MODEL_DRIFT.schema))
    refuse_drift(drift, ctx.settings.models.max_psi)
    ctx.write(PREDICTIONS, scored)


if __name__ == "__main__":
    sys.exit(run(JOB, main))
