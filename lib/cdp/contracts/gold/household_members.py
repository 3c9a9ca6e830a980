"""gold.household_members: one person of one household."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

HOUSEHOLD_MEMBERS = TableContract(
    layer="gold",
    name="household_members",
    doc="One person of one household: everybody of whom a name, an address, a phone number or an e-mail is known.",
    key=("person_id",),
    mode="replace",
    is_derived=True,
    subject="person_id",
    erase="rebuild",
    columns=(
        PERSON_ID,
        Column("household_id", "STRING", "Keyed, stable id; who lives alone has one too.", nullable=False),
        Column("n_people", "BIGINT", "How many people are of it.", nullable=False, unit="people"),
    ),
)
