"""bronze.landed_records: one record of a source as it came, whole and untouched."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import Column, TableContract

LANDED_RECORDS = TableContract(
    layer="bronze",
    name="landed_records",
    doc="One record of a source as it came, whole and untouched.",
    key=("landed_id",),
    mode="append",
    partitioned_by=("source", "delivered_on"),
    subject_note="raw bytes; the person is known only after accept",
    erase="delete_row",
    columns=(
        Column("landed_id", "STRING", "File id and record number.", nullable=False),
        SOURCE,
        Column("file_id", "STRING", "The file in ops.files.", nullable=False),
        Column(
            "record_no",
            "BIGINT",
            "Position in its file, from 1: line (JSON lines), logical row after the header (CSV), element (XML), row.",
            nullable=False,
        ),
        Column(
            "raw",
            "BINARY",
            "The record's bytes, line end included; for Parquet the row as JSON text.",
            nullable=False,
            pii="direct",
        ),
        Column("delivered_on", "DATE", "Date of the delivery folder.", nullable=False),
        Column("run_id", "STRING", "The run that wrote the row.", volatile=True),
        Column("landed_at", "TIMESTAMP", "When it was loaded, UTC.", volatile=True),
    ),
)
