"""silver.consents: one statement of consent: a purpose granted or denied at a time; never edited."""

from __future__ import annotations

from cdp.contracts.model import IDENTIFIERS_TYPE, Column, TableContract

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
        Column("source", "STRING", "The source's name, as in conf/sources.", nullable=False),
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
        Column("purpose", "STRING", "The consent purpose, e.g. email_marketing.", nullable=False),
        Column("state", "STRING", "What was said.", nullable=False, allowed=("granted", "denied")),
        Column("basis", "STRING", "Legal basis or how it was given."),
        Column("proof", "STRING", "Reference to the proof.", pii="pseudonym"),
        Column("valid_from", "TIMESTAMP", "From when it holds, UTC.", nullable=False),
        Column(
            "received_at",
            "TIMESTAMP",
            "When the company got to know it (business time), UTC.",
            nullable=False,
        ),
        Column("landed_id", "STRING", "The landed record that it came from.", nullable=False),
    ),
)
