"""What each person could be offered: gains, costs and what is closed, from scores, people and past contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.core.errors import ContractError, nearest_name
from cdp.models.actions.contacts import Contacts, times_shown
from cdp.models.actions.names import read_names
from cdp.models.actions.rules import MOST_MONEY, NO_CONSENT_NEEDED, Action, ActionRules, NumberOrColumn
from cdp.models.arrays import Floats, Ints
from cdp.models.propensity.labels import read_label
from cdp.models.propensity.propensity_model import read_ids

#: how strongly a person responds, of which a table has one: the probability, or what the action adds to it
SCORES = ("uplift", "probability")
OPEN, NO_SCORE, NO_CONSENT, SHOWN_ENOUGH, SHOWN_ENOUGH_OF_ALL, NO_GAIN = range(6)


@dataclass(frozen=True)
class Offers:
    """People (ids as text, sorted) x actions (sorted by name).

    `score`, `value`, `cost`, `gain` = score x value - cost: NaN where there is no score. `state`: `OPEN`, or why the
    action is closed to the person. `by_uplift`: of each action.
    """

    ids: NDArray[np.object_]
    actions: tuple[str, ...]
    score: Floats
    value: Floats
    cost: Floats
    gain: Floats
    state: Ints
    by_uplift: tuple[bool, ...]

    @property
    def open_gain(self) -> Floats:
        """The gain of what is open, -inf elsewhere."""
        return np.where(self.state == OPEN, self.gain, -np.inf)


def collect_offers(
    scores: Mapping[str, pd.DataFrame],
    rules: ActionRules,
    *,
    people: pd.DataFrame | None = None,
    contacts: Contacts | None = None,
    as_of: date | None = None,
) -> Offers:
    """The offers of everybody who has a score for any action.

    `scores`: for each action one row a person with `id` and `uplift` (else `probability`), as `cdp propensity` writes
    them. Columns that the rules name are looked for there, then in `people` (one row a person with `id`). A person
    without a row has no score; a gap in a value is no score, a gap in a consent is no consent. Only what is expected to
    bring more than it costs is open. ContractError names the action and the column that cannot be used.
    """
    names = rules.names
    tables = {name: _by_person(scores[name], f"scores of {name}") for name in names if name in scores}
    known = None if people is None else _by_person(people, "people")
    ids = np.array(sorted(set().union(*(t.index for t in tables.values()))), dtype=object)
    if not len(ids):
        raise ContractError(f"no action has a score: the actions are {', '.join(names)}")
    shape = (len(ids), len(names))
    score, value, cost = (np.full(shape, np.nan) for _ in range(3))
    state = np.full(shape, NO_SCORE, dtype=np.int64)
    by_uplift = []
    for i, name in enumerate(names):
        rows = _Rows(name, tables[name].reindex(ids), known) if name in tables else None
        by_uplift.append(rows is not None and "uplift" in rows.scores)
        if rows is None:
            continue
        action = rules.actions[name]
        score[:, i], value[:, i], cost[:, i] = rows.score(), rows.numbers(action.value), rows.costs(action.cost)
        state[:, i] = np.where(rows.consents(action), OPEN, NO_CONSENT)
    gain = score * value - cost
    shown = times_shown(contacts, ids, rules, as_of)
    state[(state == OPEN) & shown.enough_of_all[:, None]] = SHOWN_ENOUGH_OF_ALL
    state[(state == OPEN) & shown.enough] = SHOWN_ENOUGH
    state[(state == OPEN) & (gain <= 0)] = NO_GAIN
    state[np.isnan(gain)] = NO_SCORE
    return Offers(ids, tuple(names), score, value, cost, gain, state, tuple(by_uplift))


def split_by_action(scores: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """One table with a column `action` as one for each action. ContractError for rows without one or of another one."""
    if "action" not in scores:
        raise ContractError(
            "the scores have no column 'action': give one file for each action as NAME=FILE, or one with columns id, "
            "action and probability or uplift"
        )
    named = read_names(scores["action"])
    if unnamed := int(named.isna().sum()):
        raise ContractError(f"the scores have {unnamed} of {len(scores)} rows without an action: each is of one action")
    found = {str(name): rows for name, rows in scores.groupby(named, sort=True)}
    for name in found:
        if name not in names:
            raise ContractError(f"the scores speak of an action {name!r}: {nearest_name(name, list(names))}")
    return found


def check_money(amounts: Floats, what: str) -> None:
    """:class:`ContractError` for amounts beyond `MOST_MONEY`."""
    if far := amounts[np.abs(amounts) > MOST_MONEY].tolist():
        raise ContractError(
            f"{what}: {len(far)} values lie beyond {MOST_MONEY:g}, such as {far[0]:.4g}: no money is that"
        )


def _by_person(table: pd.DataFrame, what: str) -> pd.DataFrame:
    ids = read_ids(table, "id")
    doubled = int(ids.dropna().duplicated().sum())
    if doubled:
        raise ContractError(f"{what}: {doubled} rows repeat an id; one row a person is needed")
    return table[ids.notna().to_numpy()].set_index(pd.Index(ids.dropna(), name="person"))


@dataclass(frozen=True)
class _Rows:
    """The columns of one action, aligned with the people; `known` is the table of people, by id."""

    name: str
    scores: pd.DataFrame
    known: pd.DataFrame | None

    def score(self) -> Floats:
        column = next((c for c in SCORES if c in self.scores), None)
        if column is None:
            raise ContractError(f"scores of {self.name}: no column 'uplift' and none 'probability'")
        found = self.numbers(column)
        low = 0.0 if column == "probability" else -1.0
        outside = int(((found < low) | (found > 1)).sum())
        if outside:
            raise ContractError(f"scores of {self.name}: {outside} values of {column} lie outside {low:g} to 1")
        return found

    def numbers(self, given: NumberOrColumn) -> Floats:
        if not isinstance(given, str):
            return np.full(len(self.scores), float(given))
        column = self._column(given)
        found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        unreadable = int((~np.isfinite(found) & column.notna().to_numpy()).sum())
        if unreadable:
            raise ContractError(f"action {self.name}: {unreadable} values of column {given} are no numbers")
        check_money(found, f"action {self.name}: column {given}")
        return found

    def costs(self, given: NumberOrColumn) -> Floats:
        found = self.numbers(given)
        if (found < 0).any():
            raise ContractError(f"action {self.name}: a cost below 0; what an action brings is its value")
        return found

    def consents(self, action: Action) -> NDArray[np.bool_]:
        if action.consent == NO_CONSENT_NEEDED:
            return np.ones(len(self.scores), dtype=bool)
        return np.asarray(read_label(self._column(action.consent), f"column {action.consent} of consents") == 1)

    def _column(self, name: str) -> pd.Series:
        if name in self.scores:
            return self.scores[name]
        if self.known is not None and name in self.known:
            return self.known[name].reindex(self.scores.index)
        there = [*self.scores.columns, *([] if self.known is None else self.known.columns)]
        near = nearest_name(name, sorted({str(c) for c in there}))
        raise ContractError(
            f"action {self.name}: column {name!r} is neither among its scores nor among the people: {near}"
        )
