"""What a file of conf/actions says: the actions of `cdp next-action`, scored by facts about the people of the lake."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql.types import NumericType, StructType

from cdp.core.errors import ConfigError, nearest_name
from cdp.models.actions.rules import Action, ActionRules


class NightlyAction(Action):
    """An action whose `score` is a probability among the facts of people, e.g. email_click_score.

    `value` and `cost` are numbers or facts likewise; `consent` is the purpose that must be granted, or `not_needed`.
    """

    score: str


class NightlyPlan(ActionRules):
    """One file of conf/actions: the file of `cdp next-action` with the score of each action, for people of the lake.

    Past contacts, for caps by time, are what the same plan chose on earlier nights.
    """

    description: str
    owner: str
    actions: Mapping[str, NightlyAction]  # type: ignore[assignment]


def check_plans(plans: Mapping[str, NightlyPlan], facts: StructType) -> None:
    """:class:`ConfigError` for the first column that is no number among the facts, with the nearest that is."""
    numbers = sorted(f.name for f in facts.fields if isinstance(f.dataType, NumericType))
    for name, plan in sorted(plans.items()):
        for action, column in named_columns(plan):
            if column not in numbers:
                place = f"conf/actions/{name}.yaml: actions.{action}"
                raise ConfigError(f"{place}: {column!r} is no number among the facts; {nearest_name(column, numbers)}")


def named_columns(plan: NightlyPlan) -> list[tuple[str, str]]:
    """(action, column) of every fact that the plan names."""
    named = [(name, c) for name, a in sorted(plan.actions.items()) for c in (a.score, a.value, a.cost)]
    return [(name, column) for name, column in named if isinstance(column, str)]
