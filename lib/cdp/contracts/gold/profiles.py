"""gold.profiles: the golden record: the best value per attribute of one person."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

PROFILES = TableContract(
    layer="gold",
    name="profiles",
    doc="The golden record: the best value per attribute of one person.",
    key=("person_id",),
    mode="replace",
    is_derived=True,
    subject="person_id",
    erase="rebuild",
    purposes=("analytics",),
    columns=(
        PERSON_ID,
        Column("given_name", "STRING", "Given name.", pii="direct"),
        Column("middle_name", "STRING", "Middle name.", pii="direct"),
        Column("family_name", "STRING", "Family name.", pii="direct"),
        Column("name_suffix", "STRING", "jr, sr, iii.", pii="direct"),
        Column("birth_date", "DATE", "Date of birth.", pii="direct"),
        Column("gender", "STRING", "Gender as stated.", pii="sensitive"),
        Column("email", "STRING", "E-mail address.", pii="direct"),
        Column("phone", "STRING", "Phone, E.164.", pii="direct"),
        Column("street_address", "STRING", "Street and number.", pii="direct"),
        Column("city", "STRING", "City.", pii="sensitive"),
        Column("region", "STRING", "State or region."),
        Column("postcode", "STRING", "Postcode.", pii="sensitive"),
        Column("country", "STRING", "Country."),
        Column("job_title", "STRING", "Job title.", pii="sensitive"),
        Column("employer", "STRING", "Employer.", pii="sensitive"),
        Column("attributes", "STRING", "Other attributes, JSON object.", pii="sensitive"),
        Column(
            "chosen",
            "ARRAY<STRUCT<attribute: STRING, source: STRING, record_id: STRING, valid_from: TIMESTAMP, rule: STRING>>",
            "Where each chosen value comes from and which rule chose it.",
        ),
        Column("n_records", "BIGINT", "Profile records behind it.", unit="records"),
        Column("first_seen_at", "TIMESTAMP", "First sign of the person, UTC."),
        Column("last_seen_at", "TIMESTAMP", "Last sign of the person, UTC."),
    ),
)
