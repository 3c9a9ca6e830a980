"""ops.model_promotions: one attempt to make a version of a model the champion, moved or refused."""

from __future__ import annotations

from cdp.contracts.columns import MODEL
from cdp.contracts.model import Column, TableContract

MODEL_PROMOTIONS = TableContract(
    layer="ops",
    name="model_promotions",
    doc="One attempt to make a version of a model the champion: by a night or by a person, moved or refused.",
    key=("promotion_id",),
    mode="merge",
    subject_note="versions and reasons",
    erase="keep",
    columns=(
        Column("promotion_id", "STRING", "Hash of model, version, action, who, when.", nullable=False, volatile=True),
        MODEL,
        Column("action", "STRING", "What was asked for.", nullable=False, allowed=("promote", "rollback")),
        Column("from_version", "STRING", "The champion of before; null where there was none.", volatile=True),
        Column("to_version", "STRING", "The version that was to become champion; null: none was there.", volatile=True),
        Column("outcome", "STRING", "Whether the alias moved.", nullable=False, allowed=("moved", "refused")),
        Column("reason", "STRING", "Why it moved or was refused."),
        Column("decided_by", "STRING", "The job, or the account of the person.", volatile=True),
        Column("decided_at", "TIMESTAMP", "When, UTC.", volatile=True),
    ),
)
