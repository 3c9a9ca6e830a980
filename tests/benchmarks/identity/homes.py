"""Made people as they live: in homes, related, with twins, namesakes, second addresses and married names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from . import pools
from .dice import Dice

_TODAY = date(2026, 1, 1)
_REGIONS = ("nsw", "vic", "qld", "wa", "sa", "tas", "act", "nt")
_MAIL_HOSTS = (*["gmail.com"] * 3, "outlook.com", "yahoo.com", "icloud.com", "hotmail.com", "mail.example")


@dataclass(frozen=True)
class Address:
    """Where somebody lives."""

    number: str
    unit: str
    street: str
    town: str
    region: str
    postcode: str


@dataclass(frozen=True)
class Person:
    """One human being. `maiden`: the surname before marriage, else the same; `earlier`: an address before this one."""

    key: str
    household: str
    sex: str
    given: str
    middle: str
    family: str
    maiden: str
    suffix: str
    born: date
    address: Address
    earlier: Address
    mobile: str
    landline: str
    email: str
    number: str = field(repr=False)

    @property
    def age(self) -> int:
        """Years on the day of the data."""
        return (_TODAY - self.born).days // 365


def presence(seed: int) -> float:
    """The share of a home's people whom the data has: by seed few, some or nearly all, from 10% to 90%."""
    return (0.1, 0.35, 0.6, 0.9)[seed % 4]


def make_homes(seed: int, purpose: int) -> Iterator[list[Person]]:
    """Homes without end, each with those of its persons whom the data has; home 7 never depends on home 6."""
    number = 0
    while True:
        dice = Dice(seed, purpose, number)
        yield [person for person in make_home(dice, number) if dice.chance(presence(seed))]
        number += 1


def make_home(dice: Dice, number: int) -> list[Person]:
    """One home: a single, a couple, or parents with children; now and then twins, a junior, flatmates."""
    address, landline = make_address(dice), "0" + dice.digits(9)
    family = dice.of(pools.family_names())
    head = dice.pick("fm")
    parents = [_born(dice, 22, 85)]
    if dice.chance(0.55):
        parents.append(parents[0] + timedelta(days=dice.between(-2_000, 2_000)))
    children: list[date] = []
    for _ in range(dice.often(0.5, 4) if len(parents) == 2 or dice.chance(0.3) else 0):
        born = children[-1] if children and dice.chance(0.08) else max(parents) + timedelta(dice.between(7_300, 13_500))
        if born < _TODAY - timedelta(days=365 * 16):
            children.append(born)
    people: list[Person] = []
    for place, born in enumerate([*parents, *children]):
        sex = dice.pick("fm") if place >= len(parents) else (head if place == 0 else "fm"[head == "f"])
        is_child = place >= len(parents)
        junior = is_child and dice.chance(0.07) and any(p.sex == sex for p in people[:2])
        own = dice.of(pools.family_names()) if not is_child and dice.chance(0.4 if sex == "f" else 0.05) else family
        surname = own if place == 1 and dice.chance(0.25) else family
        given = next(p.given for p in people if p.sex == sex) if junior else _given(dice, sex, people)
        moved = dice.chance(0.2)
        people.append(
            Person(
                key=f"p{number}_{place}",
                household=f"h{number}",
                sex=sex,
                given=given,
                family=surname,
                maiden=own,
                middle=dice.of(pools.given_names(sex)) if dice.chance(0.7) else "",
                suffix=("jr" if junior else ""),
                born=born,
                address=address,
                earlier=make_address(dice) if moved else address,
                mobile="07" + dice.digits(9),
                landline=landline,
                email=_email(dice, given, surname, born),
                number=dice.digits(9),
            )
        )
    return people


def make_address(dice: Dice) -> Address:
    """An address; a town has a few postcodes, and a postcode one region."""
    town = pools.skewed_town(dice, 900)
    place = pools.towns().index(town)
    postcode = str(1_000 + place * 7 + dice.below(1 + 6 // (1 + place // 40)))
    unit = str(dice.between(1, 40)) if dice.chance(0.15) else ""
    number = str(1 + int(300 * dice.share() ** 2)) + ("a" if dice.chance(0.03) else "")
    return Address(number, unit, dice.pick(pools.streets()), town, _REGIONS[place % len(_REGIONS)], postcode)


def _born(dice: Dice, youngest: int, oldest: int) -> date:
    return _TODAY - timedelta(days=dice.between(youngest * 365, oldest * 365))


def _given(dice: Dice, sex: str, people: list[Person]) -> str:
    taken = {p.given for p in people}
    while (given := dice.of(pools.given_names(sex))) in taken:
        pass
    return given


def _email(dice: Dice, given: str, family: str, born: date) -> str:
    year = str(born.year)
    local = dice.pick(
        (f"{given}.{family}", f"{given[0]}{family}", f"{given}{year[2:]}", f"{given}_{family}{dice.below(100)}",
         f"{family}{given[0]}{year}", f"{given}{family}", f"{dice.of(pools.family_names())}{dice.below(1000)}")
    )  # fmt: skip
    return f"{local}@{dice.pick(_MAIL_HOSTS)}"
