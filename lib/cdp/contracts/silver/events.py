"""silver.events: one behavioural event, duplicates gone."""

from __future__ import annotations

from cdp.contracts.columns import IDENTIFIERS, LANDED_ID, RECEIVED_AT, RECORD_ID, SOURCE
from cdp.contracts.model import Column, TableContract

EVENTS = TableContract(
    layer="silver",
    name="events",
    doc="One behavioural event, duplicates gone.",
    key=("event_id",),
    mode="append",
    clustered_by=("event_at",),
    subject="record_id",
    purposes=("analytics",),
    columns=(
        Column("event_id", "STRING", "Hash of source and message id.", nullable=False),
        SOURCE,
        Column("message_id", "STRING", "The sender's id of the message.", nullable=False, pii="pseudonym"),
        Column(
            "is_message_id_filled", "BOOLEAN", "Whether the sender gave no id, and message_id is a hash of the content."
        ),
        Column("event_type", "STRING", "Kind of call: track, page, screen, identify, email, ...", nullable=False),
        Column("event_name", "STRING", "What happened, as the sender named it."),
        Column("event_at", "TIMESTAMP", "When it happened, clock skew corrected, UTC.", nullable=False),
        Column("original_at", "TIMESTAMP", "When it happened by the sender's clock, UTC."),
        Column("sent_at", "TIMESTAMP", "When it was sent by the sender's clock, UTC."),
        RECEIVED_AT,
        Column("is_time_corrected", "BOOLEAN", "Whether event_at was moved by more than 2 s for clock skew."),
        Column("is_event_at_filled", "BOOLEAN", "Whether the sender gave no time, and event_at is when it arrived."),
        RECORD_ID,
        IDENTIFIERS,
        Column("channel", "STRING", "web, app, email, ..."),
        Column(
            "properties",
            "STRING",
            "The event's own fields, JSON text; numbers in shortest form.",
            pii="sensitive",
        ),
        Column(
            "context",
            "STRING",
            "What surrounds the event, as the sender says (page, campaign, device, ...), JSON object.",
            pii="sensitive",
        ),
        Column("is_bot", "BOOLEAN", "Whether the user agent is a known robot's."),
        LANDED_ID,
    ),
)
