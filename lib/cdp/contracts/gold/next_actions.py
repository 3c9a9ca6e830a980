"""gold.next_actions: what one plan of conf/actions chose for one person as of one date."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

NEXT_ACTIONS = TableContract(
    layer="gold",
    name="next_actions",
    doc="What one plan of conf/actions chose for one person as of one date; there is no row without a plan.",
    key=("plan", "person_id", "as_of"),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject="person_id",
    erase="delete_row",
    columns=(
        Column("plan", "STRING", "The file of conf/actions.", nullable=False),
        PERSON_ID,
        Column("as_of", "DATE", "As of.", nullable=False),
        Column("action", "STRING", "The action; null: none gains anything, or limits left nothing."),
        Column("probability", "DOUBLE", "With which just this was chosen: what off-line evaluation needs."),
        Column("expected_gain", "DOUBLE", "Score x value - cost; 0 for none.", unit="currency"),
        Column("cost", "DOUBLE", "Of showing it; 0 for none.", unit="currency"),
        Column("is_explored", "BOOLEAN", "Whether it was drawn to try what is not thought best."),
        Column("reasons", "ARRAY<STRING>", "Why, in words."),
    ),
)
