"""The fields that are compared, and the comparison of pairs: small whole numbers, 0 is "one of them does not say".

Level 1 is the best agreement and the last one a plain difference. The functions take arrays of record numbers and
work on any chunk of pairs alone, so that a driver or many executors can run them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cdp.identity.linkage.compare_addresses import ADDRESS, compare_address
from cdp.identity.linkage.compare_births import BIRTH, compare_age, compare_birth
from cdp.identity.linkage.compare_names import (
    FAMILY,
    GIVEN,
    GIVEN_AGREES,
    SWAPPED,
    compare_family,
    compare_given,
    compare_middle,
)
from cdp.identity.linkage.compare_values import compare_identifier, compare_words
from cdp.identity.linkage.levels import Levels, Rows, same_or_not
from cdp.identity.linkage.parts import Parts


@dataclass(frozen=True)
class Field:
    """A field that is compared: its level names (of level 1, 2, ...) and what follows from its kind.

    compare gives the levels of pairs. frequency: level -> part whose value's frequency tells how much that agreement
    says. shared_at_home: whether members of one household tend to agree on it, who are otherwise two people.
    typical: the first guess of how one person's two records agree, from which learning starts; typical_at_home: of two
    people of one household, who agree as one person does where it is not given. shared_nearby: whether
    strangers of one place or circle tend to agree (a postcode and a birth place often say the same). is_identifier:
    whether its values are given to one person or line each. most_different and most_different_at_home: the largest
    share of a person's, of a household's pairs that may differ plainly on it; learning is held there, so that it takes
    neither families nor namesakes for people (convex constraints as in Winkler 1993). typical_homes: the share of
    households that agree as is typical, whatever was learned: else neighbours of one name become the households, and a
    couple with two names and one phone is left to be one person.
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
    typical_at_home: tuple[float, ...] | None = None
    typical_homes: float = 0.0


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
        table[table[:, given] == SWAPPED, family] = 0
    if "given name" in names and "sex" in names:
        # A given name tells the sex: where names agree, agreement on sex is no news.
        agrees = np.isin(table[:, names.index("given name")], GIVEN_AGREES)
        table[agrees, names.index("sex")] = 0
    return table


def _name_fields(parts: Parts, nicknames: Mapping[str, str]) -> list[Field]:
    fields = []
    if "given" in parts:
        fields.append(Field("given name", GIVEN, lambda p, a, b: compare_given(p, a, b, nicknames),
                            (0.8, 0.05, 0.06, 0.02, 0.01, 0.02, 0.04),
                            {1: "given", 3: "given"}, most_different=0.05))  # fmt: skip
    if "middle" in parts:
        # families hand down middle names too: a mother's name, a patronymic, the first of two Spanish family names
        fields.append(Field("middle name", ("same", "initial", "different"), compare_middle, (0.8, 0.1, 0.1),
                            {1: "middle"}, shared_at_home=True, typical_at_home=(0.1, 0.05, 0.85)))  # fmt: skip
    if "family" in parts:
        fields.append(Field("family name", FAMILY, compare_family, (0.84, 0.06, 0.02, 0.02, 0.06),
                            {1: "family", 2: "family"}, shared_at_home=True,
                            most_different=0.15, most_different_at_home=0.5, typical_homes=0.2))  # fmt: skip
    if "suffix" in parts:
        fields.append(Field("suffix", ("same", "different"), same_or_not("suffix"), (0.95, 0.05), {}))
    if "sex" in parts:
        fields.append(Field("sex", ("same", "different"), same_or_not("sex"), (0.97, 0.03), {}, most_different=0.15))
    return fields


def _birth_fields(parts: Parts) -> list[Field]:
    fields = []
    if "birth_date" in parts:
        fields.append(Field("birth date", BIRTH, compare_birth,
                            (0.86, 0.015, 0.05, 0.02, 0.015, 0.01, 0.008, 0.02, 0.002),
                            {1: "birth_date"}, most_different=0.2))  # fmt: skip
    if "age" in parts:
        fields.append(Field("age", ("within a year", "within three years", "different"), compare_age,
                            (0.8, 0.1, 0.1), {}))  # fmt: skip
    return fields


#: Levels, and how typically one person's records and those of two people of one household agree: a line is shared more
#: often than a mailbox (a quarter of couples have one together: Pew Research 2014), and a personal number not at all.
_IDENTIFIER_LEVELS: Mapping[str, tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]] = {
    "email": (("same", "close", "different"), (0.6, 0.05, 0.35), (0.15, 0.03, 0.82)),
    "phone": (("same", "one slip", "different"), (0.6, 0.04, 0.36), (0.4, 0.03, 0.57)),
    "national_id": (("same", "one slip", "different"), (0.9, 0.06, 0.04), ()),
    "account_id": (("same", "different"), (0.6, 0.4), (0.15, 0.85)),
    "device_id": (("same", "different"), (0.4, 0.6), (0.3, 0.7)),
}

#: People change lines and mailboxes, but no more of a person's pairs have two than have one: else all who bear one name
#: could be taken for one person with many mailboxes.
_OTHER_IDENTIFIER = 0.5


def _identifier_field(name: str) -> Field:
    levels, typical, at_home = _IDENTIFIER_LEVELS[name]
    return Field(name.replace("_", " "), levels,
                 lambda p, a, b: compare_identifier(p, a, b, name, len(levels)), typical, {1: name},
                 shared_at_home=bool(at_home), shared_nearby=bool(at_home), is_identifier=True,
                 most_different=_OTHER_IDENTIFIER, typical_at_home=at_home or None)  # fmt: skip


def _address_field() -> Field:
    return Field("address", ADDRESS, compare_address, (0.5, 0.08, 0.07, 0.07, 0.03, 0.1, 0.15),
                 {1: "premises", 3: "street", 4: "postcode", 6: "city"}, shared_at_home=True, shared_nearby=True,
                 most_different=0.2, most_different_at_home=0.4)  # fmt: skip


def _word_field(name: str) -> Field:
    kind = name.split(":")[0]
    label = name.replace("_", " ") if ":" not in name else name.split(":")[1]
    at_home = kind in ("birth_place", "organisation_name", "employer", "country", "region")
    if kind in ("categorical", "country", "region"):
        return Field(
            label,
            ("same", "different"),
            same_or_not(name),
            (0.8, 0.2),
            {1: name},
            shared_at_home=at_home,
            shared_nearby=True,
        )
    return Field(label, ("same", "close", "different"), lambda p, a, b: compare_words(p[name], a, b, kind),
                 (0.75, 0.1, 0.15), {1: name},
                     shared_at_home=at_home, shared_nearby=True)  # fmt: skip
