"""silver.generic_values: one identifier value that ties together too many people to say who somebody is."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

GENERIC_VALUES = TableContract(
    layer="silver",
    name="generic_values",
    doc="One identifier value that ties together too many people to say who somebody is.",
    key=(
        "identifier_type",
        "value",
    ),
    mode="replace",
    is_derived=True,
    subject_note="values of nobody in particular",
    erase="rebuild",
    columns=(
        Column("identifier_type", "STRING", "Type.", nullable=False),
        Column("value", "STRING", "The normalised value.", nullable=False, pii="direct"),
        Column("n_people", "BIGINT", "Distinct people that it ties together.", unit="people"),
        Column("n_records", "BIGINT", "Records that carry it.", unit="records"),
        Column("reason", "STRING", "Why it is kept out of the graph.", nullable=False),
    ),
)
