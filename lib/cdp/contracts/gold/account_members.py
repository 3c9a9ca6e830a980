"""gold.account_members: one person of one company account."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

ACCOUNT_MEMBERS = TableContract(
    layer="gold",
    name="account_members",
    doc="One person of one company account; a person may be of several.",
    key=("account_id", "person_id"),
    mode="replace",
    is_derived=True,
    subject="person_id",
    erase="rebuild",
    columns=(
        Column("account_id", "STRING", "The account.", nullable=False),
        PERSON_ID,
        Column(
            "told_by",
            "STRING",
            "The surest thing that says so.",
            nullable=False,
            allowed=("account_id", "organisation_name", "email_domain"),
        ),
        Column("n_records", "BIGINT", "How many records or addresses of the person say it.", unit="records"),
        Column("known_from", "TIMESTAMP", "When the company first knew of it, UTC."),
    ),
)
