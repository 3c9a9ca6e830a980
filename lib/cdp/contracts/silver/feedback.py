"""silver.feedback: one answer to a survey, one chat or one ticket."""

from __future__ import annotations

from cdp.contracts.model import IDENTIFIERS_TYPE, Column, TableContract

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
        Column("source", "STRING", "The source's name, as in conf/sources.", nullable=False),
        Column("kind", "STRING", "What it is.", nullable=False, allowed=("survey", "ticket", "chat")),
        Column(
            "record_id",
            "STRING",
            "A profile record, or one distinct set of identifiers of its source; null: nobody is named.",
            pii="pseudonym",
        ),
        Column(
            "identifiers",
            IDENTIFIERS_TYPE,
            "Normalised identifiers that the record carries, sorted by type and value.",
            pii="direct",
        ),
        Column("topic", "STRING", "What it is about."),
        Column("text", "STRING", "Free text.", pii="sensitive"),
        Column("rating", "DOUBLE", "Rating as given.", unit="points"),
        Column("answers", "STRING", "Check boxes and other answers, JSON object.", pii="sensitive"),
        Column("given_at", "TIMESTAMP", "When it was given, UTC.", nullable=False),
        Column(
            "received_at",
            "TIMESTAMP",
            "When the company got to know it (business time), UTC.",
            nullable=False,
        ),
        Column("landed_id", "STRING", "The landed record that it came from.", nullable=False),
    ),
)
