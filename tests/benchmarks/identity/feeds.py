"""Five feeds of one company: shop, loyalty card, newsletter, support, and a list bought in. Each knows other things.

Every feed has its own columns filled, its own date format, case and carelessness, and numbers its records from 1, so
that a record id means something only within its feed. Homes share surname, address, landline, often a mailbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from . import mistakes, pools
from .dice import Dice
from .homes import Person, make_address, make_homes
from .labelled import Labelled, Row

SCHEMA: dict[str, Any] = {
    "record_id": "rid",
    "source": "feed",
    "updated_at": "changed_on",
    "columns": {
        "first": "given_name",
        "last": "family_name",
        "full_name": "full_name",
        "mail": "email",
        "phone": "phone",
        "house_no": "street_number",
        "street": "street",
        "address_line": "street_address",
        "town": "city",
        "postcode": "postcode",
        "dob": {"type": "birth_date", "formats": ["yyyy-MM-dd", "dd/MM/yyyy", "d MMM yyyy", "MM/dd/yyyy"]},
        "device": "device_id",
        "card": "account_id",
        "segment": "categorical",
    },
}
_COLUMNS = ["rid", "feed", *SCHEMA["columns"], "changed_on"]


def make_feeds(seed: int, records: int) -> Labelled:
    """That many records over all feeds."""
    rows: list[tuple[str, str, str, Row]] = []
    for number, home in enumerate(make_homes(seed, purpose=40)):
        dice = Dice(seed, 41, number)
        if not home:
            continue
        mailbox = f"{home[0].family}{dice.below(100)}@outlook.com" if dice.chance(0.2) else ""
        for person in home:
            for feed, (share, again, write) in _FEEDS.items():
                for _ in range((1 + dice.often(again, 5)) if dice.chance(share) else 0):
                    row = {"feed": feed} | write(dice, person, mailbox)
                    rows.append((feed, person.key, person.household, row))
        if len(rows) >= records:
            break
    mixed = Dice(seed, 42, 0).shuffled(rows[:records])
    parts: dict[str, list[Row]] = {feed: [] for feed in _FEEDS}
    truth: list[Row] = []
    for feed, person_key, household, row in mixed:
        number_in_feed = str(len(parts[feed]) + 1)
        changed = f"20{20 + len(truth) % 6}-0{1 + len(truth) % 9}-{10 + len(truth) % 18}"
        parts[feed].append({"rid": number_in_feed, "changed_on": changed} | row)
        truth.append({"source": feed, "record_id": number_in_feed, "person": person_key, "household": household})
    files = {feed: pd.DataFrame(part, columns=_COLUMNS).fillna("") for feed, part in parts.items() if part}
    return Labelled(files, SCHEMA, pd.DataFrame(truth))


def _shop(dice: Dice, person: Person, mailbox: str) -> Row:
    """Checkout: mail and delivery address typed by the customer, many as a guest; the parent's mail for a child."""
    home = person.earlier if dice.chance(0.35) else person.address
    return {
        "first": _typed(dice, pools.short_name(dice, person.given) if dice.chance(0.12) else person.given).title(),
        "last": _typed(dice, _surname(dice, person)).title(),
        "mail": mailbox if mailbox and dice.chance(0.4) else _own_mail(dice, person),
        "phone": person.mobile if dice.chance(0.5) else "",
        "address_line": f"{home.number} {home.street}".title() + (f", Unit {home.unit}" if home.unit else ""),
        "town": home.town.title(), "postcode": home.postcode,
        "dob": person.born.strftime("%Y-%m-%d") if dice.chance(0.12) else "",
        "device": f"d{person.household}{dice.below(3)}" if dice.chance(0.3) else "",
    }  # fmt: skip


