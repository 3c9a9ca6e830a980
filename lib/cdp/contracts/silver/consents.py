"""silver.consents: one statement of consent: a purpose granted or denied at a time; never edited."""

from __future__ import annotations

from cdp.contracts.columns import IDENTIFIERS, LANDED_ID, RECEIVED_AT, RECORD_ID, SOURCE
from cdp.contracts.model import Column, TableContract

CONSENTS = TableContract(
    layer="silver",
    name="consents",
    doc="One statement of consent: a purpose granted or denied at a time; never edited.",
    key=("consent_id",),
    mode="append",
    subject="record_id",
    erase="keep",
    columns=(
        Column("consent_id", "STRING", "Hash of source, statement and purpose.", nullable=False),
        SOURCE,
        RECORD_ID,
        IDENTIFIERS,
        Column("purpose", "STRING", "The consent purpose, e.g. email_marketing.", nullable=False),
        Column("state", "STRING", "What was said.", nullable=False, allowed=("granted", "denied")),
        Column("basis", "STRING", "Legal basis or how it was given."),
        Column("proof", "STRING", "Reference to the proof.", pii="pseudonym"),
        Column("valid_from", "TIMESTAMP", "From when it holds, UTC.", nullable=False),
        RECEIVED_AT,
        LANDED_ID,
    ),
)
