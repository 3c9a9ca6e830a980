"""ops.model_runs: one training of one model and what was decided on it."""

from __future__ import annotations

from cdp.contracts.columns import MODEL
from cdp.contracts.model import Column, TableContract

MODEL_RUNS = TableContract(
    layer="ops",
    name="model_runs",
    doc="One training of one model and what was decided on it.",
    key=(
        "model",
        "model_version",
    ),
    mode="merge",
    subject_note="aggregates",
    erase="keep",
    columns=(
        MODEL,
        Column("model_version", "STRING", "Version in the registry.", nullable=False, volatile=True),
        Column("mlflow_run_id", "STRING", "The MLflow run.", volatile=True),
        Column("as_of", "DATE", "Trained on what was known at the start of this day.", nullable=False),
        Column("fingerprint", "STRING", "Hash of the inputs: equal inputs reuse the run."),
        Column("metrics", "STRING", "Metrics on later periods, JSON: means, spread (_sd), baseline, gains."),
        Column("parameters", "STRING", "Fitted parameters, JSON, without the text of boosters."),
        Column("is_champion", "BOOLEAN", "Whether it became champion."),
        Column("decided", "STRING", "Why."),
        Column("trained_at", "TIMESTAMP", "When, UTC.", volatile=True),
    ),
)
