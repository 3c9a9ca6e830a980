"""gold.people: one person, as far as the evidence goes, anonymous or known."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

PEOPLE = TableContract(
    layer="gold",
    name="people",
    doc="One person, as far as the evidence goes, anonymous or known.",
    key=("person_id",),
    mode="replace",
    subject="person_id",
    erase="rebuild",
    columns=(
        Column("person_id", "STRING", "Keyed, stable id.", nullable=False, pii="pseudonym"),
        Column("born_on", "DATE", "Day on which the company first knew of the anchor record."),
        Column("anchor_record_id", "STRING", "The record that the id was made from.", pii="pseudonym"),
        Column("n_records", "BIGINT", "Records of the person.", unit="records"),
        Column("n_identifiers", "BIGINT", "Identifiers of the person.", unit="identifiers"),
        Column("is_known", "BOOLEAN", "Whether something names the person (not only a device)."),
        Column("status", "STRING", "State of the id.", nullable=False, allowed=("active", "merged", "retired")),
        Column("merged_into", "STRING", "The surviving person of a merge.", pii="pseudonym"),
        Column(
            "status_since",
            "DATE",
            "The night since which status and merged_into are so: born, given back, merged or retired on it. Null: "
            "since before nights note it.",
        ),
    ),
)
