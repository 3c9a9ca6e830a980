"""The names, nicknames, streets, places and trades that made people are built of."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

from .dice import Dice, Weighted

_NAMES = Path(__file__).with_name("names")


def _lines(name: str) -> list[str]:
    return (_NAMES / f"{name}.txt").read_text().splitlines()


def _read(name: str) -> Weighted:
    weights: dict[str, float] = {}
    for line in _lines(name):
        frequency, *names = line.split()
        weights |= dict.fromkeys(names, float(frequency))
    return Weighted(weights)


@cache
def family_names() -> Weighted:
    """8,000 surnames as frequent as they are."""
    return _read("family")


@cache
def given_names(sex: str) -> Weighted:
    """Given names of a sex, "f" or "m", as frequent as they are."""
    return _read("female" if sex == "f" else "male")


@cache
def words(kind: str) -> tuple[str, ...]:
    """A list of words: place_starts, place_ends, street_kinds, street_words."""
    return tuple(next(line for line in _lines("words") if line.startswith(f"{kind}:")).split()[1:])


@cache
def old_given_names(sex: str) -> Weighted:
    """The few given names that most people of the past had; the share falls evenly with the rank."""
    names = words("old_female" if sex == "f" else "old_male")
    return Weighted(dict(zip(names, range(2 * len(names), 0, -2), strict=True)))


@cache
def nicknames() -> dict[str, list[str]]:
    """Given name -> its nicknames."""
    return {given: short for given, *short in map(str.split, _lines("nicknames"))}


@cache
def abbreviations() -> dict[str, str]:
    """Given name -> how clerks shortened it."""
    return dict(map(str.split, _lines("abbreviations")))


@cache
def trades() -> tuple[tuple[str, ...], ...]:
    """Trades, each in the words for it."""
    return tuple(tuple(line.split(", ")) for line in _lines("trades"))


@cache
def towns() -> tuple[str, ...]:
    """Some 1,500 names of places, in an order of chance that is always the same."""
    return tuple(Dice(1, 1, 0).shuffled([a + b for a, b in product(words("place_starts"), words("place_ends"))]))


def skewed_town(dice: Dice, n: int) -> str:
    """One of the first n places; the first are the large ones (share falls as 1 over rank, roughly)."""
    return towns()[int(n ** dice.share()) - 1]


@cache
def streets() -> tuple[str, ...]:
    """Some 1,000 names of streets, most of them the name of a person."""
    named = [f"{w} {k}" for w, k in product(words("street_words"), sorted(set(words("street_kinds"))))]
    people = family_names().values[150:1_000:2]
    dice = Dice(1, 2, 0)
    return tuple(dice.shuffled(named + [f"{p} {dice.pick(words('street_kinds'))}" for p in people]))


def short_name(dice: Dice, given: str) -> str:
    """A nickname where one is known, else the name."""
    return dice.pick(nicknames()[given]) if given in nicknames() else given
