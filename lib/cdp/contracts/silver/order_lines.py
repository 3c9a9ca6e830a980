"""silver.order_lines: one line of one order; returns and cancellations are marked, never dropped."""

from __future__ import annotations

from cdp.contracts.columns import IDENTIFIERS, LANDED_ID, RECEIVED_AT, RECORD_ID, SOURCE
from cdp.contracts.model import Column, TableContract

ORDER_LINES = TableContract(
    layer="silver",
    name="order_lines",
    doc="One line of one order; returns and cancellations are marked, never dropped.",
    key=("order_line_id",),
    mode="append",
    clustered_by=("ordered_at",),
    subject="record_id",
    purposes=("analytics",),
    columns=(
        Column("order_line_id", "STRING", "Hash of source, order and line.", nullable=False),
        Column("order_id", "STRING", "The source's order number.", nullable=False, pii="pseudonym"),
        SOURCE,
        RECORD_ID,
        IDENTIFIERS,
        Column("line_no", "INT", "Position in the order, from 1."),
        Column("product_id", "STRING", "Article number."),
        Column("product_name", "STRING", "Article name."),
        Column("category", "STRING", "Category of the article."),
        Column("quantity", "DECIMAL(18,4)", "Pieces; negative for returns.", unit="pieces"),
        Column("unit_price", "DECIMAL(18,4)", "Price of one piece.", unit="currency"),
        Column("discount", "DECIMAL(18,4)", "Discount on the line.", unit="currency"),
        Column(
            "amount",
            "DECIMAL(18,4)",
            "Net amount of the line; negative for returns.",
            unit="currency",
            nullable=False,
        ),
        Column("currency", "STRING", "ISO 4217 code."),
        Column("is_return", "BOOLEAN", "Goods came back.", nullable=False),
        Column("is_cancelled", "BOOLEAN", "The order or line was cancelled or voided.", nullable=False),
        Column("channel", "STRING", "web, store, ..."),
        Column("store_id", "STRING", "The store, null online."),
        Column("ordered_at", "TIMESTAMP", "When it was ordered, UTC.", nullable=False),
        RECEIVED_AT,
        LANDED_ID,
    ),
)
