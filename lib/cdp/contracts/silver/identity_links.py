"""silver.identity_links: one reason to tie a record to an identifier: an edge of the identity graph."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

IDENTITY_LINKS = TableContract(
    layer="silver",
    name="identity_links",
    doc="One reason to tie a record to an identifier: an edge of the identity graph.",
    key=(
        "record_id",
        "identifier_type",
        "value",
    ),
    mode="replace",
    is_derived=True,
    subject="record_id",
    erase="rebuild",
    columns=(
        Column("record_id", "STRING", "The record.", nullable=False, pii="pseudonym"),
        Column("identifier_type", "STRING", "Type of the identifier.", nullable=False),
        Column("value", "STRING", "The normalised value.", nullable=False, pii="direct"),
        Column("rule", "STRING", "The rule that made it.", nullable=False),
        Column("weight", "DOUBLE", "Evidence in bits (log2 odds)."),
        Column("probability", "DOUBLE", "Probability that it holds."),
        Column("evidence", "STRING", "In words."),
        Column("is_active", "BOOLEAN", "Whether the graph uses it.", nullable=False),
        Column("known_from", "TIMESTAMP", "When the company first knew of it, UTC."),
    ),
)
