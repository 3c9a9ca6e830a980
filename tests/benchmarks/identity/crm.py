"""A company's customer list as exported: everything true of a person may be wrong, shared, old or made up.

Traps: shared phones and mailboxes, info@ and test@ addresses, null words, 1900-01-01, juniors, twins, marriages, moves,
nicknames, swapped names, recycled phones, plus and dotted addresses, several people of one company.
"""

from __future__ import annotations

from typing import Any

from . import mistakes, pools
from .dice import Dice
from .homes import Person, make_address, make_homes
from .labelled import Labelled, Row, one_file

SCHEMA: dict[str, Any] = {
    "record_id": "customer_no",
    "updated_at": "last_changed",
    "columns": {
        "first_name": "given_name",
        "last_name": "family_name",
        "suffix": "name_suffix",
        "company": "organisation_name",
        "email": "email",
        "phone": "phone",
        "mobile": "phone",
        "address": "street_address",
        "city": "city",
        "zip": "postcode",
        "country": "country",
        "birthday": {"type": "birth_date", "formats": ["yyyy-MM-dd", "dd/MM/yyyy"]},
        "gender": "sex",
        "notes": "free_text",
    },
}
_NULL_WORDS = ("NULL", "n/a", "N/A", "unknown", "-", "none", "NaN", "Unknown", ".", "xxx")
_JUNK_MAIL = (
    "test@test.com",
    "noemail@noemail.com",
    "none@none.com",
    "no-reply@shop.example",
    "a@a.com",
    "info@gmail.com",
)
_JUNK_PHONE = ("0000000000", "1234567890", "9999999999", "0123456789")
_ROLES = ("info", "office", "sales", "accounts", "reception", "admin")
_NOTES = ("", "", "", "", "", "", "", "vip", "called back", "prefers mail", "moved?", "duplicate?", "do not call")


def make_crm(seed: int, records: int) -> Labelled:
    """That many customers of the list; the same seed gives the same rows."""
    rows: list[tuple[str, str, Row]] = []
    for number, home in enumerate(make_homes(seed, purpose=30)):
        dice = Dice(seed, 31, number)
        if not home:
            continue
        home_mail = f"{home[0].family}.family{dice.below(50)}@gmail.com" if dice.chance(0.15) else ""
        for person in home:
            company = _company(dice) if dice.chance(0.08) else None
            for _ in range(1 + dice.often(0.42, 7)):
                rows.append((person.key, person.household, _row(dice, person, home, home_mail, company)))
        if len(rows) >= records:
            break
    mixed = Dice(seed, 32, 0).shuffled(rows[:records])
    for number, (_, _, row) in enumerate(mixed):
        row["customer_no"] = str(100_000 + number)
    return one_file(mixed, SCHEMA)


def _company(dice: Dice) -> tuple[str, str]:
    """Name and mail host of one of some 150 companies; a few are large."""
    rank = int(150 ** dice.share())
    owner = pools.family_names().values[rank * 7]
    return f"{owner} {('ltd', 'group', 'and sons', 'inc')[rank % 4]}", f"{owner}{rank}.example"


def _row(dice: Dice, person: Person, home: list[Person], home_mail: str, company: tuple[str, str] | None) -> Row:
    at_work = company is not None and dice.chance(0.6)
    address = person.earlier if dice.chance(0.4) else person.address
    row = {
        "customer_no": "", "first_name": _first(dice, person), "last_name": _last(dice, person),
        "suffix": person.suffix if dice.chance(0.5) else "", "company": company[0] if company and at_work else "",
        "email": _mail(dice, person, home_mail, company if at_work else None), "phone": "", "mobile": "",
        "address": f"{address.number} {address.street}" + (f" apt {address.unit}" if address.unit else ""),
        "city": address.town, "zip": address.postcode, "country": dice.pick(("AU", "AU", "Australia", "")),
        "birthday": person.born.strftime("%Y-%m-%d" if dice.chance(0.8) else "%d/%m/%Y") if dice.chance(0.5) else "",
        "gender": dice.pick((person.sex, person.sex.upper(), {"f": "female", "m": "male"}[person.sex], "")),
        "notes": dice.pick(_NOTES),
        "last_changed": f"20{dice.between(15, 25)}-{dice.between(1, 12):02d}-{dice.between(1, 28):02d}",
    }  # fmt: skip
    if dice.chance(0.03):
        row["first_name"], row["last_name"] = row["last_name"], row["first_name"]
    if company and at_work:
        office = Dice(hash_of(company[0]), 33, 0)  # one office a company
        place = make_address(office)
        row |= {"address": f"{place.number} {place.street}", "city": place.town, "zip": place.postcode}
        row["phone"] = "02" + office.digits(8)
    elif dice.chance(0.55):
        row["phone"] = _phone(dice, dice.pick((person.landline, person.landline, dice.pick(home).mobile)))
    if dice.chance(0.5):
        row["mobile"] = _phone(dice, _mobile(dice, person))
    _spoil(dice, row)
    return row


