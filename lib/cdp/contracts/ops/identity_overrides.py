"""ops.identity_overrides: one decision of a data steward about who is who; it holds until another one revokes it."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

IDENTITY_OVERRIDES = TableContract(
    layer="ops",
    name="identity_overrides",
    doc="One decision of a data steward about who is who; it holds until another one revokes it.",
    key=("override_id",),
    mode="append",
    subject_note="names records by their ids, not people: a decision outlives people and rebuilds",
    erase="keep",
    columns=(
        Column("override_id", "STRING", "Hash of the decision.", nullable=False),
        Column("kind", "STRING", "What was decided.", nullable=False, allowed=("merge", "forbid", "unmerge")),
        Column(
            "records_a",
            "ARRAY<STRING>",
            "merge: a record of one side; forbid: all records of one side; unmerge: the records taken out.",
            pii="pseudonym",
        ),
        Column("records_b", "ARRAY<STRING>", "The records of the other side.", pii="pseudonym"),
        Column("revokes", "ARRAY<STRING>", "Earlier decisions that hold no more."),
        Column("reason", "STRING", "Why, in the steward's words.", nullable=False),
        Column("steward", "STRING", "Who decided."),
        Column("decided_at", "TIMESTAMP", "When, UTC.", nullable=False, volatile=True),
    ),
)
