"""How two names agree: as written, by nickname or initial, swapped, in part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.levels import CLOSE, NEAR, Levels, Rows, both_known, start_levels
from cdp.identity.linkage.parts import Parts
from cdp.identity.linkage.similarity import jaro_winkler, on_distinct_pairs
from cdp.identity.linkage.text import is_initial

GIVEN = ("same", "other form", "close", "initial", "swapped with family name", "similar", "different")
FAMILY = ("same", "close", "shares a part", "similar", "different")
INITIAL, SWAPPED = 4, 5
GIVEN_AGREES = (1, 2, 3)


def compare_given(parts: Parts, left: Rows, right: Rows, nicknames: Mapping[str, str]) -> Levels:
    part = parts["given"]
    level = start_levels(part, left, right, 7)
    a, b, at = both_known(part, left, right)
    level[at] = on_distinct_pairs(part.values, a, b, _given_closeness)
    full = part.groups_of("full name", lambda v: nicknames.get(v, v))
    start, kind = part.of_values("first letter", _first_letter), part.of_values("kind of given name", _kind_of_given)
    may_be_form = np.flatnonzero((start[a] == start[b]) | (full[a] == full[b]) | (kind[a] == 2) | (kind[b] == 2))
    forms = on_distinct_pairs(part.values, a[may_be_form], b[may_be_form], lambda x, y: _given_forms(x, y, nicknames))
    level[at[may_be_form]] = np.where(forms > 0, forms, level[at[may_be_form]])
    level[(level == 1) & (kind[part.first[left]] == 1)] = 4
    if "family" in parts:
        is_swapped = _are_swapped(parts, left[at], right[at], nicknames) & (level[at] > 3)
        level[at[is_swapped]] = SWAPPED
    if "middle" in parts:
        differ = np.flatnonzero(level >= 6)
        known_by_middle = _given_among_middle(parts, left[differ], right[differ])
        known_by_middle |= _given_among_middle(parts, right[differ], left[differ])
        level[differ[known_by_middle]] = 2
    return level


def _first_letter(name: str) -> int:
    return ord(name[0])


def _kind_of_given(name: str) -> int:
    """1 for an initial, 2 for a double name, 0 for any other."""
    return 1 if is_initial(name) else 2 if "-" in name else 0


def _given_closeness(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> Levels:
    score = jaro_winkler(x, y)
    return np.select([score >= CLOSE, score >= NEAR - 0.05], [3, 6], 7).astype(np.int8)


def _given_forms(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_], nicknames: Mapping[str, str]) -> Levels:
    return np.fromiter((_given_form(s, t, nicknames) for s, t in zip(x, y, strict=True)), np.int8, len(x))


def _given_form(x: str, y: str, nicknames: Mapping[str, str]) -> int:
    """4 for an initial, 2 for another form of one name (short form, one half of a double name), 0 for neither."""
    if is_initial(x) or is_initial(y):
        return 4 if x[0] == y[0] else 0
    if nicknames.get(x, x) == nicknames.get(y, y):
        return 2
    short, long = sorted((x, y), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 2
    return 2 if "-" in long and short in long.split("-") else 0


def _given_among_middle(parts: Parts, left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    """Whether the given name of one is a middle name of the other, who goes by it."""
    given, middle = parts["given"], parts["middle"]
    values = np.concatenate([given.values, middle.values])
    g, m = given.first[left], middle.first[right]
    result = np.zeros(len(g), bool)
    at = np.flatnonzero((g >= 0) & (m >= 0))

    def among(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
        return np.fromiter((len(s) > 2 and s in t.split(" ") for s, t in zip(x, y, strict=True)), bool, len(x))

    result[at] = on_distinct_pairs(values, g[at], m[at] + np.int32(len(given.values)), among)
    return result


def _are_swapped(parts: Parts, left: Rows, right: Rows, nicknames: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """Whether the given name of each is about the family name of the other, or another form of it."""
    given, family = parts["given"], parts["family"]
    values = np.concatenate([given.values, family.values])

    def about(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
        same = np.fromiter(
            (nicknames.get(s, s) == nicknames.get(t, t) for s, t in zip(x, y, strict=True)), bool, len(x)
        )
        return same | (jaro_winkler(x, y) >= CLOSE)

    def alike(rows_g: Rows, rows_f: Rows) -> npt.NDArray[np.bool_]:
        g, f = given.first[rows_g], family.first[rows_f]
        result = np.zeros(len(g), bool)
        at = np.flatnonzero((g >= 0) & (f >= 0))
        codes = f[at] + np.int32(len(given.values))
        result[at] = on_distinct_pairs(values, g[at], codes, about)
        return result

    first = alike(left, right)
    both = np.flatnonzero(first)
    first[both] = alike(right[both], left[both])
    return first


def compare_middle(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["middle"]
    level = start_levels(part, left, right, 3)
    a, b, at = both_known(part, left, right)

    def levels(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> Levels:
        initial = np.fromiter(
            (s[0] == t[0] and (is_initial(s) or is_initial(t)) for s, t in zip(x, y, strict=True)), bool, len(x)
        )
        close = (jaro_winkler(x, y) >= CLOSE) & np.fromiter(
            (not (is_initial(s) or is_initial(t)) for s, t in zip(x, y, strict=True)), bool, len(x)
        )
        return np.where(close, 1, np.where(initial, 2, 3)).astype(np.int8)

    level[at] = on_distinct_pairs(part.values, a, b, levels)
    return level


def compare_family(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["family"]
    level = start_levels(part, left, right, 5)
    a, b, at = both_known(part, left, right)

    level[at] = on_distinct_pairs(part.values, a, b, _family_closeness)
    in_parts = part.of_values("in parts", lambda v: int(" " in v or is_initial(v)))
    may_share = np.flatnonzero((in_parts[a] | in_parts[b]) & (level[at] > 2))
    shares = on_distinct_pairs(part.values, a[may_share], b[may_share], _share_words)
    level[at[may_share[shares]]] = 3
    return level


def _family_closeness(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> Levels:
    score = jaro_winkler(x, y)
    return np.select([score >= CLOSE, score >= NEAR], [2, 4], 5).astype(np.int8)


def _share_words(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    return np.fromiter((_share_word(s, t) for s, t in zip(x, y, strict=True)), bool, len(x))


def _share_word(x: str, y: str) -> bool:
    if " " not in x and " " not in y:
        return (is_initial(x) and y.startswith(x)) or (is_initial(y) and x.startswith(y))
    return x.replace(" ", "") == y.replace(" ", "") or bool({w for w in x.split() if len(w) > 3} & set(y.split()))
