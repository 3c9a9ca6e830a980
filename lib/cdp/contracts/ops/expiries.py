"""ops.expiries: what was erased from one table because the time of a source's licence was up."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import Column, TableContract

EXPIRIES = TableContract(
    layer="ops",
    name="expiries",
    doc="What was erased from one table because the time of a source's licence was up.",
    key=("source", "table_name", "expired_on"),
    mode="append",
    subject_note="counts of rows",
    erase="keep",
    columns=(
        SOURCE,
        Column("table_name", "STRING", "The table that the rows were erased from.", nullable=False),
        Column("expired_on", "DATE", "The run date that erased them, or began to.", nullable=False),
        Column("license", "STRING", "The licence as the source's file tells it."),
        Column("retention_days", "INT", "How long after its delivery a record may be kept.", unit="days"),
        Column("delivered_from", "DATE", "The oldest delivery that went."),
        Column("delivered_to", "DATE", "The newest delivery that went."),
        Column("n_files", "BIGINT", "Deliveries that went; ops.files names them.", unit="files"),
        Column("rows_erased", "BIGINT", "Rows that the table held of them.", nullable=False, unit="rows"),
        Column("run_id", "STRING", "The run that erased them.", volatile=True),
        Column("erased_at", "TIMESTAMP", "When, UTC.", volatile=True),
    ),
)
