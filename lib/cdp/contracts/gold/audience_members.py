"""gold.audience_members: one stay of one person in one audience."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

AUDIENCE_MEMBERS = TableContract(
    layer="gold",
    name="audience_members",
    doc="One stay of one person in one audience.",
    key=(
        "audience",
        "person_id",
        "entered_on",
    ),
    mode="replace",
    subject="person_id",
    erase="delete_row",
    columns=(
        Column("audience", "STRING", "The audience.", nullable=False),
        PERSON_ID,
        Column("entered_on", "DATE", "Night on which the stay began.", nullable=False),
        Column("left_on", "DATE", "Night on which it ended; null: still in."),
    ),
)
