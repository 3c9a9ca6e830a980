"""By what pairs are found: blocks of records that agree on one or two things, chosen from the data within a budget.

Every single key and every pair of keys is a possible rule. A rule that repeats what a chosen one already covers adds
nothing, a rule too dear for what is left of the budget is passed over; a block above the cap is not paired by that
rule and is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.parts import IDENTIFIERS, Part, Parts
from cdp.identity.linkage.text import skeleton

BLOCK_CAP = 250  # records a block
# Pairs as the rules propose them; half of them are proposed by several rules and compared once.
_SMALLEST_BUDGET = 3_000_000
_LARGEST_BUDGET = 24_000_000
_PAIRS_A_RECORD = 120
Key = npt.NDArray[np.int64]


def pair_budget(n_records: int) -> int:
    """How many pairs the rules may propose."""
    return int(np.clip(_PAIRS_A_RECORD * n_records, _SMALLEST_BUDGET, _LARGEST_BUDGET))


def block_keys(parts: Parts, nicknames: Mapping[str, str]) -> dict[str, list[Key]]:
    """Keys by name, one array per place that a record can hold a value in; -1 is null."""
    keys: dict[str, list[Key]] = {}
    for name in IDENTIFIERS:
        if name in parts:
            keys[name.replace("_", " ")] = [c.astype(np.int64) for c in parts[name].codes.T]
    if "email" in parts:
        keys["local part of email"] = [_derived(parts, "email", _local_part)]
    if "birth_date" in parts:
        keys["birth date"] = [_derived(parts, "birth_date", lambda v: v if not v.endswith("00") else None)]
        keys["year and unordered day, month"] = [_derived(parts, "birth_date", _unordered)]
        keys["birth year"] = [_derived(parts, "birth_date", lambda v: v[:4])]
        keys["day and month"] = [_derived(parts, "birth_date", lambda v: v[4:] if not v.endswith("00") else None)]
    elif "age" in parts:
        keys["age"] = [parts["age"].first.astype(np.int64)]
    keys |= _name_keys(parts, nicknames)
    for name in ("postcode", "street", "premises", "city"):
        if name in parts:
            keys[name] = [parts[name].first.astype(np.int64)]
    for name in parts:
        if name.split(":")[0] in ("birth_place", "employer", "organisation_name", "occupation", "categorical"):
            keys[name.split(":")[1]] = [parts[name].first.astype(np.int64)]
    return {name: columns for name, columns in keys.items() if any((c >= 0).any() for c in columns)}


def _name_keys(parts: Parts, nicknames: Mapping[str, str]) -> dict[str, list[Key]]:
    """Names by sound and as written; both names in either order."""
    keys: dict[str, list[Key]] = {}
    if "given" in parts:
        keys["sound of given name"] = [_derived(parts, "given", skeleton)]
        keys["given name"] = [parts["given"].first.astype(np.int64)]
        keys["initial of full given name"] = [_derived(parts, "given", lambda v: nicknames.get(v, v)[0])]
    if "family" in parts:
        keys["sound of family name"] = [_derived(parts, "family", lambda v: skeleton(v.replace(" ", "")))]
        keys["family name"] = [parts["family"].first.astype(np.int64)]
    if "given" in parts and "family" in parts:
        names = [pd.Series(_texts(parts[p])) for p in ("given", "family")]
        sounds = [s.map({v: skeleton(v.replace(" ", "")) for v in s.dropna().unique()}) for s in names]
        low, high = sounds[0].where(sounds[0] < sounds[1], sounds[1]), sounds[0].where(sounds[0] > sounds[1], sounds[1])
        keys["both names, any order"] = [_codes(low + "|" + high)]
    return keys


def _texts(part: Part) -> npt.NDArray[np.object_]:
    """The value of each record, None where it has none."""
    values = np.empty(len(part.values) + 1, dtype=object)
    values[:-1] = part.values
    return values[part.first]


def _local_part(email: str) -> str | None:
    """What stands before the @, without a +tag; None where it is too short to mean somebody."""
    local = email.split("@")[0].split("+")[0]
    return local if len(local) > 4 else None


def _unordered(date: str) -> str | None:
    if date.endswith("00"):
        return None
    return date[:4] + "".join(sorted((date[4:6], date[6:])))


def _derived(parts: Parts, name: str, function) -> Key:  # type: ignore[no-untyped-def]
    part = parts[name]
    made = pd.Series([function(v) for v in part.values], dtype=object)
    codes = np.append(_codes(made), -1)
    return codes[part.first]


def _codes(texts: pd.Series) -> Key:
    return pd.factorize(texts, sort=True)[0].astype(np.int64)


#: Keys that are coarser or finer forms of one thing: a rule of two of them would only say it twice.
_SAME_THING = (
    {"birth date", "year and unordered day, month", "birth year"},
    {"birth date", "year and unordered day, month", "day and month"},
    {"given name", "sound of given name", "initial of full given name", "both names, any order"},
    {"family name", "sound of family name", "both names, any order"},
    {"email", "local part of email"}, {"postcode", "premises", "city"}, {"street", "premises"},
)  # fmt: skip
#: A rule with the first is contained in the rule with the second in its place.
_FINER = {"birth date": "year and unordered day, month", "given name": "sound of given name",
          "family name": "sound of family name", "email": "local part of email"}  # fmt: skip


def choose_rules(keys: Mapping[str, list[Key]], n_records: int) -> tuple[tuple[tuple[str, ...], ...], list[str]]:
    """(keys of each rule, what was passed over): identifiers first, then the cheapest, until the budget is spent."""
    budget = pair_budget(n_records)
    spent = 0
    chosen: list[tuple[str, ...]] = []
    whole: list[tuple[str, ...]] = []
    passed_over: list[str] = []
    for size, part in ((1, 8), (2, 4), (3, 4)):
        share = budget // part  # no rule may take more, so that several kinds of mistakes can be survived
        options = []
        for names in combinations(keys, size):
            if any(len(set(names) & same) > 1 for same in _SAME_THING) or _is_covered(names, whole):
                continue
            options.append((*_cost(combined_key(keys, names)), names))
        options.sort(key=lambda option: (option[0], option[2]))
        for cost, is_whole, names in options:
            if _is_covered(names, whole):
                continue
            if 0 < cost <= share and spent + cost <= budget:
                chosen.append(names)
                spent += cost
                if is_whole:
                    whole.append(names)
            elif cost > 0:
                passed_over.append(" + ".join(names))
    return tuple(chosen), passed_over


def _is_covered(names: tuple[str, ...], whole: list[tuple[str, ...]]) -> bool:
    """Whether a chosen rule whose blocks are (nearly) all paired already proposes every pair that these keys would."""
    mine = set(names) | {_FINER[name] for name in names if name in _FINER}
    return any(set(theirs) <= mine for theirs in whole)


def combined_key(keys: Mapping[str, list[Key]], names: tuple[str, ...]) -> Key:
    """One (records, places) key of several: null where one of them is."""
    result = np.stack(keys[names[0]], axis=1)
    for name in names[1:]:
        columns = []
        for left in result.T:
            for right in keys[name]:
                known = (left >= 0) & (right >= 0)
                columns.append(np.where(known, left * (int(right.max(initial=0)) + 2) + right, -1))
        result = np.stack(columns, axis=1)
        flat = pd.factorize(result.ravel())[0]
        result = np.where(result.ravel() >= 0, flat, -1).reshape(result.shape)
    return result


def _cost(key: Key) -> tuple[int, bool]:
    """(pairs in the blocks within the cap, whether these hold all but 2% of the records that have the key)."""
    sizes = np.unique(key[key >= 0], return_counts=True)[1].astype(np.int64)
    fits = sizes[sizes <= BLOCK_CAP]
    return int((fits * (fits - 1) // 2).sum()), bool(fits.sum() >= 0.98 * sizes.sum())
