"""The card of a list's model: what it ranks, how good it was, what it is for and what it must not be used for."""

from __future__ import annotations

from cdp.models.card import or_nothing
from cdp.models.recommendation.backtest_lists import MEASURES
from cdp.models.recommendation.spec import ListSpec
from cdp.models.recommendation.train import LISTS, TrainedList


def write_card(spec: ListSpec, trained: TrainedList) -> str:
    """Markdown for one version; holds totals and metrics only, nothing about a person."""
    figures, days = trained.metrics, sorted(trained.candidates[LISTS])
    table = "\n".join(
        f"| {name} | {figures[name]:.4f} | {figures[f'{name}_sd']:.4f} | {or_nothing(figures, f'yardsticks_{name}')} "
        f"| {or_nothing(figures, f'popular_{name}')} |"
        for name in (*MEASURES, "calibration_error")
        if name in figures
    )
    gains = "\n".join(
        f"- {what}: {figures[key]:+.4f} ({figures[f'{key}_low']:+.4f} to {figures[f'{key}_high']:+.4f})"
        for what in (
            f"ndcg_at_10_{items}_over_{against}" for against in ("popular", "yardsticks") for items in ("all", "new")
        )
        if (key := f"gain_{what}") in figures
    )
    pushes = ", ".join(f"{feature} {size:.2f}" for feature, size in trained.importance.items())
    return f"""## {spec.description}

Ranked: `{spec.item}` of silver.order_lines, by the chance that a customer buys it within four weeks.
Form: a logistic regression for items bought before (repeat) and one for others (explore): {trained.chosen}.
Learned from {trained.purchases} purchases of {trained.items} items by {trained.customers} customers, as of
{trained.as_of}, on what was known then (by order and by arrival).
Mean absolute push on the log-odds: {pushes}.

### Earlier days
The same form, learned on the four weeks before each of {", ".join(days) or "no day: the history is too short"}, judged
on the four weeks behind. Yardsticks: own purchases that fade by half in eight weeks; likeness to them times the root of
new buyers. Most popular: what most customers had bought, for everybody. `new`: items that the customer had not bought.

| metric | mean | sd | yardsticks | most popular |
|---|---|---|---|---|
{table}

Gain, with the 95 % interval of a paired bootstrap over customers:
{gains or "- none could be judged"}

### Use and limits
For {spec.purpose}; owner {spec.owner}. It scores pairs of a customer and an item by the features that the night makes
of all purchases; a chance is not what showing the item would change, and who bought nothing yet has no list.
"""
