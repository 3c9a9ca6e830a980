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

#: What a profile source states of a person in its record, and what survives of it in the profile.
ATTRIBUTES = (
    Column("given_name", "STRING", "Given name.", pii="direct"),
    Column("middle_name", "STRING", "Middle name.", pii="direct"),
    Column("family_name", "STRING", "Family name.", pii="direct"),
    Column("name_suffix", "STRING", "jr, sr, iii.", pii="direct"),
    Column("birth_date", "DATE", "Date of birth.", pii="direct"),
    Column("gender", "STRING", "Gender as stated.", pii="sensitive"),
    Column("email", "STRING", "E-mail address, normalised.", pii="direct"),
    Column("phone", "STRING", "Phone number, E.164.", pii="direct"),
    Column("street_address", "STRING", "Street and number.", pii="direct"),
    Column("city", "STRING", "City.", pii="sensitive"),
    Column("region", "STRING", "State or region."),
    Column("postcode", "STRING", "Postcode.", pii="sensitive"),
    Column("country", "STRING", "Country, ISO 3166 code where known."),
    Column("job_title", "STRING", "Job title.", pii="sensitive"),
    Column("employer", "STRING", "Employer.", pii="sensitive"),
)

#: Which model, and which version of it scored.
MODEL = Column("model", "STRING", "Registered model.", nullable=False)
SCORED_BY = Column("model_version", "STRING", "Version that scored.", volatile=True)
