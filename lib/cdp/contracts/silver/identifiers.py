"""silver.identifiers: one identifier value that one record carries."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import Column, TableContract

IDENTIFIERS = TableContract(
    layer="silver",
    name="identifiers",
    doc="One identifier value that one record carries.",
    key=(
        "record_id",
        "identifier_type",
        "value",
    ),
    mode="replace",
    is_derived=True,
    subject="record_id",
    erase="rebuild",
    columns=(
        Column("record_id", "STRING", "The record.", nullable=False, pii="pseudonym"),
        Column(
            "identifier_type",
            "STRING",
            "email, phone, user_id, loyalty_id, household_key, customer_id, anonymous_id; account_id: of a company.",
            nullable=False,
        ),
        Column("value", "STRING", "The normalised value.", nullable=False, pii="direct"),
        SOURCE,
        Column("first_seen_at", "TIMESTAMP", "Smallest event or record time, UTC."),
        Column("last_seen_at", "TIMESTAMP", "Largest event or record time, UTC."),
        Column("known_from", "TIMESTAMP", "When the company first knew of it (smallest received_at), UTC."),
        Column("n_seen", "BIGINT", "How often.", unit="rows"),
    ),
)