def _loyalty(dice: Dice, person: Person, mailbox: str) -> Row:
    """A paper form keyed by a clerk: complete, in capitals, read wrongly now and then; one card a home."""
    home = person.address
    read = mistakes.scanned if dice.chance(0.5) else mistakes.by_ear
    born = person.born.strftime("%d/%m/%Y")
    return {
        "first": (read(dice, person.given) if dice.chance(0.07) else person.given).upper(),
        "last": (read(dice, person.family) if dice.chance(0.07) else person.family).upper(),
        "phone": person.landline if dice.chance(0.7) else "",
        "house_no": home.number, "street": (read(dice, home.street) if dice.chance(0.1) else home.street).upper(),
        "town": home.town.upper(), "postcode": home.postcode,
        "dob": mistakes.digit_slip(dice, born) if dice.chance(0.04) else born,
        "card": f"C{person.household[1:]}" if dice.chance(0.9) else "", "segment": dice.pick("ABC"),
    }  # fmt: skip


def _newsletter(dice: Dice, person: Person, mailbox: str) -> Row:
    """A mail address and whatever somebody put into the one field for the name."""
    kind = dice.share()
    name = "" if kind < 0.3 else person.given if kind < 0.55 else f"{person.given} {_surname(dice, person)}"
    return {
        "full_name": name.title() if dice.chance(0.7) else name,
        "mail": _own_mail(dice, person) if dice.chance(0.9) else mailbox,
    }


def _support(dice: Dice, person: Person, mailbox: str) -> Row:
    """What an agent heard on the phone: names by ear, "Smith, John", the phone that called."""
    given, family = person.given, _surname(dice, person)
    given = mistakes.by_ear(dice, given) if dice.chance(0.15) else given
    family = mistakes.by_ear(dice, family) if dice.chance(0.18) else family
    return {
        "full_name": f"{family}, {given}" if dice.chance(0.5) else f"{given} {family}",
        "phone": dice.pick((person.mobile, person.mobile, person.landline)) if dice.chance(0.85) else "",
        "mail": _own_mail(dice, person) if dice.chance(0.35) else "",
        "postcode": person.address.postcode if dice.chance(0.5) else "",
        "dob": f"{person.born.day} {person.born.strftime('%b %Y')}" if dice.chance(0.35) else "",
    }  # fmt: skip


def _bought(dice: Dice, person: Person, mailbox: str) -> Row:
    """Years old and made of other lists: the address before, the maiden name, American dates, some facts invented."""
    home = person.earlier if dice.chance(0.7) else person.address
    home = make_address(dice) if dice.chance(0.06) else home
    return {
        "first": person.given[0] if dice.chance(0.2) else person.given,
        "last": person.maiden if dice.chance(0.6) else person.family,
        "house_no": home.number, "street": home.street, "town": home.town, "postcode": home.postcode,
        "phone": person.landline if dice.chance(0.4) else "",
        "dob": person.born.strftime("%m/%d/%Y") if dice.chance(0.6) else "01/01/1900" if dice.chance(0.2) else "",
        "segment": dice.pick("XYZ"),
    }  # fmt: skip


def _typed(dice: Dice, text: str) -> str:
    return mistakes.slip(dice, text) if dice.chance(0.04) else text


def _surname(dice: Dice, person: Person) -> str:
    return person.maiden if person.maiden != person.family and dice.chance(0.2) else person.family


def _own_mail(dice: Dice, person: Person) -> str:
    """One's main address, at times a second one, a slip, or a marked one."""
    kind = dice.share()
    local, _, host = person.email.partition("@")
    if kind < 0.15:
        return f"{person.given}{person.number[:4]}@work.example"
    if kind < 0.18:
        return f"{mistakes.slip(dice, local)}@{host}"
    return f"{local}+list@{host}" if kind < 0.22 else person.email


_Writer = Callable[[Dice, Person, str], Row]
_FEEDS: dict[str, tuple[float, float, _Writer]] = {
    "shop": (0.55, 0.3, _shop),
    "loyalty": (0.4, 0.05, _loyalty),
    "newsletter": (0.35, 0.1, _newsletter),
    "support": (0.25, 0.4, _support),
    "bought": (0.3, 0.1, _bought),
}
"""Feed -> share of people in it, chance of one record more, how it writes a person."""
