"""ops.identity_measures: how good the people of a night look without knowing the truth."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

IDENTITY_MEASURES = TableContract(
    layer="ops",
    name="identity_measures",
    doc="How good the people that matching made look without knowing the truth, one measure a night that changed any.",
    key=("run_date", "measure"),
    mode="replace_partition",
    partitioned_by=("run_date",),
    subject_note="aggregates",
    erase="keep",
    columns=(
        Column("run_date", "DATE", "The night.", nullable=False),
        Column("measure", "STRING", "A share of people, a count, or pairs by weight.", nullable=False),
        Column("value", "DOUBLE", "Its value.", nullable=False),
    ),
)
