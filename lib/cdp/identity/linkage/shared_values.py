"""Identifier values that stand for several people: how many each, and which say nobody at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.parts import IDENTIFIERS, Part, Parts
from cdp.identity.rules import GenericPattern

#: More people than this behind one value and it joins nobody: a large family's phone is not beyond it, a kiosk is.
MOST_PEOPLE = {"email": 6, "phone": 8, "national_id": 4, "account_id": 6, "device_id": 6}
_MOST_RECORDS = 100  # where no name and no birth date says how many people they are
_RULE_TYPES = {"account_id": ("account_id", "customer_id", "user_id", "loyalty_id"),
               "device_id": ("device_id", "anonymous_id"), "national_id": ("national_id", "customer_id")}  # fmt: skip


@dataclass(frozen=True)
class GenericValue:
    """A value that joins nobody, and why. people is the least number of people behind it."""

    identifier_type: str
    value: str
    records: int
    people: int
    reason: str


def count_people(name: str, parts: Parts, nicknames: Mapping[str, str]) -> npt.NDArray[np.int64]:
    """The least number of people that explains the records with each value of an identifier.

    People differ in the first letter of their given name and in their birth date, and each is miswritten now and
    then: so the smaller of both counts holds where records tell both. A value whose records tell neither counts
    by the family names' first letters; in files without any names, by another identifier. 0 where nothing tells.
    """
    part = parts[name]
    rows, places = np.nonzero(part.codes >= 0)
    values = part.codes[rows, places]
    n = len(part.values)
    counts = []
    if "given" in parts:
        given = parts["given"]
        letters = np.array([ord(nicknames.get(v, v)[0]) for v in given.values] or [0], np.int64)
        counts.append(_distinct_behind(values, np.where(given.first[rows] >= 0, letters[given.first[rows]], -1), n))
    if "birth_date" in parts:
        counts.append(_distinct_behind(values, parts["birth_date"].first[rows].astype(np.int64), n))
    if len(counts) == 2:
        both = (counts[0] > 0) & (counts[1] > 0)
        return np.where(both, np.minimum(counts[0], counts[1]), np.maximum(counts[0], counts[1]))
    if counts:
        return counts[0]
    if "family" in parts:
        family = parts["family"]
        letters = np.array([ord(v[0]) for v in family.values] or [0], np.int64)
        return _distinct_behind(values, np.where(family.first[rows] >= 0, letters[family.first[rows]], -1), n)
    for other in ("national_id", "account_id", "email", "phone"):
        if other in parts and other != name:
            return _distinct_behind(values, parts[other].first[rows].astype(np.int64), n)
    return np.zeros(n, np.int64)


def _distinct_behind(
    values: npt.NDArray[np.int32], other: npt.NDArray[np.int64], n_values: int
) -> npt.NDArray[np.int64]:
    """How many distinct known others stand with each value."""
    known = other >= 0
    pairs = pd.DataFrame({"value": values[known], "other": other[known]}).drop_duplicates()
    return np.bincount(pairs["value"].to_numpy(), minlength=n_values).astype(np.int64)


def drop_generic(
    parts: Parts, nicknames: Mapping[str, str], patterns: tuple[GenericPattern, ...]
) -> tuple[Parts, list[GenericValue], dict[str, npt.NDArray[np.int64]]]:
    """(parts without generic values, what was dropped, people behind each value that is left, by identifier)."""
    kept, dropped, people = dict(parts), [], {}
    for name in IDENTIFIERS:
        if name not in parts:
            continue
        part = parts[name]
        n_people = count_people(name, parts, nicknames)
        reasons = _reasons(name, part, n_people, patterns)
        generic = np.array([reason is not None for reason in reasons], bool)
        dropped += [GenericValue(name, str(part.values[at]), int(part.counts[at]), int(n_people[at]), reasons[at] or "")
                    for at in np.flatnonzero(generic & (part.counts > 0))]  # fmt: skip
        kept[name] = part.without(generic) if generic.any() else part
        people[name] = n_people
    kept["birth_date"], odd_dates = _without_piled_dates(parts) if "birth_date" in parts else (None, [])  # type: ignore[assignment]
    if kept["birth_date"] is None:
        del kept["birth_date"]
    return kept, dropped + odd_dates, people


def _reasons(
    name: str, part: Part, n_people: npt.NDArray[np.int64], patterns: tuple[GenericPattern, ...]
) -> list[str | None]:
    types = _RULE_TYPES.get(name, (name,))
    forms = [(re.compile(p.pattern), p.reason) for p in patterns if set(p.types) & set(types)]
    limit = MOST_PEOPLE[name]
    found: list[str | None] = []
    for value, people, n_records in zip(part.values, n_people, part.counts, strict=True):
        reason = next((why for form, why in forms if form.search(value)), None)
        if reason is None and people > limit:
            reason = f"stands for at least {people} people, limit {limit}"
        elif reason is None and people == 0 and n_records > _MOST_RECORDS:
            reason = f"stands in {n_records} records that tell nobody apart, limit {_MOST_RECORDS}"
        found.append(reason)
    return found


def _without_piled_dates(parts: Parts) -> tuple[Part, list[GenericValue]]:
    """Birth dates far more common than their fellows are fillers: 1970-01-01, the day a system went live.

    A day is piled up when it holds over 1% of all dated records, at least 20 of them, over ten times what the second
    most frequent other day of its year holds, and people of at least five given names.
    """
    part = parts["birth_date"]
    total = int(part.counts.sum())
    years = np.array([int(v[:4]) for v in part.values], np.int64)
    is_full = np.array([not v.endswith("00") for v in part.values], bool)
    piled = np.zeros(len(part.values), bool)
    for at in np.flatnonzero(is_full & (part.counts >= max(20, 0.01 * total))):
        fellows = np.sort(part.counts[is_full & (years == years[at])])[::-1]
        second = int(fellows[2]) if len(fellows) > 2 else 1
        names = parts["given"].first[part.first == at] if "given" in parts else np.arange(5)
        piled[at] = part.counts[at] > 10 * second and len(np.unique(names[names >= 0])) >= 5
    if not piled.any():
        return part, []
    told = [GenericValue("birth_date", str(part.values[at]), int(part.counts[at]), 0,
                         "comes far more often than other days of its year")
            for at in np.flatnonzero(piled)]  # fmt: skip
    return part.without(piled), told
