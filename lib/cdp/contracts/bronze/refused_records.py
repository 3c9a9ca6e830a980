"""bronze.refused_records: one landed record that did not pass, with every reason."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import REASONS_TYPE, Column, TableContract

REFUSED_RECORDS = TableContract(
    layer="bronze",
    name="refused_records",
    doc="One landed record that did not pass, with every reason.",
    key=("landed_id",),
    mode="append",
    subject_note="refused before anybody was recognised",
    erase="delete_row",
    columns=(
        Column("landed_id", "STRING", "The landed record.", nullable=False),
        SOURCE,
        Column("file_id", "STRING", "The file in ops.files.", nullable=False),
        Column("record_no", "BIGINT", "Position in its file, from 1.", nullable=False),
        Column("raw", "BINARY", "The record's bytes.", pii="direct"),
        Column(
            "reasons",
            REASONS_TYPE,
            "Every defect found: field, code of the closed list, message without the value.",
            nullable=False,
        ),
        Column("delivered_on", "DATE", "Date of the delivery folder."),
        Column("run_id", "STRING", "The run that wrote the row.", volatile=True),
        Column("refused_at", "TIMESTAMP", "When it was refused, UTC.", volatile=True),
    ),
)
