"""gold.recommendations: what one person is likely to buy next, by one list of conf/recommendations."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID, SCORED_BY
from cdp.contracts.model import Column, TableContract

RECOMMENDATIONS = TableContract(
    layer="gold",
    name="recommendations",
    doc="What one person is likely to buy next, by one list of conf/recommendations: the newest lists only.",
    key=("list", "person_id", "rank"),
    mode="replace",
    subject="person_id",
    erase="rebuild",
    purposes=("personalisation",),
    is_derived=True,
    columns=(
        Column("list", "STRING", "The file of conf/recommendations.", nullable=False),
        PERSON_ID,
        Column("as_of", "DATE", "The night that made the list: orders before this day are known.", nullable=False),
        Column("rank", "INT", "1 .. 2k over both parts, the likeliest first.", nullable=False),
        Column(
            "item_id", "STRING", "The item: of the column of silver.order_lines that the file says.", nullable=False
        ),
        Column("score", "DOUBLE", "What `score_kind` says, 0 .. 1.", nullable=False),
        Column(
            "score_kind",
            "STRING",
            "chance: that the item is bought within four weeks; share: of the person's next purchases, where the "
            "history is too short to learn chances from.",
            nullable=False,
            allowed=("chance", "share"),
        ),
        Column(
            "part",
            "STRING",
            "repeat: bought before; explore: new to the person.",
            nullable=False,
            allowed=("repeat", "explore"),
        ),
        Column("rank_in_part", "INT", "1 .. k among those of its part.", nullable=False),
        Column(
            "expected_on",
            "DATE",
            "The day on which the rhythm of its purchases beats next; null where nobody bought the item twice, and for "
            "explore.",
        ),
        Column("model_name", "STRING", "Registered model; null: ranked by shares."),
        SCORED_BY,
    ),
)
