"""A patient list of four countries: accents kept, dropped or transcribed, double names and surnames, particles.

Nothing here is English: umlauts come as ü, u or ue; José María García López is also J. M. García or "Garcia, Jose"; van
der Meer is filed under M or V; dates are written day first with points. Errors come from transcription rather than
from fingers.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import mistakes
from .dice import Dice
from .homes import presence
from .labelled import Labelled, Row, one_file

SCHEMA: dict[str, Any] = {
    "record_id": "nr",
    "columns": {
        "name": "full_name",
        "geboren": {"type": "birth_date", "formats": ["dd.MM.yyyy", "yyyy-MM-dd"]},
        "geschlecht": "sex",
        "adresse": "street_address",
        "plz": "postcode",
        "ort": "city",
        "telefon": "phone",
        "kasse": "account_id",
    },
}
_COUNTRIES = ("de", "de", "fr", "es", "nl")
_CODES = {"de": "+49", "fr": "+33", "es": "+34", "nl": "+31"}
_TRANSCRIBED = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ñ": "ny", "ø": "oe"}


@dataclass(frozen=True)
class _Patient:
    key: str
    country: str
    sex: str
    given: str
    family: str
    second: str
    born: tuple[int, int, int]
    insurance: str
    mobile: str


def make_abroad(seed: int, records: int) -> Labelled:
    """That many entries of the list."""
    rows: list[tuple[str, str, Row]] = []
    number = 0
    while len(rows) < records:
        dice = Dice(seed, 50, number)
        country = dice.pick(_COUNTRIES)
        home = _home(dice, country)
        for person in _people(dice, country, number):
            if dice.chance(presence(seed)):
                for _ in range(1 + dice.often(0.5, 8)):
                    rows.append((person.key, f"a{number}", _entry(dice, person, home)))
        number += 1
    mixed = Dice(seed, 51, 0).shuffled(rows[:records])
    for place, (_, _, row) in enumerate(mixed):
        row["nr"] = str(7_000_001 + place)
    return one_file(mixed, SCHEMA)


def _people(dice: Dice, country: str, number: int) -> list[_Patient]:
    """A couple or a single, and children; in Spain everybody has two surnames, the first of each parent."""
    families = [_skewed(dice, f"{country}_family") for _ in range(2)]
    year = dice.between(1930, 1985)
    people = []
    for i in range(1 + (2 + dice.often(0.4, 3) if dice.chance(0.5) else 0)):
        sex = "fm"[i % 2] if i < 2 else dice.pick("fm")
        own = families[i % 2] if i < 2 and (country == "es" or dice.chance(0.3)) else families[0]
        second = families[1] if i >= 2 else _skewed(dice, f"{country}_family")
        born = (year + (dice.between(20, 38) if i >= 2 else dice.below(8)), dice.between(1, 12), dice.between(1, 28))
        given = _skewed(dice, f"{country}_{sex}")
        people.append(
            _Patient(
                f"a{number}_{i}", country, sex, given, own, second if country == "es" or dice.chance(0.08) else "",
                born, f"{given[0].upper()}{dice.digits(9)}", f"{_CODES[country]}6{dice.digits(8)}",
            )
        )  # fmt: skip
    return people


def _home(dice: Dice, country: str) -> Row:
    quarter = 4 if country == "nl" else 5
    at = {"de": 0, "fr": 5, "es": 10, "nl": 15}[country] + dice.below(5)
    street = f"{_words('streets')[at].replace('-', ' ')} {dice.between(1, 90)}{dice.pick(('', '', '', 'a', 'b'))}"
    code = str(10_000 + at * 311 + dice.below(12))[:quarter] + (
        f" {dice.pick('AB')}{dice.pick('CD')}" if quarter == 4 else ""
    )
    phone = f"{_CODES[country]}{dice.digits(8)}"
    return {"adresse": street, "plz": code, "ort": _words("towns")[at].replace("-", " "), "telefon": phone}


def _entry(dice: Dice, person: _Patient, home: Row) -> Row:
    year, month, day = person.born
    if dice.chance(0.03):
        day, month = (month, day) if day <= 12 else (dice.between(1, 28), month)
    born = f"{day:02d}.{month:02d}.{year}" if dice.chance(0.85) else f"{year}-{month:02d}-{day:02d}"
    row = {
        "nr": "", "name": _name(dice, person), "geboren": born if dice.chance(0.85) else "",
        "geschlecht": {"f": "w", "m": "m"}[person.sex] if dice.chance(0.7) else "", **home,
        "telefon": _dialled(dice, dice.pick((person.mobile, home["telefon"]))) if dice.chance(0.6) else "",
        "kasse": mistakes.digit_slip(dice, person.insurance) if dice.chance(0.03) else person.insurance,
    }  # fmt: skip
    if dice.chance(0.4):
        row["kasse"] = ""
    if dice.chance(0.12):
        row |= {name: _home(dice, person.country)[name] for name in ("adresse", "plz", "ort")}  # lived elsewhere then
    manner = dice.below(4)
    for name in ("name", "adresse", "ort"):
        row[name] = _written(row[name], manner)
    return row


def _name(dice: Dice, person: _Patient) -> str:
    given, family = person.given, person.family.replace("-", " ")
    kind = dice.share()
    if "-" in given:
        first, second = given.split("-", 1)
        forms = (given, f"{first} {second}", first, f"{first} {second[0]}.", f"{first[0]}.-{second[0]}.")
        given = forms[int(kind * kind * len(forms))]
    elif kind > 0.95:
        given = given[0] + "."
    if person.second and dice.chance(0.6):
        family = f"{family} {person.second}" if dice.chance(0.7) else f"{family}-{person.second}"
    if dice.chance(0.04):
        family = mistakes.by_ear(dice, family)
    if family.startswith(("van ", "de ")) and dice.chance(0.25):
        family = family.split()[-1]
    return f"{family}, {given}" if dice.chance(0.3) else f"{given} {family}"


def _written(text: str, manner: int) -> str:
    """With accents, transcribed, without accents, or in capitals without accents."""
    if manner == 0:
        return text.title()
    if manner == 1:
        return "".join(_TRANSCRIBED.get(c, _bare(c)) for c in text).title()
    plain = "".join(_bare("ss" if c == "ß" else c) for c in text)
    return plain.title() if manner == 2 else plain.upper()


def _bare(letters: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", letters) if not unicodedata.combining(c))


def _dialled(dice: Dice, number: str) -> str:
    national = "0" + number[3:]
    return dice.pick(
        (number, national, f"00{number[1:]}", f"{national[:4]}/{national[4:]}", f"{number[:3]} {number[3:]}")
    )


@cache
def _words(kind: str) -> tuple[str, ...]:
    lines = (Path(__file__).with_name("names") / "abroad.txt").read_text(encoding="utf-8").splitlines()
    return tuple(next(line for line in lines if line.startswith(f"{kind}:")).split()[1:])


def _skewed(dice: Dice, kind: str) -> str:
    """One of the words; the first are the frequent ones."""
    words = _words(kind)
    return words[int(len(words) * dice.share() ** 1.6)]
