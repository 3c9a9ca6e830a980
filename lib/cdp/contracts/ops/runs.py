"""ops.runs: one run of one job, and that a night has begun."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

RUNS = TableContract(
    layer="ops",
    name="runs",
    doc="One run of one job, and one row, of the job `nightly`, that a night has begun.",
    key=(
        "run_id",
        "job",
    ),
    mode="append",
    subject_note="about jobs",
    erase="keep",
    columns=(
        Column("run_id", "STRING", "The run.", nullable=False, volatile=True),
        Column("job", "STRING", "The job.", nullable=False),
        Column("run_date", "DATE", "The night.", nullable=False),
        Column("state", "STRING", "Outcome.", nullable=False, allowed=("begun", "done", "failed")),
        Column(
            "fingerprint",
            "STRING",
            "Hash of code, settings and input versions: equal means that nothing is to be done for that night.",
            volatile=True,
        ),
        Column("inputs", "STRING", "Table versions read, JSON.", volatile=True),
        Column("rows", "STRING", "Rows written per table, JSON."),
        Column("started_at", "TIMESTAMP", "Start, UTC.", volatile=True),
        Column("holds_until", "DATE", "First later night on which equal inputs give another result; null: the next."),
        Column("seconds", "DOUBLE", "Wall clock.", unit="seconds", volatile=True),
        Column("message", "STRING", "Why it failed, without values.", volatile=True),
    ),
)
