"""Columns that mean the same in every table that has them, declared once."""

from __future__ import annotations

from cdp.contracts.model import IDENTIFIERS_TYPE, Column

#: Where a row comes from.
SOURCE = Column("source", "STRING", "The source's name, as in conf/sources.", nullable=False)
LANDED_ID = Column("landed_id", "STRING", "The landed record that it came from.", nullable=False)
RECEIVED_AT = Column(
    "received_at", "TIMESTAMP", "When the company got to know it (business time), UTC.", nullable=False
)

#: Whom a row is about: as its source names them, and once it is known who they are.
RECORD_ID = Column(
    "record_id",
    "STRING",
    "A profile record, or one distinct set of identifiers of its source; null: nobody is named.",
    pii="pseudonym",
)
IDENTIFIERS = Column(
    "identifiers",
    IDENTIFIERS_TYPE,
    "Normalised identifiers that the record carries, sorted by type and value.",
    pii="direct",
)
PERSON_ID = Column("person_id", "STRING", "The person.", nullable=False, pii="pseudonym")

#: Which model, and which version of it scored.
MODEL = Column("model", "STRING", "Registered model.", nullable=False)
SCORED_BY = Column("model_version", "STRING", "Version that scored.", volatile=True)