def hash_of(text: str) -> int:
    """A small whole number of a text, the same everywhere."""
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 2**31


def _first(dice: Dice, person: Person) -> str:
    kind = dice.share()
    if kind < 0.15:
        return pools.short_name(dice, person.given)
    if kind < 0.2:
        return person.given[0] + dice.pick(("", "."))
    if kind < 0.27 and person.middle:
        return f"{person.given} {dice.pick((person.middle, person.middle[0]))}"
    return mistakes.slip(dice, person.given) if kind > 0.94 else person.given


def _last(dice: Dice, person: Person) -> str:
    if person.maiden != person.family:
        kind = dice.share()
        if kind < 0.35:
            return person.maiden
        if kind < 0.45:
            return f"{person.maiden}-{person.family}"
    return mistakes.slip(dice, person.family) if dice.chance(0.05) else person.family


def _mail(dice: Dice, person: Person, home_mail: str, company: tuple[str, str] | None) -> str:
    if company:
        return (
            f"{dice.pick(_ROLES)}@{company[1]}" if dice.chance(0.4) else f"{person.given}.{person.family}@{company[1]}"
        )
    if dice.chance(0.25):
        return ""
    if home_mail and dice.chance(0.6):
        return home_mail
    if dice.chance(0.025):
        return dice.pick(_JUNK_MAIL)
    mail = person.email if dice.chance(0.85) else f"{person.maiden}{person.key[1:].replace('_', '')}@outlook.com"
    local, _, host = mail.partition("@")
    kind = dice.share()
    if kind < 0.05 and host == "gmail.com":
        return f"{local}+{dice.pick(('shop', 'news', 'x'))}@{host}"
    if kind < 0.09 and host == "gmail.com":
        return f"{local.replace('.', '')}@{dice.pick(('gmail.com', 'googlemail.com'))}"
    if kind < 0.12:
        return f"{mistakes.slip(dice, local)}@{host}"
    return mail.upper() if kind > 0.96 else mail


def _mobile(dice: Dice, person: Person) -> str:
    """Mostly one's own; now and then one of 2,000 numbers that were somebody else's before."""
    return "07" + Dice(dice.below(2_000), 34, 0).digits(9) if dice.chance(0.04) else person.mobile


def _phone(dice: Dice, number: str) -> str:
    if dice.chance(0.02):
        return dice.pick(_JUNK_PHONE)
    kind = dice.below(4)
    if kind == 0:
        return f"+61 {number[1:4]} {number[4:]}"
    if kind == 1:
        return f"{number[:3]}-{number[3:6]}-{number[6:]}"
    return f"({number[:2]}) {number[2:]}" if kind == 2 else number


def _spoil(dice: Dice, row: Row) -> None:
    """Null words, made-up birthdays, capitals, blanks."""
    for name in ("first_name", "suffix", "company", "email", "phone", "mobile", "address", "city", "zip", "birthday"):
        if (not row[name] and dice.chance(0.1)) or dice.chance(0.01):
            row[name] = dice.pick(_NULL_WORDS)
    if dice.chance(0.06):
        row["birthday"] = dice.pick(("1900-01-01", "1900-01-01", "1970-01-01", "01/01/1900"))
    elif row["birthday"][:2].isdigit() and dice.chance(0.05):
        row["birthday"] = mistakes.digit_slip(dice, row["birthday"])
    style = dice.below(4)
    for name in ("first_name", "last_name", "address", "city", "company"):
        row[name] = row[name].upper() if style == 0 else row[name].title() if style < 3 else row[name]
    if dice.chance(0.05):
        row["last_name"] = f" {row['last_name']} "
    if dice.chance(0.1):
        row["address"] = mistakes.any_mistake(dice, row["address"])
