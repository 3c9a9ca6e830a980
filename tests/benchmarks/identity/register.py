"""A register of residents: one row a registration, people registered again and again, each copy with its own mistakes.

Clean (about one mistake in three copies) or dirty (some three a copy, two in one field, parts swapped and lost). The
error process is the one of record linkage's classic generators: a clean original, and copies changed field by field.
"""

from __future__ import annotations

from . import mistakes
from .dice import Dice
from .homes import Person, make_homes
from .labelled import Labelled, Row, one_file

SCHEMA = {
    "record_id": "rec_id",
    "columns": {
        "given_name": "given_name",
        "surname": "family_name",
        "street_number": "street_number",
        "address_1": "street",
        "address_2": "unit",
        "suburb": "city",
        "postcode": "postcode",
        "state": "region",
        "date_of_birth": {"type": "birth_date", "formats": ["yyyyMMdd"]},
        "soc_sec_id": "national_id",
    },
}
_COPIES_OF_TEN = (0, 0, 0, 0, 0, 1, 1, 1, 2, 4)
_WORTH_CHANGING = (
    "given_name", "given_name", "given_name", "surname", "surname", "surname", "street_number", "address_1",
    "address_1", "address_2", "suburb", "suburb", "postcode", "postcode", "state", "date_of_birth", "date_of_birth",
    "soc_sec_id",
)  # fmt: skip


def make_register(seed: int, records: int, *, dirty: bool = True) -> Labelled:
    """That many registrations; the same seed and kind give the same rows."""
    rows: list[tuple[str, str, Row]] = []
    for number, home in enumerate(make_homes(seed, purpose=10)):
        dice = Dice(seed, 11 + dirty, number)
        for person in home:
            original = _row(dice, person)
            rows.append((person.key, person.household, original))
            for _ in range(dice.pick(_COPIES_OF_TEN) + dice.often(0.1, 3)):
                rows.append((person.key, person.household, _copy(dice, original, dirty)))
        if len(rows) >= records:
            break
    mixed = Dice(seed, 13, 0).shuffled(rows[:records])
    for number, (_, _, row) in enumerate(mixed):
        row["rec_id"] = f"r{number}"
    return one_file(mixed, SCHEMA)


def _row(dice: Dice, person: Person) -> Row:
    """The original: clean, though a field may be empty."""
    home = person.address
    row = {
        "rec_id": "", "given_name": person.given, "surname": person.family, "street_number": home.number,
        "address_1": home.street, "address_2": f"unit {home.unit}" if home.unit else "", "suburb": home.town,
        "postcode": home.postcode, "state": home.region, "date_of_birth": person.born.strftime("%Y%m%d"),
        "soc_sec_id": person.number,
    }  # fmt: skip
    for name, share in (("given_name", 0.01), ("street_number", 0.03), ("date_of_birth", 0.05), ("soc_sec_id", 0.04)):
        if dice.chance(share):
            row[name] = ""
    return row


def _copy(dice: Dice, original: Row, dirty: bool) -> Row:
    row = dict(original)
    for _ in range(1 + dice.often(0.66, 6) if dirty else dice.often(0.27, 3)):
        if dice.chance(0.1):
            _swap(dice, row)
        else:
            _change(dice, row, dice.pick(_WORTH_CHANGING), dirty)
    return row


def _swap(dice: Dice, row: Row) -> None:
    kind = dice.below(3)
    if kind == 0:
        row["given_name"], row["surname"] = row["surname"], row["given_name"]
    elif kind == 1:
        row["address_1"], row["address_2"] = row["address_2"], row["address_1"]
    elif len(row["date_of_birth"]) == 8:
        born = row["date_of_birth"]
        row["date_of_birth"] = born[:4] + born[6:] + born[4:6]


def _change(dice: Dice, row: Row, name: str, dirty: bool) -> None:
    value = row[name]
    if not value:
        return
    if dice.chance(0.22):
        row[name] = ""
    elif value.replace(" ", "").isdigit():
        row[name] = mistakes.digit_slip(dice, value)
    elif dice.chance(0.08) and " " in value:
        row[name] = " ".join(reversed(value.split()))
    else:
        row[name] = mistakes.any_mistake(dice, value)
        if dirty and dice.chance(0.25):
            row[name] = mistakes.any_mistake(dice, row[name])
