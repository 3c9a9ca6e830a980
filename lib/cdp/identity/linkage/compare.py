"""Comparison levels: how each field of two records agrees, as a small whole number; 0 is "one of them does not say".

Level 1 is the best agreement and the last one a plain difference. The functions take arrays of record numbers and
work on any chunk of pairs alone, so that a driver or many executors can run them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.parts import Part, Parts
from cdp.identity.linkage.similarity import edits, jaro_winkler, on_distinct_pairs, token_overlap

Rows = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]

CLOSE, NEAR = 0.92, 0.85


@dataclass(frozen=True)
class Field:
    """A field that is compared: its level names (of level 1, 2, ...) and what follows from its kind.

    compare gives the levels of pairs. frequency: level -> part whose value's frequency tells how much that agreement
    says. shared_at_home: whether members of one household tend to agree on it, who are otherwise two people.
    typical: the first guess of how one person's two records agree, from which learning starts. shared_nearby: whether
    strangers of one place or circle tend to agree (a postcode and a birth place often say the same). is_identifier:
    whether its values are given to one person or line each. most_different and most_different_at_home: the largest
    share of a person's, of a household's pairs that may differ plainly on it; learning is held there, so that it takes
    neither families nor namesakes for people (convex constraints as in Winkler 1993).
    """

    name: str
    levels: tuple[str, ...]
    compare: Callable[[Parts, Rows, Rows], Levels]
    typical: tuple[float, ...]
    frequency: Mapping[int, str]
    shared_at_home: bool = False
    shared_nearby: bool = False
    is_identifier: bool = False
    most_different: float = 1.0
    most_different_at_home: float = 1.0


def fields_for(parts: Parts, nicknames: Mapping[str, str]) -> list[Field]:
    """The fields that can be compared with these parts, in a fixed order."""
    fields = [*_name_fields(parts, nicknames), *_birth_fields(parts)]
    fields += [_identifier_field(name) for name in _IDENTIFIER_LEVELS if name in parts]
    if any(name in parts for name in ("street", "postcode", "city")):
        fields.append(_address_field())
    elif "region" in parts:
        fields.append(_word_field("region"))
    fields += [_word_field(name) for name in parts if ":" in name]
    if "country" in parts:
        fields.append(_word_field("country"))
    return fields


def compare_pairs(fields: list[Field], parts: Parts, left: Rows, right: Rows) -> Levels:
    """(pairs, fields) levels; pairs are given by their record numbers."""
    table = np.zeros((len(left), len(fields)), np.int8)
    for at, field in enumerate(fields):
        table[:, at] = field.compare(parts, left, right)
    names = [field.name for field in fields]
    if "given name" in names and "family name" in names:
        given, family = names.index("given name"), names.index("family name")
        # Both names crosswise are one piece of evidence: it is told by the given name alone.
        table[table[:, given] == _SWAPPED, family] = 0
    if "given name" in names and "sex" in names:
        # A given name tells the sex: where names agree, agreement on sex is no news.
        agrees = np.isin(table[:, names.index("given name")], _GIVEN_AGREES)
        table[agrees, names.index("sex")] = 0
    return table


def _name_fields(parts: Parts, nicknames: Mapping[str, str]) -> list[Field]:
    fields = []
    if "given" in parts:
        fields.append(Field("given name", _GIVEN, lambda p, a, b: _compare_given(p, a, b, nicknames),
                            (0.8, 0.05, 0.06, 0.02, 0.01, 0.02, 0.04), {1: "given", 3: "given"}, most_different=0.2))  # fmt: skip
    if "middle" in parts:
        fields.append(Field("middle name", ("same", "initial", "different"), _compare_middle, (0.8, 0.1, 0.1),
                            {1: "middle"}))  # fmt: skip
    if "family" in parts:
        fields.append(Field("family name", _FAMILY, _compare_family, (0.84, 0.06, 0.02, 0.02, 0.06),
                            {1: "family", 2: "family"}, shared_at_home=True,
                            most_different=0.3, most_different_at_home=0.5))  # fmt: skip
    if "suffix" in parts:
        fields.append(Field("suffix", ("same", "different"), _same_or_not("suffix"), (0.95, 0.05), {}))
    if "sex" in parts:
        fields.append(Field("sex", ("same", "different"), _same_or_not("sex"), (0.97, 0.03), {}, most_different=0.15))
    return fields


_GIVEN = ("same", "other form", "close", "initial", "swapped with family name", "similar", "different")
_FAMILY = ("same", "close", "shares a part", "similar", "different")
_SWAPPED = 5
_GIVEN_AGREES = (1, 2, 3)


def _known(part: Part, left: Rows, right: Rows) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Rows]:
    """Codes of both sides where both are known and differ, and which pairs these are."""
    a, b = part.first[left], part.first[right]
    at = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
    return a[at], b[at], at


def _start(part: Part, left: Rows, right: Rows, different: int) -> Levels:
    """0 where one is null, 1 where equal, `different` elsewhere."""
    a, b = part.first[left], part.first[right]
    level = np.where(a == b, 1, different)
    return np.where((a < 0) | (b < 0), 0, level).astype(np.int8)


def _same_or_not(name: str) -> Callable[[Parts, Rows, Rows], Levels]:
    return lambda parts, left, right: _start(parts[name], left, right, 2)


def _compare_given(parts: Parts, left: Rows, right: Rows, nicknames: Mapping[str, str]) -> Levels:
    part = parts["given"]
    level = _start(part, left, right, 7)
    a, b, at = _known(part, left, right)
    level[at] = on_distinct_pairs(part.values, a, b, lambda x, y: _given_levels(x, y, nicknames))
    is_initial = np.fromiter((len(v) == 1 for v in part.values), bool, len(part.values))
    level[(level == 1) & is_initial[part.first[left]]] = 4
    if "family" in parts:
        is_swapped = _are_swapped(parts, left[at], right[at]) & (level[at] > 3)
        level[at[is_swapped]] = _SWAPPED
    return level


def _given_levels(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_], nicknames: Mapping[str, str]) -> Levels:
    level = np.full(len(x), 7, np.int8)
    score = jaro_winkler(x, y)
    level[score >= NEAR - 0.05] = 6
    level[score >= CLOSE] = 3
    forms = np.fromiter((_given_form(s, t, nicknames) for s, t in zip(x, y, strict=True)), np.int8, len(x))
    return np.where(forms > 0, forms, level)


def _given_form(x: str, y: str, nicknames: Mapping[str, str]) -> int:
    """4 for an initial, 2 for another form of one name (short form, one half of a double name), 0 for neither."""
    if len(x) == 1 or len(y) == 1:
        return 4 if x[0] == y[0] else 0
    if nicknames.get(x, x) == nicknames.get(y, y):
        return 2
    short, long = sorted((x, y), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 2
    return 2 if "-" in long and short in long.split("-") else 0


def _are_swapped(parts: Parts, left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    """Whether the given name of each is about the family name of the other."""
    given, family = parts["given"], parts["family"]
    values = np.concatenate([given.values, family.values])

    def alike(rows_g: Rows, rows_f: Rows) -> npt.NDArray[np.bool_]:
        g, f = given.first[rows_g], family.first[rows_f]
        result = np.zeros(len(g), bool)
        at = np.flatnonzero((g >= 0) & (f >= 0))
        codes = f[at] + np.int32(len(given.values))
        result[at] = on_distinct_pairs(values, g[at], codes, jaro_winkler) >= CLOSE
        return result

    first = alike(left, right)
    both = np.flatnonzero(first)
    first[both] = alike(right[both], left[both])
    return first


def _compare_middle(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["middle"]
    level = _start(part, left, right, 3)
    a, b, at = _known(part, left, right)

    def levels(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> Levels:
        initial = np.fromiter((s[0] == t[0] and min(len(s), len(t)) == 1 for s, t in zip(x, y, strict=True)), bool, len(x))
        close = (jaro_winkler(x, y) >= CLOSE) & np.fromiter((min(len(s), len(t)) > 1 for s, t in zip(x, y, strict=True)), bool, len(x))
        return np.where(close, 1, np.where(initial, 2, 3)).astype(np.int8)

    level[at] = on_distinct_pairs(part.values, a, b, levels)
    return level


def _compare_family(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["family"]
    level = _start(part, left, right, 5)
    a, b, at = _known(part, left, right)

    def levels(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> Levels:
        score = jaro_winkler(x, y)
        shares = np.fromiter((_share_word(s, t) for s, t in zip(x, y, strict=True)), bool, len(x))
        return np.select([score >= CLOSE, shares, score >= NEAR], [2, 3, 4], 5).astype(np.int8)

    level[at] = on_distinct_pairs(part.values, a, b, levels)
    return level


def _share_word(x: str, y: str) -> bool:
    if " " not in x and " " not in y:
        return len(x) == 1 and y.startswith(x) or len(y) == 1 and x.startswith(y)
    return x.replace(" ", "") == y.replace(" ", "") or bool({w for w in x.split() if len(w) > 3} & set(y.split()))


def _birth_fields(parts: Parts) -> list[Field]:
    fields = []
    if "birth_date" in parts:
        fields.append(Field("birth date", _BIRTH, _compare_birth, (0.86, 0.015, 0.05, 0.02, 0.015, 0.01, 0.02, 0.01),
                            {1: "birth_date"}, most_different=0.2))  # fmt: skip
    if "age" in parts:
        fields.append(Field("age", ("within a year", "within three years", "different"), _compare_age,
                            (0.8, 0.1, 0.1), {}))  # fmt: skip
    return fields


_BIRTH = ("same", "day and month swapped", "one slip", "two of three parts", "same as far as told", "same year",
          "different", "a generation apart")  # fmt: skip
_GENERATION_YEARS = 13


def _compare_birth(parts: Parts, left: Rows, right: Rows) -> Levels:
    part = parts["birth_date"]
    level = _start(part, left, right, 7)
    a, b, at = _known(part, left, right)
    numbers = part.values.astype(np.int64) if len(part.values) else np.empty(0, np.int64)
    x, y = numbers[a], numbers[b]
    slips = on_distinct_pairs(part.values, a, b, edits)
    years, months, days = [n // d % m for n, d, m in ((x, 10_000, 10_000), (x, 100, 100), (x, 1, 100))]
    years_b, months_b, days_b = [n // d % m for n, d, m in ((y, 10_000, 10_000), (y, 100, 100), (y, 1, 100))]
    is_vague = (days == 0) | (days_b == 0)
    same_year = years == years_b
    fits = same_year & ((months == months_b) | (months == 0) | (months_b == 0))
    swapped = same_year & (months == days_b) & (days == months_b)
    two = (same_year.astype(int) + (months == months_b) + (days == days_b)) == 2
    far = np.abs(years - years_b) >= _GENERATION_YEARS
    level[at] = np.select(
        [is_vague & fits, is_vague & ~far, is_vague, swapped, slips <= 1, two, same_year, far],
        [5, 7, 8, 2, 3, 4, 6, 8], 7,
    )  # fmt: skip
    vague_and_same = (level == 1) & (part.values[part.first[left]] != None)  # noqa: E711
    if vague_and_same.any():
        told = numbers[part.first[left[vague_and_same]]] % 100 == 0
        level[np.flatnonzero(vague_and_same)[told]] = 5
    return level


def _compare_age(parts: Parts, left: Rows, right: Rows) -> Levels:
    """Ages, only where birth dates do not say it better."""
    part = parts["age"]
    level = _start(part, left, right, 3)
    a, b, at = _known(part, left, right)
    ages = part.values.astype(np.int64)
    gap = np.abs(ages[a] - ages[b])
    level[at] = np.select([gap <= 1, gap <= 3], [1, 2], 3)
    if "birth_date" in parts:
        born = parts["birth_date"].first
        level[(born[left] >= 0) & (born[right] >= 0)] = 0
    return level


_IDENTIFIER_LEVELS: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "email": (("same", "close", "different"), (0.6, 0.05, 0.35)),
    "phone": (("same", "one slip", "different"), (0.6, 0.04, 0.36)),
    "national_id": (("same", "one slip", "different"), (0.9, 0.06, 0.04)),
    "account_id": (("same", "different"), (0.6, 0.4)),
    "device_id": (("same", "different"), (0.4, 0.6)),
}


def _identifier_field(name: str) -> Field:
    levels, typical = _IDENTIFIER_LEVELS[name]
    label = name.replace("_", " ")
    at_home = name != "national_id"
    return Field(label, levels, lambda p, a, b: _compare_identifier(p[name], a, b, name, len(levels)), typical,
                 {1: name}, shared_at_home=at_home, shared_nearby=at_home, is_identifier=True)  # fmt: skip


def _compare_identifier(part: Part, left: Rows, right: Rows, name: str, n_levels: int) -> Levels:
    """The best agreement of any value of one with any of the other."""
    best = np.full(len(left), 99, np.int8)
    for i in range(part.codes.shape[1]):
        for j in range(part.codes.shape[1]):
            a, b = part.codes[left, i], part.codes[right, j]
            level = np.where((a < 0) | (b < 0), 99, np.where(a == b, 1, n_levels)).astype(np.int8)
            if n_levels == 3:
                at = np.flatnonzero((level == n_levels) & (best > 2))
                is_close = on_distinct_pairs(part.values, a[at], b[at], _emails_close if name == "email" else _one_slip)
                level[at[is_close]] = 2
            best = np.minimum(best, level)
    return np.where(best == 99, 0, best).astype(np.int8)


def _one_slip(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    return edits(x, y) <= 1


def _emails_close(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    same_local = np.fromiter((_locals_agree(s, t) for s, t in zip(x, y, strict=True)), bool, len(x))
    return same_local | (edits(x, y) <= 1)


def _locals_agree(x: str, y: str) -> bool:
    local, domain = x.split("@")
    other, other_domain = y.split("@")
    local, other = local.split("+")[0], other.split("+")[0]
    return local == other and (domain == other_domain or len(local) > 5)


_ADDRESS = ("same address", "same street and number", "same street", "same postcode", "near postcode", "same city",
            "different")  # fmt: skip


def _address_field() -> Field:
    return Field("address", _ADDRESS, _compare_address, (0.5, 0.08, 0.07, 0.07, 0.03, 0.1, 0.15),
                 {1: "premises", 3: "street", 4: "postcode", 6: "city"}, shared_at_home=True, shared_nearby=True,
                 most_different_at_home=0.4)  # fmt: skip


def _compare_address(parts: Parts, left: Rows, right: Rows) -> Levels:
    """One field, whatever was given of it: its parts depend on each other too much to count each."""
    n = len(left)
    street = _agreement(parts, "street", left, right, CLOSE)
    number = _agreement(parts, "street_number", left, right)
    unit = _agreement(parts, "unit", left, right)
    postcode = _agreement(parts, "postcode", left, right)
    city = _agreement(parts, "city", left, right, CLOSE)
    place = (postcode == 1) | (city == 1)
    no_place = (postcode == 0) & (city == 0)
    house = (street == 1) & (number == 1) & (unit >= 0)
    near = np.zeros(n, bool)
    at = np.flatnonzero(postcode < 0)
    if len(at):
        near[at] = _near_postcodes(parts["postcode"], left[at], right[at])
    silent = (street == 0) & no_place
    return np.select(
        [silent, house & (place | no_place), house, (street == 1) & place, postcode == 1, near, city == 1],
        [0, 1, 2, 3, 4, 5, 6], 7,
    ).astype(np.int8)  # fmt: skip


def _agreement(parts: Parts, name: str, left: Rows, right: Rows, close: float | None = None) -> Levels:
    """1 equal (or close), 0 not known, -1 different."""
    if name not in parts:
        return np.zeros(len(left), np.int8)
    part = parts[name]
    level = np.where(_start(part, left, right, -1) == 1, 1, _start(part, left, right, -1)).astype(np.int8)
    if close is not None:
        a, b, at = _known(part, left, right)
        level[at] = np.where(on_distinct_pairs(part.values, a, b, jaro_winkler) >= close, 1, -1)
    return level


def _near_postcodes(part: Part, left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    """One slip apart, or equal but for the last two or three signs (the delivery end of the code)."""

    def near(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
        area = np.fromiter((len(s) > 4 and s[:-3] == t[:-3] for s, t in zip(x, y, strict=True)), bool, len(x))
        return area | (edits(x, y) <= 1)

    return on_distinct_pairs(part.values, part.first[left], part.first[right], near)


def _word_field(name: str) -> Field:
    kind = name.split(":")[0]
    label = name.replace("_", " ") if ":" not in name else name.split(":")[1]
    at_home = kind in ("birth_place", "organisation_name", "employer", "country", "region")
    if kind in ("categorical", "country", "region"):
        return Field(label, ("same", "different"), _same_or_not(name), (0.8, 0.2), {1: name},
                     shared_at_home=at_home, shared_nearby=True)
    return Field(label, ("same", "close", "different"), lambda p, a, b: _compare_words(p[name], a, b, kind),
                 (0.75, 0.1, 0.15), {1: name},
                     shared_at_home=at_home, shared_nearby=True)  # fmt: skip


def _compare_words(part: Part, left: Rows, right: Rows, kind: str) -> Levels:
    level = _start(part, left, right, 3)
    a, b, at = _known(part, left, right)
    limit = 0.6 if kind == "free_text" else 0.85
    level[at] = np.where(on_distinct_pairs(part.values, a, b, token_overlap) >= limit, 2, 3)
    return level
