"""gold.predictions: one score of one model for one person as of one date."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

PREDICTIONS = TableContract(
    layer="gold",
    name="predictions",
    doc="One score of one model for one person as of one date.",
    key=(
        "person_id",
        "model",
        "as_of",
    ),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject="person_id",
    erase="rebuild",
    purposes=("analytics",),
    columns=(
        Column("person_id", "STRING", "The person.", nullable=False, pii="pseudonym"),
        Column("model", "STRING", "churn or ltv.", nullable=False, allowed=("churn", "ltv")),
        Column("as_of", "DATE", "As of.", nullable=False),
        Column(
            "score",
            "DOUBLE",
            "churn: probability of no purchase in the horizon; ltv: expected net spend in the horizon.",
            nullable=False,
        ),
        Column("lo", "DOUBLE", "Lower end of the 90 % interval; null where the model has none."),
        Column("hi", "DOUBLE", "Upper end of the 90 % interval; null where the model has none."),
        Column("horizon_weeks", "INT", "Horizon.", unit="weeks"),
        Column("p_alive", "DOUBLE", "Probability of being an active customer still."),
        Column("expected_purchases", "DOUBLE", "Expected purchase days in the horizon.", unit="days"),
        Column("method", "STRING", "How it was computed."),
        Column("reasons", "ARRAY<STRING>", "Why, in words."),
        Column("model_name", "STRING", "Registered model."),
        Column("model_version", "STRING", "Version that scored.", volatile=True),
    ),
)
