"""ops.model_performance: how right an earlier scoring was, measured on the night on which its horizon was over."""

from __future__ import annotations

from cdp.contracts.columns import MODEL, SCORED_BY
from cdp.contracts.model import Column, TableContract

MODEL_PERFORMANCE = TableContract(
    layer="ops",
    name="model_performance",
    doc="How right an earlier scoring was, measured on the night on which its horizon was over.",
    key=("model", "as_of", "scored_as_of", "measure"),
    mode="replace_partition",
    partitioned_by=("as_of",),
    subject_note="aggregates",
    erase="keep",
    columns=(
        MODEL,
        Column("as_of", "DATE", "The night of the measurement.", nullable=False),
        Column("scored_as_of", "DATE", "The night of the scoring: as_of less its horizon.", nullable=False),
        Column(
            "measure",
            "STRING",
            "churn and declared models: auc, brier, brier_of_base_rate, calibration_error, rate_bias (predicted less "
            "observed share); ltv: purchases_bias, spend_bias (sum predicted over sum observed, less 1).",
            nullable=False,
        ),
        Column("value", "DOUBLE", "The figure; null where it has none (it happened to nobody, or to everybody)."),
        Column("people", "BIGINT", "People scored then who are people still."),
        Column("horizon_weeks", "INT", "The horizon.", unit="weeks"),
        SCORED_BY,
    ),
)
