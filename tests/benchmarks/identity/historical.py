"""People of the past, as censuses, parish books, peerages and encyclopaedias have them: no number, few facts, many
spellings.

A person is written down two to twenty times by different hands: names by ear, in short, with initials, titles or a
second surname; dates exact, a year, a year off or missing; places renamed; trades in other words. Families pass given
names, places and trades on, so that father and son look alike but for their dates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from . import mistakes, pools
from .dice import Dice
from .labelled import Labelled, Row, one_file


@dataclass(frozen=True)
class _Past:
    key: str
    family_key: str
    sex: str
    given: tuple[str, ...]
    family: str
    maiden: str
    title: str
    born: tuple[int, int, int]
    died: int
    birth_place: str
    death_place: str
    trade: tuple[str, ...]


def make_historical(seed: int, records: int) -> Labelled:
    """That many entries. Odd seeds write the whole name in one column, even ones given names and surname apart."""
    rows: list[tuple[str, str, Row]] = []
    number = 0
    while len(rows) < records:
        dice = Dice(seed, 20, number)
        for person in _family(dice, number):
            known = 1 + dice.often(0.82, 19)  # how well known: most some five times, a few twenty
            hand = _hand(dice)
            for _ in range(known if dice.chance(0.8) else 1):
                hand = _hand(dice) if dice.chance(0.7) else hand
                rows.append((person.key, person.family_key, _entry(dice, person, hand)))
        number += 1
    mixed = Dice(seed, 21, 0).shuffled(rows[:records])
    for place, (_, _, row) in enumerate(mixed):
        row["id"] = f"E{seed}-{place:06d}"
        if seed % 2:
            row["name"] = row.pop("title") + row.pop("given") + " " + row.pop("family")
            row["name"] = " ".join(row["name"].split())
        else:
            row.pop("title")
    return one_file(mixed, _schema(whole_name=bool(seed % 2)))


def _schema(*, whole_name: bool) -> dict[str, Any]:
    names = {"name": "full_name"} if whole_name else {"given": "given_name", "family": "family_name"}
    return {
        "record_id": "id",
        "columns": names
        | {
            "sex": "sex",
            "born": {"type": "birth_date", "formats": ["yyyy-MM-dd", "yyyy-MM", "yyyy"]},
            "birth_place": "birth_place",
            "place_of_death": "categorical",
            "parish": "postcode",
            "trade": "occupation",
        },
    }


def _family(dice: Dice, number: int) -> list[_Past]:
    """One to five people of one name: father, sons and daughters, who often share given name, place and trade."""
    family, place = dice.of(pools.family_names()), pools.skewed_town(dice, 600)
    trade, year = dice.pick(pools.trades()), dice.between(1560, 1900)
    title = dice.pick(("sir ", "lord ", "hon. ")) if dice.chance(0.08) else ""
    people: list[_Past] = []
    for i in range(1 + dice.often(0.45, 4)):
        sex = "f" if dice.chance(0.3) else "m"
        given = tuple(_given(dice, sex) for _ in range(1 + dice.often(0.35, 2)))
        if people and people[0].sex == sex and dice.chance(0.15):
            given = people[0].given
        born = (year + (dice.between(20, 45) if i else 0), dice.between(1, 12), dice.between(1, 28))
        people.append(
            _Past(
                key=f"q{number}_{i}",
                family_key=f"f{number}",
                sex=sex,
                given=given,
                maiden=family,
                family=dice.of(pools.family_names()) if sex == "f" and dice.chance(0.6) else family,
                title=title if sex == "m" else "",
                born=born,
                died=born[0] + dice.between(18, 90),
                birth_place=place if dice.chance(0.7) else pools.skewed_town(dice, 600),
                death_place=place if dice.chance(0.4) else pools.skewed_town(dice, 600),
                trade=trade if dice.chance(0.5) else dice.pick(pools.trades()),
            )
        )
    return people


def _given(dice: Dice, sex: str) -> str:
    return dice.of(pools.old_given_names(sex)) if dice.chance(0.55) else dice.of(pools.given_names(sex))


def _hand(dice: Dice) -> float:
    """How careless a writer is: most careful, some very poor."""
    return 0.03 + 0.3 * dice.share() ** 2


def _entry(dice: Dice, person: _Past, hand: float) -> Row:
    """One person as one hand wrote them."""
    family = person.maiden if dice.chance(0.3) else person.family
    if person.family != person.maiden and dice.chance(0.1):
        family = f"{person.maiden} {person.family}"
    places = person
    if dice.chance(hand):
        places = replace(person, birth_place=mistakes.by_ear(dice, person.birth_place))
    return {
        "id": "",
        "title": person.title if dice.chance(0.6) else "",
        "given": _given_as_written(dice, person, hand),
        "family": mistakes.by_ear(dice, family) if dice.chance(hand) else family,
        "sex": {"m": "male", "f": "female"}[person.sex] if dice.chance(0.6) else "",
        "born": _date(dice, person, hand),
        "birth_place": places.birth_place if dice.chance(0.8) else "",
        "place_of_death": person.death_place if dice.chance(0.35) else "",
        "parish": _parish(dice, person, hand),
        "trade": dice.pick(person.trade) if dice.chance(0.6) else "",
    }


def _given_as_written(dice: Dice, person: _Past, hand: float) -> str:
    names = list(person.given)
    if len(names) > 1 and dice.chance(0.45):
        names = names[:1] if dice.chance(0.7) else names[1:2]
    first = names[0]
    if dice.chance(hand):
        first = pools.abbreviations().get(first, first[0] + ".")
    elif dice.chance(hand):
        first = pools.short_name(dice, first)
    elif dice.chance(hand):
        first = mistakes.by_ear(dice, first) if dice.chance(0.7) else mistakes.scanned(dice, first)
    rest = [n[0] + "." if dice.chance(0.3) else n for n in names[1:]]
    return " ".join([first, *rest])


def _date(dice: Dice, person: _Past, hand: float) -> str:
    year, month, day = person.born
    if dice.chance(0.18):
        return ""
    if dice.chance(hand):
        year += dice.pick((-2, -1, 1, 1, 10, -10))
    if dice.chance(0.35):
        return str(year) if dice.chance(0.6) else f"{year}-01-01"  # a year only, as some databases write it
    if dice.chance(hand / 2):
        month, day = (day, month) if day <= 12 else (month, dice.between(1, 28))
    return f"{year}-{month:02d}" if dice.chance(0.06) else f"{year}-{month:02d}-{day:02d}"


def _parish(dice: Dice, person: _Past, hand: float) -> str:
    """The code of the parish of the birth place."""
    if dice.chance(0.35):
        return ""
    code = f"{person.birth_place[:2]}{pools.towns().index(person.birth_place) % 89 + 10}"
    return mistakes.digit_slip(dice, code) if dice.chance(hand / 2) else code
