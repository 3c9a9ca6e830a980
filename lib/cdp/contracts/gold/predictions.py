"""gold.predictions: one score of one model for one person as of one date."""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID, SCORED_BY
from cdp.contracts.model import Column, TableContract

HORIZONS = (13, 26, 52)  # weeks that every row of ltv looks ahead, beside the horizon that its model was tested for


def _horizon(weeks: int) -> tuple[Column, ...]:
    spend = f"expected_spend_{weeks}w"
    return (
        Column(
            f"expected_purchases_{weeks}w",
            "DOUBLE",
            f"ltv: expected purchase days in {weeks} weeks; null in the rows of churn.",
            unit="days",
        ),
        Column(f"p_any_{weeks}w", "DOUBLE", f"ltv: probability of any purchase in {weeks} weeks."),
        Column(spend, "DOUBLE", f"ltv: expected net spend in {weeks} weeks.", unit="currency"),
        Column(f"{spend}_lo", "DOUBLE", "Lower end of its 90 % interval.", unit="currency"),
        Column(f"{spend}_hi", "DOUBLE", "Upper end of its 90 % interval.", unit="currency"),
    )


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
        PERSON_ID,
        Column("model", "STRING", "churn, ltv, or the name of a file of conf/models.", nullable=False),
        Column("as_of", "DATE", "As of.", nullable=False),
        Column(
            "score",
            "DOUBLE",
            "churn: probability of no purchase in the horizon; ltv: expected net spend in it; others: "
            "probability of what the model's file says.",
            nullable=False,
        ),
        Column("lo", "DOUBLE", "Lower end of the 90 % interval; null where the model has none."),
        Column("hi", "DOUBLE", "Upper end of the 90 % interval; null where the model has none."),
        Column("horizon_weeks", "INT", "Horizon.", unit="weeks"),
        Column("p_alive", "DOUBLE", "Probability of being an active customer still."),
        Column("p_any", "DOUBLE", "Probability of any purchase in the horizon."),
        Column("expected_purchases", "DOUBLE", "Expected purchase days in the horizon.", unit="days"),
        Column("method", "STRING", "How it was computed."),
        Column("reasons", "ARRAY<STRING>", "Why, in words."),
        Column("model_name", "STRING", "Registered model."),
        SCORED_BY,
        Column("segment", "STRING", "ltv: segment found by machine, by what sets it apart; see the model card."),
        Column("value_band", "INT", "ltv: 1 .. 5, fifths of the training's people by expected spend, 5 the highest."),
        Column("risk_band", "INT", "ltv: 1 .. 5, probability of no purchase in steps of 20 %, 5 the highest."),
        Column(
            "loyalty_score",
            "DOUBLE",
            "ltv: 0 gone or going .. 1 coming more and more; about a half: keeps the own rhythm.",
        ),
        Column("loyalty_state", "STRING", "ltv: rising, steady, fading or lapsed, against the person's own rhythm."),
        *(column for weeks in HORIZONS for column in _horizon(weeks)),
    ),
)
