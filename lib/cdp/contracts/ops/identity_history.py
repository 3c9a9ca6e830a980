"""ops.identity_history: one merge or split of people, or the end of one."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

IDENTITY_HISTORY = TableContract(
    layer="ops",
    name="identity_history",
    doc="One merge or split of people, or the end of one.",
    key=("history_id",),
    mode="append",
    subject="person_id",
    erase="keep",
    columns=(
        Column("history_id", "STRING", "Hash of what happened.", nullable=False),
        Column("run_date", "DATE", "The night.", nullable=False),
        Column("kind", "STRING", "What happened.", nullable=False, allowed=("merge", "split", "retire")),
        Column("person_id", "STRING", "The person that it is about.", nullable=False, pii="pseudonym"),
        Column("predecessor_ids", "ARRAY<STRING>", "Who they were."),
        Column("successor_ids", "ARRAY<STRING>", "Who they are."),
        Column("reason", "STRING", "Why, in words."),
        Column("evidence", "STRING", "Counts behind it, JSON."),
    ),
)
