"""The night as an Airflow DAG (Airflow 3): one task per job, edges derived from what the jobs read and write.

Copy this file into Airflow's DAG folder. The product stays in an environment of its own (its web server's pins and
Airflow's do not go together): CDP_COMMAND is its `cdp`, CDP_HOME its home. Each task is the same command that a person
types; exit code 5 (try again later) is retried, 2 and 3 are not. `--env prod` wants the key of ids in CDP_SECRET.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

CDP = os.environ.get("CDP_COMMAND", "cdp")
HOME = os.environ.get("CDP_HOME", "/var/lib/cdp")
DONE, DONE_WITH_PROBLEMS, TRY_LATER = 0, 6, 5


# One task at a time: each is a Spark application of its own, and a home has one lock.
@dag(
    schedule="0 5 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    tags=["cdp"],
)
def cdp_nightly() -> None:
    """One run a day; the run date is the day that the run belongs to."""

    @task(retries=3, retry_delay=timedelta(minutes=5))
    def run_job(name: str, ds: str | None = None) -> None:
        code = subprocess.run([CDP, "run", name, "--run-date", str(ds), "--home", HOME, "--env", "prod"]).returncode
        if code == TRY_LATER:
            raise RuntimeError(f"{name}: try again later")
        if code not in (DONE, DONE_WITH_PROBLEMS):
            raise AirflowFailException(f"{name} ended with {code}: see its log; running it again will not help")

    jobs = json.loads(subprocess.run([CDP, "jobs", "--json"], check=True, capture_output=True).stdout)
    tasks = {job["job"]: run_job.override(task_id=job["job"].replace(".", "__"))(job["job"]) for job in jobs}
    for job in jobs:
        for earlier in job["after"]:
            tasks[earlier] >> tasks[job["job"]]


cdp_nightly()
