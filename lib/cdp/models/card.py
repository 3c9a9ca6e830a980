"""The model card: what a version is, how good it was, what it is for and what it must not be used for."""

from __future__ import annotations

from cdp.models.train import TrainedValue

QUESTIONS = {
    "churn": "Probability that a person buys nothing within the horizon.",
    "ltv": "Expected net spend of a person within the horizon, before margin.",
}
_SHOWN = (
    "churn_auc",
    "recency_churn_auc",
    "churn_brier",
    "churn_brier_of_base_rate",
    "churn_ece",
    "purchases_bias",
    "purchases_rmse",
    "last_period_purchases_rmse",
    "spend_bias",
    "spend_rmse",
    "spend_gini",
    "last_period_spend_gini",
    "spend_coverage",
)


def write_card(kind: str, trained: TrainedValue) -> str:
    """Markdown for one version; holds totals and metrics only, nothing about a person."""
    params, figures = trained.params, trained.metrics
    table = "\n".join(
        f"| {name} | {figures[name]:.4f} | {figures[f'{name}_sd']:.4f} | {or_nothing(figures, f'baseline_{name}')} |"
        for name in _SHOWN
        if name in figures
    )
    gains = "\n".join(
        f"- {name}: {g.mean:+.2%} ({g.low:+.2%} to {g.high:+.2%})" for name, g in sorted(trained.gains.items())
    )
    segments = params.segments
    told = "; ".join(segments.names) if segments else "none"
    stability = f"{segments.stability:.2f}, silhouette {segments.silhouette:.2f}" if segments else "unknown"
    early = f"{params.early_share:.0%} of the people bought first within four weeks of the history's start: maybe older"
    notes = "\n".join(f"- {w}" for w in (*params.warnings, f"{early} customers."))
    return f"""## {QUESTIONS[kind]}

Form: {params.ltv_method}. Fitted on {params.n_people} people with a purchase before {params.as_of}.
Horizon: {params.horizon_weeks} weeks; longer ones are the same model's, untested.
Inputs: the days of a person's purchases and what was spent on each. No attribute of the person.

### Later periods
The same form, fitted as of {int(figures["cuts"])} past days ({", ".join(sorted(trained.losses.sums))}) on what was
known then, and tested on the {params.window_weeks:g} weeks behind each. `sd` is the spread over them, `baseline` BG/NBD
with Gamma-Gamma. `last_period_*` repeats the period before each day; `recency_*` ranks by last purchase.

| metric | mean | sd | baseline |
|---|---|---|---|
{table}

Gain of the layers (purchase model by ranking, boosted correction, level) over the baseline, with the 95 % interval of a
paired bootstrap over people:
{gains}

Used: {trained.chosen}.

### Segments
{told}. Adjusted Rand index of bootstraps: {stability} (below .75 they would not come out again: use the bands).

### Loyalty
Beside the scores stands how far a person keeps to the own rhythm: a trend, not a probability and not a value.

### Warnings of the fit
{notes}

### Use and limits
For ranking, sizing and budgets of people who buy without a contract.
Not for subscriptions, not for decisions with legal effect on a person.
Where the history is shorter than two years, the level may be off in another season.
The 90 % intervals of spend are those that held on the later periods (conformal); those of churn are one person's under
BG/NBD, moved with the score, and hold neither the error of the parameters nor a change of the times.
"""


def or_nothing(figures: dict[str, float], name: str) -> str:
    """A cell of a card's table."""
    return f"{figures[name]:.4f}" if name in figures else ""
