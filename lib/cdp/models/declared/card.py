"""The card of a declared model: what it foretells, how good it was, what it is for and what it must not be used for."""

from __future__ import annotations

from cdp.models.declared.spec import PropensitySpec
from cdp.models.declared.train import TrainedDeclared

_SHOWN = ("rate", "auc", "last_period_auc", "brier", "base_rate_brier", "log_loss", "base_rate_log_loss",
          "calibration_error", "bias")  # fmt: skip


def write_card(name: str, spec: PropensitySpec, trained: TrainedDeclared) -> str:
    """Markdown for one version; holds totals and metrics only, nothing about a person."""
    figures = trained.metrics
    table = "\n".join(
        f"| {shown} | {figures[shown]:.4f} | {figures[f'{shown}_sd']:.4f} |" for shown in _SHOWN if shown in figures
    )
    gains = "\n".join(
        f"- {what}: {figures[key]:+.4f} ({figures[f'{key}_low']:+.4f} to {figures[f'{key}_high']:+.4f})"
        for what in ("auc", "log_loss", "brier")
        if (key := f"gain_{what}") in figures
    )
    notes = "\n".join(f"- {w}" for w in trained.warnings) or "- none"
    pushes = ", ".join(f"{feature} {size:.2f}" for feature, size in trained.importance.items())
    label = spec.label
    return f"""## {spec.description}

Foretold: `{label.aggregate}` of the rows of {label.table} where `{label.filter}`, within {spec.horizon_weeks} weeks.
Form: {trained.declared.method}. Learned from {trained.rows} rows of {trained.people} customers at past days, on what
was known then (by event and by arrival), as of {trained.as_of}.
Features: {", ".join(trained.declared.features)}.
Mean absolute push on the log-odds: {pushes or "none, everybody gets the same"}.

### Later cuts
The same form, fitted on all older cuts, tested on {", ".join(sorted(trained.cuts))} with the {spec.horizon_weeks} weeks
behind each. `base_rate_*`: everybody gets the share of the older cuts; `last_period_auc`: who had it in the
{spec.horizon_weeks} weeks before comes first.

| metric | mean | sd |
|---|---|---|
{table}

Gain over the base rate, with the 95 % interval of a paired bootstrap over people:
{gains or "- none was tested: no model could be chosen"}

Used: {trained.chosen}.

### Warnings
{notes}

### Use and limits
For {spec.purpose}; owner {spec.owner}. A probability for people who have bought before: not a cause, not what a
campaign would change, and not for decisions with legal effect on a person.
"""
