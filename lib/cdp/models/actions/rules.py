"""The file of actions: what each brings and costs, who may get it, how often, and how much of everything there is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

NO_CONSENT_NEEDED = "not_needed"
MOST_MONEY = 1e15  # no amount is larger; with fillers such as 1e200 in them sums would say nothing of all others

#: a number, or the name of a column with one number a row
NumberOrColumn = Annotated[float, Field(ge=-MOST_MONEY, le=MOST_MONEY)] | str


class AtMost(BaseModel):
    """A cap on how often a person gets something: `times` in the `days` up to and including the day of the decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    times: int = Field(ge=1)
    days: int = Field(ge=1)


class Action(BaseModel):
    """One action. `value`: what a response brings, `cost`: what showing it costs; money, of one currency throughout.

    `consent`: the column that says yes or no for each person, or `not_needed`. `capacity`: people at most; None: any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    value: NumberOrColumn
    cost: NumberOrColumn = 0.0
    consent: str
    capacity: int | None = Field(default=None, ge=0)
    at_most: AtMost | None = None


class ActionRules(BaseModel):
    """All actions by name. `budget`: money for all people together; None: no limit. `at_most`: of all actions together.

    `exploration`: the share of people, of the budget and of each capacity, that goes into trying what is not thought
    best, so that the log can tell what other choices would have brought; 0: none. `seed`: of these draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    budget: float | None = Field(default=None, ge=0)
    exploration: float = Field(default=0.05, ge=0, lt=1)
    seed: int = 0
    at_most: AtMost | None = None
    actions: dict[str, Action] = Field(min_length=1)

    @field_validator("actions")
    @classmethod
    def _have_names(cls, actions: dict[str, Action]) -> dict[str, Action]:
        for name in actions:
            if name != name.strip() or not name or "=" in name:
                raise ValueError(f"action {name!r}: a name is not empty, has no '=', no blank at its beginning or end")
        return actions

    @property
    def names(self) -> list[str]:
        """The names in order: the place of an action everywhere else."""
        return sorted(self.actions)

    @property
    def has_caps_by_time(self) -> bool:
        """Whether past contacts decide on who may get what."""
        return self.at_most is not None or any(a.at_most for a in self.actions.values())
