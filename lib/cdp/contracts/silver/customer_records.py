"""silver.customer_records: one version of one record of a profile source; it holds until the next one."""

from __future__ import annotations

from cdp.contracts.columns import ATTRIBUTES, IDENTIFIERS, LANDED_ID, RECEIVED_AT, SOURCE
from cdp.contracts.model import Column, TableContract

CUSTOMER_RECORDS = TableContract(
    layer="silver",
    name="customer_records",
    doc="One version of one record of a profile source; it holds until the next; the newest is the current one.",
    key=(
        "record_id",
        "valid_from",
        "change_no",
    ),
    mode="append",
    subject="record_id",
    purposes=("analytics",),
    columns=(
        Column("record_id", "STRING", "Source and the source's own id.", nullable=False, pii="pseudonym"),
        Column("valid_from", "TIMESTAMP", "When this version was written at the source, UTC.", nullable=False),
        Column(
            "change_no",
            "STRING",
            "Place among the source's changes of that moment, written so that texts sort; empty where it has none.",
            nullable=False,
        ),
        Column(
            "is_deleted",
            "BOOLEAN",
            "Whether the record was deleted at the source then. Null: it was not.",
        ),
        SOURCE,
        Column("source_record_id", "STRING", "The source's own id.", nullable=False, pii="pseudonym"),
        *ATTRIBUTES,
        Column("organisation_name", "STRING", "Company for whom a business customer is there.", pii="sensitive"),
        Column(
            "attributes",
            "STRING",
            "Anything else the source states (career, lifestyle, family, hobbies), JSON object.",
            pii="sensitive",
        ),
        IDENTIFIERS,
        RECEIVED_AT,
        LANDED_ID,
    ),
)
