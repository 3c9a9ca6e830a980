"""ops.model_drift: how far one measure of tonight's people is from those that a version was trained on."""

from __future__ import annotations

from cdp.contracts.columns import MODEL, SCORED_BY
from cdp.contracts.model import Column, TableContract

MODEL_DRIFT = TableContract(
    layer="ops",
    name="model_drift",
    doc="How far one measure of tonight's people is from those that the scoring version was trained on.",
    key=("model", "as_of", "measure"),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject_note="aggregates",
    erase="keep",
    columns=(
        MODEL,
        Column("as_of", "DATE", "The night.", nullable=False),
        Column("measure", "STRING", "A feature or the score.", nullable=False),
        Column("psi", "DOUBLE", "Population stability index over ten bins of equal size in training; 0: the same."),
        Column("people", "BIGINT", "People tonight."),
        SCORED_BY,
    ),
)
