"""gold.person_identifiers: what belongs to whom: one identifier or record, one person, one period."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

PERSON_IDENTIFIERS = TableContract(
    layer="gold",
    name="person_identifiers",
    doc="What belongs to whom: one identifier or record, one person, one period.",
    key=(
        "identifier_type",
        "value",
    ),
    mode="replace",
    subject="person_id",
    erase="rebuild",
    columns=(
        Column("identifier_type", "STRING", "Type; `record` for a record.", nullable=False),
        Column("value", "STRING", "The identifier's value, or the record id.", nullable=False, pii="direct"),
        PERSON_ID,
        Column("source", "STRING", "A source that states it."),
        Column("valid_from", "TIMESTAMP", "First seen, UTC."),
        Column("valid_to", "TIMESTAMP", "Belongs to the person until then; null: still."),
        Column("known_from", "TIMESTAMP", "When the company first knew that it is this person's, UTC."),
        Column("known_to", "TIMESTAMP", "When the company learned that it is not so; null: still believed."),
    ),
)
