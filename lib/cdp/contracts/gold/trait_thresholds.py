"""gold.trait_thresholds: one cut point behind a scored trait, as of a date."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

TRAIT_THRESHOLDS = TableContract(
    layer="gold",
    name="trait_thresholds",
    doc="One cut point behind a scored trait, as of a date.",
    key=(
        "trait",
        "as_of",
        "quantile",
    ),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject_note="aggregates",
    erase="keep",
    columns=(
        Column("trait", "STRING", "The scored trait.", nullable=False),
        Column("as_of", "DATE", "As of.", nullable=False),
        Column("quantile", "DOUBLE", "Share of people below.", nullable=False),
        Column("threshold", "DOUBLE", "Value at the cut."),
    ),
)
