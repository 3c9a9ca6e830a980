"""silver.feedback: one answer to a survey, one chat or one ticket."""

from __future__ import annotations

from cdp.contracts.columns import IDENTIFIERS, LANDED_ID, RECEIVED_AT, RECORD_ID, SOURCE
from cdp.contracts.model import Column, TableContract

FEEDBACK = TableContract(
    layer="silver",
    name="feedback",
    doc="One answer to a survey, one chat or one ticket.",
    key=("feedback_id",),
    mode="append",
    subject="record_id",
    purposes=("analytics",),
    columns=(
        Column("feedback_id", "STRING", "Hash of source and the source's id.", nullable=False),
        SOURCE,
        Column("kind", "STRING", "What it is.", nullable=False, allowed=("survey", "ticket", "chat")),
        RECORD_ID,
        IDENTIFIERS,
        Column("topic", "STRING", "What it is about."),
        Column("text", "STRING", "Free text.", pii="sensitive"),
        Column("rating", "DOUBLE", "Rating as given.", unit="points"),
        Column("answers", "STRING", "Check boxes and other answers, JSON object.", pii="sensitive"),
        Column("given_at", "TIMESTAMP", "When it was given, UTC.", nullable=False),
        RECEIVED_AT,
        LANDED_ID,
    ),
)
