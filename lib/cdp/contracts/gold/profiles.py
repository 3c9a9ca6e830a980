"""gold.profiles: the golden record: the best value per attribute of one person."""

from __future__ import annotations

from cdp.contracts.columns import ATTRIBUTES, PERSON_ID
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
        *ATTRIBUTES,
        Column("attributes", "STRING", "Other attributes, JSON object.", pii="sensitive"),
        Column(
            "chosen",
            "ARRAY<STRUCT<attribute: STRING, source: STRING, record_id: STRING, valid_from: TIMESTAMP, rule: STRING, "
            "confidence: DOUBLE>>",
            "Where each chosen value comes from, which rule chose it, and how far the sources agree on it (0 to 1).",
        ),
        Column("n_records", "BIGINT", "Profile records behind it.", unit="records"),
        Column("first_seen_at", "TIMESTAMP", "First sign of the person, UTC."),
        Column("last_seen_at", "TIMESTAMP", "Last sign of the person, UTC."),
        Column(
            "changed_on",
            "DATE",
            "The night on which the profile, or a record or identifier of the person, last became other. Null: on none "
            "since nights note it.",
        ),
        Column(
            "changed",
            "ARRAY<STRING>",
            "The columns that became other on that night: all with a value, `person_id` first, of a new person; none "
            "where only what lies behind the profile did.",
        ),
        Column(
            "made_of", "BIGINT", "Hash of the rows that the profile is made of, whatever their order.", pii="sensitive"
        ),
    ),
)
