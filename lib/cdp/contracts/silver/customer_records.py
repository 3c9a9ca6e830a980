"""silver.customer_records: one version of one record of a profile source; it holds until the next one."""

from __future__ import annotations

from cdp.contracts.columns import IDENTIFIERS, LANDED_ID, RECEIVED_AT, SOURCE
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
        Column("given_name", "STRING", "Given name.", pii="direct"),
        Column("middle_name", "STRING", "Middle name.", pii="direct"),
        Column("family_name", "STRING", "Family name.", pii="direct"),
        Column("name_suffix", "STRING", "jr, sr, iii.", pii="direct"),
        Column("birth_date", "DATE", "Date of birth.", pii="direct"),
        Column("gender", "STRING", "As the source states it.", pii="sensitive"),
        Column("email", "STRING", "E-mail address, normalised.", pii="direct"),
        Column("phone", "STRING", "Phone number, E.164.", pii="direct"),
        Column("street_address", "STRING", "Street and number.", pii="direct"),
        Column("city", "STRING", "City.", pii="sensitive"),
        Column("region", "STRING", "State or region."),
        Column("postcode", "STRING", "Postcode.", pii="sensitive"),
        Column("country", "STRING", "Country, ISO 3166 code where known."),
        Column("job_title", "STRING", "Job title.", pii="sensitive"),
        Column("employer", "STRING", "Employer.", pii="sensitive"),
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
