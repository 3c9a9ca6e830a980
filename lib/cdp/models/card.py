"""The model card: what a version is, how good it was, what it is for and what it must not be used for."""

from __future__ import annotations

from datetime import date

from cdp.models.train import TrainedValue, training_cuts

QUESTIONS = {
    "churn": "Probability that a person buys nothing within the horizon.",
    "ltv": "Expected net spend of a person within the horizon, before margin.",
}


def write_card(kind: str, trained: TrainedValue) -> str:
    """Markdown for one version; holds totals and metrics only, nothing about a person."""
    params, figures = trained.params, trained.metrics
    before, cut, end = training_cuts(date.fromisoformat(params.as_of), params.horizon_weeks)
    shown = (
        "churn_auc",
        "recency_churn_auc",
        "churn_brier",
        "churn_brier_of_base_rate",
        "churn_ece",
        "purchases_bias",
        "purchases_rmse",
        "last_period_purchases_rmse",
        "spend_bias",
        "spend_gini",
        "last_period_spend_gini",
        "spend_coverage",
    )
    table = "\n".join(f"| {name} | {figures[name]:.4f} |" for name in shown if name in figures)
    notes = "\n".join(f"- {w}" for w in params.warnings) or "- none"
    return f"""## {QUESTIONS[kind]}

Form: {params.ltv_method}. Fitted on {params.n_people} people with a purchase before {end}.
Horizon: {params.horizon_weeks} weeks.
Inputs: repeat purchase days, recency, age (weeks), mean net value of a purchase day. No attribute of the person.

### Later period
The same form, fitted as of {cut} and tested on {cut} to {end}.
`last_period_*` repeats {before} to {cut}; `recency_*` ranks by last purchase.

| metric | value |
|---|---|
{table}

### Warnings of the fit
{notes}
- {params.early_share:.0%} of the people bought first within four weeks of the history's start: maybe older customers.

### Use and limits
For ranking, sizing and budgets of people who buy without a contract.
Not for subscriptions, not for decisions with legal effect on a person.
One later period is one season: where the history is shorter than two years, the level may be off in another season.
The 90 % intervals are those of one person under the model; they hold
neither the error of the parameters nor a change of the times.
"""
