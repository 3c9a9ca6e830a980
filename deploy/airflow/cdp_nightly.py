"""The night as an Airflow DAG (Airflow 3): one task per job, edges derived from what the jobs read and write.

Copy this file into the DAG folder of an Airflow whose workers have the wheel installed. Each task is the same
command that a person types; exit code 5 (try again later) is retried, 2 and 3 are not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

from cdp.core.errors import EXIT_PARTIAL, TransientError
from cdp.runtime.catalogue import edges_of, load_jobs

HOME = "/var/lib/cdp"


@dag(schedule="0 5 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1, tags=["cdp"])
def cdp_nightly() -> None:
    """One run a day; the run date is the day that the run belongs to."""

    @task(retries=3, retry_delay=timedelta(minutes=5))
    def run_job(name: str, ds: str | None = None) -> None:
        import subprocess

        code = subprocess.run(["cdp", "run", name, "--run-date", str(ds), "--home", HOME, "--env", "prod"]).returncode
        if code == TransientError.exit_code:
            raise RuntimeError(f"{name}: try again later")
        if code not in (0, EXIT_PARTIAL):
            raise AirflowFailException(f"{name} ended with {code}: see its log; running it again will not help")

    jobs = load_jobs()
    tasks = {name: run_job.override(task_id=name.replace(".", "__"))(name) for name in jobs}
    for name, before in edges_of(jobs).items():
        for earlier in sorted(before):
            tasks[earlier] >> tasks[name]


cdp_nightly()
