"""silver.link_model: one number of what matching learned of the customer records, kept until it is learned anew."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

LINK_MODEL = TableContract(
    layer="silver",
    name="link_model",
    doc="One number of what matching learned of the customer records, kept until it is learned anew.",
    key=(
        "kind",
        "name",
        "item",
    ),
    mode="replace",
    is_derived=True,
    subject_note="aggregates of many records; a value that three of them share stands there as a keyed hash",
    erase="rebuild",
    columns=(
        Column("kind", "STRING", "What it is: rate, share, rule, frequency and the like.", nullable=False),
        Column("name", "STRING", "Of what: a field, a kind of pair, a blocking rule.", nullable=False),
        Column(
            "item",
            "STRING",
            "Which of these: kind of pair and level, or the keyed hash of a value; else empty.",
            nullable=False,
            pii="pseudonym",
        ),
        Column("value", "DOUBLE", "The number.", nullable=False),
    ),
)
