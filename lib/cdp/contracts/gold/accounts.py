"""gold.accounts: one company whose people are customers."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

ACCOUNTS = TableContract(
    layer="gold",
    name="accounts",
    doc="One company whose people are customers.",
    key=("account_id",),
    mode="replace",
    is_derived=True,
    subject_note="a company; its people stand in gold.account_members",
    erase="rebuild",
    columns=(
        Column("account_id", "STRING", "Keyed, stable id.", nullable=False),
        Column("name", "STRING", "The name most of its people give it; else its e-mail domain.", pii="sensitive"),
        Column("born_on", "DATE", "Day on which the company first knew of one of its people."),
        Column("n_people", "BIGINT", "Its members.", nullable=False, unit="people"),
        Column(
            "told_by",
            "ARRAY<STRUCT<kind: STRING, value: STRING>>",
            "What stands for it in records: account_id, organisation_name (without legal forms), email_domain; sorted.",
            nullable=False,
            pii="sensitive",
        ),
    ),
)
