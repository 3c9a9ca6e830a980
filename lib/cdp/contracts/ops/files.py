"""ops.files: the ledger of input files and database batches: one row per file and state that it reached."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import Column, TableContract

FILES = TableContract(
    layer="ops",
    name="files",
    doc="The ledger of input files and database batches: one row per file and state that it reached.",
    key=("file_id", "state"),
    mode="append",
    subject_note="about files",
    erase="keep",
    columns=(
        Column(
            "file_id",
            "STRING",
            "Hash of source and content: the same bytes sent again are the same file.",
            nullable=False,
        ),
        SOURCE,
        Column(
            "path", "STRING", "Path below the input folder; of a batch its table or topic/partition.", nullable=False
        ),
        Column("size_bytes", "BIGINT", "Size.", unit="bytes"),
        Column("sha256", "STRING", "Hash of the content."),
        Column("format", "STRING", "csv, jsonl, parquet, avro, xml, table or kafka."),
        Column("header", "STRING", "Column names of a CSV file, as a JSON array."),
        Column("delivered_on", "DATE", "Date of the delivery folder; of a batch the night."),
        Column(
            "watermark",
            "STRING",
            "Of a database batch the newest value of the watermark column; of messages the next offset.",
        ),
        Column(
            "state",
            "STRING",
            "What became of it.",
            allowed=("landed", "accepted", "duplicate", "quarantined"),
        ),
        Column("reason", "STRING", "Why it was quarantined or is a duplicate."),
        Column("rows_read", "BIGINT", "Records found in it.", unit="records"),
        Column("rows_accepted", "BIGINT", "Records that passed.", unit="records"),
        Column("rows_duplicate", "BIGINT", "Records seen before.", unit="records"),
        Column("rows_refused", "BIGINT", "Records refused with reasons.", unit="records"),
        Column("bronze_version", "BIGINT", "Version of bronze.landed_records that holds it.", volatile=True),
        Column("run_id", "STRING", "The run that wrote the row.", volatile=True),
        Column("landed_at", "TIMESTAMP", "When it was landed, UTC.", volatile=True),
        Column("accepted_at", "TIMESTAMP", "When its records were decided on, UTC.", volatile=True),
    ),
)
