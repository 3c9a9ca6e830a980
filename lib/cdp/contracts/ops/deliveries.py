"""ops.deliveries: one batch handed to a destination, and its outcome."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

DELIVERIES = TableContract(
    layer="ops",
    name="deliveries",
    doc="One batch handed to a destination, and its outcome.",
    key=("delivery_id",),
    mode="merge",
    subject_note="counts only",
    erase="keep",
    columns=(
        Column("delivery_id", "STRING", "Hash of destination, audience and run date.", nullable=False),
        Column("destination", "STRING", "The destination.", nullable=False),
        Column("audience", "STRING", "The audience.", nullable=False),
        Column("run_date", "DATE", "The night.", nullable=False),
        Column("path", "STRING", "Where it was put.", volatile=True),
        Column("format", "STRING", "csv, parquet or jsonl."),
        Column("n_members", "BIGINT", "People delivered.", unit="people"),
        Column("n_added", "BIGINT", "Not in the last delivery.", unit="people"),
        Column("n_removed", "BIGINT", "In the last delivery, not in this.", unit="people"),
        Column("n_withheld", "BIGINT", "Members kept back for want of consent.", unit="people"),
        Column("sha256", "STRING", "Hash of the delivered file."),
        Column("state", "STRING", "Outcome.", nullable=False, allowed=("delivered", "refused")),
        Column("delivered_at", "TIMESTAMP", "When, UTC.", volatile=True),
    ),
)
