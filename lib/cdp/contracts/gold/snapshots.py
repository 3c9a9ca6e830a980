"""gold.snapshots: what models know of one person as of one date; nothing later by event time or arrival.

Features come from the files of conf/traits that say `is_feature`, so this is the part that is always there; the whole
contract is ``cdp.traits.contract.snapshots_contract(specs)``.
"""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

SNAPSHOTS = TableContract(
    layer="gold",
    name="snapshots",
    doc="Purchase history and features of one person as of one date; nothing later by event time or arrival.",
    key=(
        "person_id",
        "as_of",
    ),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject="person_id",
    erase="rebuild",
    purposes=("analytics",),
    columns=(
        PERSON_ID,
        Column("as_of", "DATE", "As of the start of this day, UTC.", nullable=False),
        Column("repeat_purchases", "BIGINT", "Purchase days after the first (x).", unit="days"),
        Column("recency_weeks", "DOUBLE", "Last minus first purchase (t_x).", unit="weeks"),
        Column("age_weeks", "DOUBLE", "As-of minus first purchase (T).", unit="weeks"),
        Column("purchase_days", "BIGINT", "Distinct days with positive net spend.", unit="days"),
        Column("mean_value", "DOUBLE", "Mean net spend of a purchase day.", unit="currency"),
        Column("spend", "DOUBLE", "Net spend in all.", unit="currency"),
        Column("last_purchase_at", "TIMESTAMP", "Last purchase, UTC."),
        Column("purchase_dates", "ARRAY<DATE>", "The purchase days, oldest first."),
        Column("purchase_amounts", "ARRAY<DOUBLE>", "Net spend of each of them, above 0.", unit="currency"),
    ),
)
