"""Past contacts: how often each person was shown what, against the caps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.core.errors import ConfigError, ContractError
from cdp.models.actions.names import read_names
from cdp.models.actions.rules import ActionRules, AtMost
from cdp.models.arrays import Ints
from cdp.models.propensity.feature_columns import as_days
from cdp.models.propensity.propensity_model import read_ids


@dataclass(frozen=True)
class Contacts:
    """One element a contact: whose (id as text), which action, and the day it was on (since 1970, UTC)."""

    person: NDArray[np.object_]
    action: NDArray[np.object_]
    day: Ints


@dataclass(frozen=True)
class Shown:
    """`enough`: people x actions, `enough_of_all`: people; whether a cap leaves nothing of it."""

    enough: NDArray[np.bool_]
    enough_of_all: NDArray[np.bool_]


def read_contacts(rows: pd.DataFrame) -> Contacts:
    """Contacts from columns `id`, `action` and `at` (date or time, UTC where it has no zone).

    Rows without an action (names.py) count for nothing: that is how a decision for none is logged. ContractError for a
    missing column, an id or a time that cannot be read: a contact that is not counted would break a cap.
    """
    for name in ("id", "action", "at"):
        if name not in rows:
            raise ContractError(f"contacts: no column {name!r}; needed are id, action, at")
    rows = rows.assign(action=read_names(rows["action"]))
    rows = rows[rows["action"].notna()]
    if not len(rows):
        none = np.empty(0, dtype=object)
        return Contacts(none, none, np.empty(0, dtype=np.int64))
    ids = read_ids(rows, "id")
    at = as_days(rows["at"])
    for what, bad in (("id", int(ids.isna().sum())), ("at", int(at.isna().sum()))):
        if bad:
            raise ContractError(f"contacts: {bad} rows without a readable {what}; a time is 2026-01-31 or in ISO 8601")
    days = np.floor(at.to_numpy()).astype(np.int64)
    return Contacts(ids.to_numpy(object), rows["action"].to_numpy(object), days)


def times_shown(contacts: Contacts | None, ids: NDArray[np.object_], rules: ActionRules, as_of: date | None) -> Shown:
    """Which caps are used up by the contacts of the days that each looks back to. ConfigError where caps lack these."""
    enough = np.zeros((len(ids), len(rules.names)), dtype=bool)
    of_all = np.zeros(len(ids), dtype=bool)
    if not rules.has_caps_by_time:
        return Shown(enough, of_all)
    if contacts is None or as_of is None:
        raise ConfigError(
            "at_most caps contacts of some days: give those that were made (id, action, at) and the day of the decision"
        )
    day = np.datetime64(as_of, "D").astype(np.int64)
    if rules.at_most:
        of_all = _reached(contacts, np.ones(len(contacts.day), dtype=bool), ids, rules.at_most, int(day))
    for i, name in enumerate(rules.names):
        cap = rules.actions[name].at_most
        if cap:
            enough[:, i] = _reached(contacts, contacts.action == name, ids, cap, int(day))
    return Shown(enough, of_all)


def _reached(
    contacts: Contacts, chosen: NDArray[np.bool_], ids: NDArray[np.object_], cap: AtMost, day: int
) -> NDArray[np.bool_]:
    inside = chosen & (contacts.day > day - cap.days) & (contacts.day <= day)
    counts = pd.Series(contacts.person[inside]).value_counts()
    return np.asarray(counts.reindex(ids).fillna(0).to_numpy() >= cap.times)
