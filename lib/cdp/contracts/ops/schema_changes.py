"""ops.schema_changes: one change of the shape of a source's records."""

from __future__ import annotations

from cdp.contracts.columns import SOURCE
from cdp.contracts.model import Column, TableContract

SCHEMA_CHANGES = TableContract(
    layer="ops",
    name="schema_changes",
    doc="One change of the shape of a source's records; all rows of a source up to a time are its shape then.",
    key=("source", "field", "run_id"),
    mode="append",
    subject_note="about fields",
    erase="keep",
    columns=(
        SOURCE,
        Column("field", "STRING", "Dotted path of the field; [] stands for the items of a list.", nullable=False),
        Column(
            "kind",
            "STRING",
            "first: in the first delivery; new; missing: from all records; sometimes_missing: from some, as never "
            "before; type_changed.",
            nullable=False,
            allowed=("first", "new", "missing", "sometimes_missing", "type_changed"),
        ),
        Column("type", "STRING", "Its type from now on: null, boolean, integer, number, string, object, list, mixed."),
        Column("type_before", "STRING", "Its type before; null where it is new."),
        Column("is_always", "BOOLEAN", "Whether every record of the delivery has it; known of outermost fields."),
        Column("is_mapped", "BOOLEAN", "Whether the source's mapping reads it; what it does not read is in bronze."),
        Column("renamed", "STRING", "Of a missing field the new one that it may be, and the other way round."),
        Column("delivered_on", "DATE", "The newest delivery in which it was seen.", nullable=False),
        Column("run_id", "STRING", "The run that saw it.", nullable=False, volatile=True),
        Column("found_at", "TIMESTAMP", "When it was seen, UTC.", volatile=True),
    ),
)
