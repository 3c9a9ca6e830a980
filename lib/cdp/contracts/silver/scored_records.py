"""silver.scored_records: one customer record as matching last scored it, so that a night scores only what is new."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

SCORED_RECORDS = TableContract(
    layer="silver",
    name="scored_records",
    doc="One customer record as matching last scored it, so that a night scores only what is new.",
    key=("record_id",),
    mode="replace",
    is_derived=True,
    subject="record_id",
    erase="rebuild",
    columns=(
        Column("record_id", "STRING", "The record.", nullable=False, pii="pseudonym"),
        Column("mark", "BIGINT", "Keyed hash of all that it tells.", nullable=False, pii="pseudonym"),
        Column("model", "STRING", "By what it was scored: the version of silver.link_model.", nullable=False),
        Column("is_basis", "BOOLEAN", "Whether the model was learned from it as it is.", nullable=False),
        Column("capped", "ARRAY<INT>", "Blocking rules by which it was in too large a block.", nullable=False),
        Column(
            "pairs",
            "ARRAY<STRUCT<record_id: STRING, weight: FLOAT>>",
            "Records that come after it with which it may be one person, and the evidence in bits.",
            nullable=False,
            pii="pseudonym",
        ),
    ),
)
