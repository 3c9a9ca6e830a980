"""Households and the humans in them: names, births, homes, and the family traps of identity resolution.

Everything that ties people together (home, family phone, shared tablet, twins, junior and senior) stays within
one block of customers, so that blocks are made without knowing each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample import names
from cdp.sample.calendar import DAY_MS, Bools, Calendar, Ints, Texts, pick, stream

SIZE_SHARES = (0.45, 0.32, 0.12, 0.08, 0.03)
MOVED_SHARE = 0.08
TWIN_SHARE = 0.015
JUNIOR_SHARE = 0.015
MARRIED_SHARE = 0.1  # of the women of 22 to 48, within the whole time


@dataclass
class Addresses:
    """One postal address per row."""

    street: Texts
    city: Ints
    postcode: Texts


@dataclass
class Households:
    """One household per row; `moved_ms` is -1 where it never moved, `old_home` where it lived before."""

    size: Ints
    home: Addresses
    old_home: Addresses
    moved_ms: Ints
    has_family_phone: Bools
    has_family_email: Bools
    has_shared_tablet: Bools


@dataclass
class People:
    """One human per row: `index` is the customer's number in the whole company, 0-based.

    `entered_ms` is the moment of the first contact that is a purchase or an account; `married_ms` is -1 for who
    kept the name. `twin` and `junior` mark the second of such a pair.
    """

    index: Ints
    household: Ints
    role: Ints
    is_female: Bools
    given: Texts
    family: Texts
    birth: Ints
    married_name: Texts
    married_ms: Ints
    entered_ms: Ints
    twin: Bools
    senior: Bools
    junior: Bools

    def __len__(self) -> int:
        return len(self.index)


def _addresses(rng: np.random.Generator, size: int) -> Addresses:
    city = rng.integers(0, len(names.CITIES), size)
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    inward = letters[rng.integers(0, len(letters), (size, 2))]
    district, sector, house = rng.integers(1, 30, size), rng.integers(0, 10, size), rng.integers(1, 220, size)
    road, kind = pick(rng, names.STREET_NAMES, size), pick(rng, names.STREET_KINDS, size)
    flat = np.where(rng.random(size) < 0.15, rng.integers(1, 40, size), 0)
    street = [f"{f'Flat {f}, ' if f else ''}{h} {r} {k}" for f, h, r, k in zip(flat, house, road, kind, strict=True)]
    postcode = [
        f"{names.CITIES[c][2]}{d} {s}{i[0]}{i[1]}" for c, d, s, i in zip(city, district, sector, inward, strict=True)
    ]
    return Addresses(np.array(street, dtype=object), city, np.array(postcode, dtype=object))


def make_households(seed: int, first: int, customers: int, calendar: Calendar) -> Households:
    """Draw the households that hold exactly `customers` people; the last one is cut to fit."""
    rng = stream(seed, first, "households")
    size = rng.choice(np.arange(1, 6), customers, p=SIZE_SHARES)
    ends = np.cumsum(size)
    count = int(np.searchsorted(ends, customers) + 1)
    size = size[:count].astype(np.int64)
    size[-1] -= ends[count - 1] - customers
    home, old_home = _addresses(rng, count), _addresses(rng, count)
    moved = rng.random(count) < MOVED_SHARE
    when = rng.integers(calendar.start_ms, calendar.end_ms, count)
    several = size >= 2
    return Households(
        size=size,
        home=home,
        old_home=old_home,
        moved_ms=np.where(moved, when, -1),
        has_family_phone=several & (rng.random(count) < 0.25),
        has_family_email=several & (rng.random(count) < 0.03),
        has_shared_tablet=several & (rng.random(count) < 0.25),
    )


def _births(rng: np.random.Generator, role: Ints, head_age: Ints, grown: Bools) -> tuple[Ints, Ints]:
    """Ages in 2025 and days of birth since 1970: partners are of an age, grown children a generation younger."""
    n = len(role)
    age = np.where(role == 0, head_age, np.clip(head_age + rng.integers(-6, 7, n), 19, 90))
    age = np.where(grown, np.maximum(18, head_age - rng.integers(22, 36, n)), age)
    new_year = (2025 - age - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return age, new_year + rng.integers(0, 365, n)


def make_people(seed: int, first: int, households: Households, calendar: Calendar) -> People:
    """Draw the humans of these households, then plant twins, juniors, marriages and new tenants."""
    rng = stream(seed, first, "people")
    size, n = households.size, int(households.size.sum())
    household = np.repeat(np.arange(len(size)), size)
    starts = np.cumsum(size) - size
    role, head = np.arange(n) - starts[household], starts[household]
    head_age = rng.integers(24, 82, len(size))[household]
    grown = (role >= 2) & (head_age >= 42)
    age, birth = _births(rng, role, head_age, grown)
    head_female = (rng.random(len(size)) < 0.53)[household]
    is_female = np.where(role == 0, head_female, np.where(role == 1, ~head_female, rng.random(n) < 0.5))
    own_family = pick(rng, names.FAMILY, n)
    shares_name = (role == 0) | grown | ((role == 1) & (rng.random(n) < 0.8))
    # denser at the start: a shop that exists already has most of its customers
    after = ((calendar.end_ms - calendar.start_ms) * rng.random(n) ** 1.35).astype(np.int64)
    married = is_female & (age >= 22) & (age <= 48) & (rng.random(n) < MARRIED_SHARE)
    people = People(
        index=first + np.arange(n),
        household=household,
        role=role,
        is_female=is_female,
        given=np.where(is_female, pick(rng, names.FEMALE, n), pick(rng, names.MALE, n)),
        family=np.where(shares_name, own_family[head], own_family),
        birth=birth,
        married_name=pick(rng, names.FAMILY, n),
        married_ms=np.where(married, rng.integers(calendar.start_ms, calendar.end_ms, n), -1),
        entered_ms=calendar.start_ms + after,
        twin=np.zeros(n, bool),
        senior=np.zeros(n, bool),
        junior=np.zeros(n, bool),
    )
    _plant_families(rng, people, households, starts)
    _plant_tenants(people, households, starts)
    return people


def _plant_families(rng: np.random.Generator, people: People, households: Households, starts: Ints) -> None:
    """Twins: all but the given name equal. Junior and senior: all but the birth date equal, 25 years apart."""
    draw = rng.random(len(starts))
    several = households.size >= 2
    pair = rng.integers(0, len(names.TWINS), len(starts))
    for h in np.flatnonzero(several & (draw < TWIN_SHARE)):
        a, b = int(starts[h]), int(starts[h]) + 1
        people.given[a], people.given[b] = names.TWINS[pair[h]]
        people.birth[b], people.family[b], people.twin[b] = people.birth[a], people.family[a], True
        people.married_ms[[a, b]] = -1
        households.has_family_phone[h] = True
    for h in np.flatnonzero(several & (draw >= TWIN_SHARE) & (draw < TWIN_SHARE + JUNIOR_SHARE)):
        a, b = int(starts[h]), int(starts[h] + households.size[h]) - 1
        people.birth[a] = min(people.birth[a], -2500)  # born before 1963, so that the child is grown
        people.birth[b] = people.birth[a] + 9131
        people.is_female[b], people.given[b], people.family[b] = people.is_female[a], people.given[a], people.family[a]
        people.senior[a] = people.junior[b] = True
        people.married_ms[[a, b]] = -1


def _plant_tenants(people: People, households: Households, starts: Ints) -> None:
    """Let single-person households that came after a move live in the home that was left: another person."""
    movers = np.flatnonzero(households.moved_ms >= 0)
    singles = np.flatnonzero((households.size == 1) & (households.moved_ms < 0))
    for mover, single in zip(movers[::2], singles[::3], strict=False):
        if people.entered_ms[starts[single]] > households.moved_ms[mover] + 14 * DAY_MS:
            for field in ("street", "city", "postcode"):
                getattr(households.home, field)[single] = getattr(households.old_home, field)[mover]
