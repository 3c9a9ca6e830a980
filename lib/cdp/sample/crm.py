"""CRM rows: one row per version of a customer record, with duplicates and every way of writing a person wrongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample import names
from cdp.sample.calendar import DAY_MS, Floats, iso_seconds, stream
from cdp.sample.contacts import normal_email, numbered
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.handwriting import typo, write_email, write_phone
from cdp.sample.world import World

_COLUMNS = (
    "customer_no,title,first_name,last_name,suffix,birth_date,gender,email,phone,street,city,region,postcode,country,"
    "job_title,employer,loyalty_no,marital_status,children,home,vehicle,pet,hobbies,how_heard,system,created_at,updated_at"
)
HEADER = _COLUMNS.split(",")
DUPLICATE_SHARE = 0.12
TEST_ADDRESS_SHARE = 0.004
JUNK_PHONE_SHARE = 0.005
NULL_WORD_SHARE = 0.015
BARE_SHARE = 0.012  # of those without a card

COPIES = 12
"""Equal rows of one person in every block, each with its own number."""


@dataclass
class Record:
    """One CRM record before writing: `kind` is main, duplicate, bare or copy; `draw` holds its own uniforms."""

    number: str
    person: int
    kind: str
    created_ms: int
    draw: Floats


def _records(seed: int, first: int, world: World) -> list[Record]:
    rng = stream(seed, first, "crm")
    people, contacts = world.people, world.contacts
    n = len(people)
    main, twice, bare = rng.random(n), rng.random(n), rng.random(n)
    delay, later = rng.exponential(6 * 3_600_000, n), rng.random(n)
    draws = rng.random((n, 2, 40))
    out: list[Record] = []
    for p in range(n):
        in_shop = contacts.user_id[p] != ""
        has_card = contacts.loyalty_no[p] != ""
        created = int(people.entered_ms[p] + delay[p])
        if not has_card and in_shop and main[p] > 0.75:
            continue
        is_bare = bare[p] < BARE_SHARE and not has_card
        out.append(Record(contacts.customer_no[p], p, "bare" if is_bare else "main", created, draws[p, 0]))
        if twice[p] < DUPLICATE_SHARE and not is_bare:
            again = created + int((world.calendar.end_ms - created) * later[p])
            number = f"C{numbered(people.index[p] + 30_000_000, seed + 4):08d}"
            out.append(Record(number, p, "duplicate", again, draws[p, 1]))
    copied = next((r for r in out if r.kind == "main" and world.contacts.email[r.person]), None)
    if copied is not None:
        out += [
            Record(f"{copied.number}{i:02d}", copied.person, "copy", copied.created_ms, copied.draw)
            for i in range(1, COPIES)
        ]
    return out


def _changes(record: Record, world: World) -> list[int]:
    """Moments at which the system got a newer version of this record."""
    people, p = world.people, record.person
    if record.kind in ("bare", "copy"):
        return [record.created_ms]
    known = [world.contacts.phone_changed_ms[p], people.married_ms[p], world.households.moved_ms[people.household[p]]]
    if record.draw[0] < 0.15:
        known.append(record.created_ms + int((world.calendar.end_ms - record.created_ms) * record.draw[1]))
    # a duplicate is what another system forgot: it learns of half the changes
    hears = record.kind == "main" or record.draw[2] < 0.5
    return [record.created_ms, *sorted(int(t) + DAY_MS // 3 for t in known if hears and t > record.created_ms)]


def _names(record: Record, world: World, at_ms: int) -> tuple[str, str, str]:
    people, p, u = world.people, record.person, record.draw
    given, family = str(people.given[p]), str(people.family[p])
    if 0 <= people.married_ms[p] <= at_ms:
        family = str(people.married_name[p])
    suffix = "Jr" if people.junior[p] else "Sr" if people.senior[p] else ""
    suffix = suffix if u[3] < 0.4 else ""
    if record.kind == "bare":
        return "J", "Smith", ""  # many people, one name, nothing else: no two of them may be joined
    sloppy = record.kind == "duplicate"
    if u[4] < (0.4 if sloppy else 0.08):
        given = names.NICKNAMES.get(given, given)
    elif u[5] < (0.25 if sloppy else 0.015):
        given = typo(given, u[6])
    if u[7] < (0.15 if sloppy else 0.015):
        family = typo(family, u[8])
    if u[9] < (0.05 if sloppy else 0.004):
        given, family = family, given
    if u[10] < 0.05:
        given, family = given.upper(), family.upper()
    return given, family, suffix


def _birth(record: Record, world: World, is_legacy: bool) -> str:
    u = record.draw
    if u[11] < 0.05:
        return ""
    day = np.datetime64(int(world.people.birth[record.person]), "D").item()
    year, month, dom = day.year, day.month, day.day
    if u[11] < 0.055:
        year, month, dom = 1900, 1, 1
    elif record.kind == "duplicate" and u[12] < 0.06 and dom <= 12:
        month, dom = dom, month
    return f"{dom:02d}/{month:02d}/{year}" if is_legacy else f"{year}-{month:02d}-{dom:02d}"


def _contact(record: Record, world: World, at_ms: int) -> tuple[str, str, str, str]:
    """E-mail and phone as normalised, then both as written."""
    contacts, p, u = world.contacts, record.person, record.draw
    if record.kind == "bare":
        return "", "", "", ""
    sloppy = record.kind == "duplicate"
    email = contacts.other_email[p] if sloppy and u[13] < 0.6 else contacts.email[p]
    if u[14] < (0.3 if sloppy else 0.07):
        email = ""
    if u[15] < TEST_ADDRESS_SHARE:
        email = names.TEST_ADDRESSES[int(u[16] * len(names.TEST_ADDRESSES))]
    changed = contacts.phone_changed_ms[p]
    phone = contacts.old_phone[p] if changed >= 0 and at_ms < changed else contacts.phone[p]
    if contacts.family_phone[p] and u[17] < 0.5:
        phone = contacts.family_phone[p]
    if u[18] < (0.25 if sloppy else 0.08):
        phone = ""
    written = write_email(email, u[19]) if email else ""
    spoken = write_phone(phone, u[20]) if phone else ""
    if u[21] < JUNK_PHONE_SHARE:
        phone, spoken = "", names.JUNK_PHONES[int(u[22] * len(names.JUNK_PHONES))]
    return normal_email(written) if written else "", phone, written, spoken


def _address(record: Record, world: World, at_ms: int) -> tuple[str, str, str, str]:
    households, h = world.households, world.people.household[record.person]
    if record.kind == "bare":
        return "", "", "", ""
    moved = households.moved_ms[h]
    home = households.old_home if moved >= 0 and at_ms < moved else households.home
    street = str(home.street[h])
    if record.draw[23] < 0.02:
        street = "The Old Bakery\n" + street
    elif record.draw[23] < 0.1:
        street = street.replace(" Road", " Rd").replace(" Street", " St.").replace(" Avenue", " Ave")
    city = names.CITIES[home.city[h]]
    return street, city[0], city[1], str(home.postcode[h])


def _lifestyle(record: Record, world: World, at_ms: int) -> list[str]:
    """Job, employer; then marital status, children, home, vehicle, pet, hobbies and how they heard of the shop."""
    u, role = record.draw, world.people.role[record.person]
    job = names.JOBS[int(u[24] * len(names.JOBS))] if u[24] < 0.99 and at_ms == record.created_ms else ""
    job = job or names.JOBS[int(u[25] * len(names.JOBS))]
    married = "married" if role == 1 or u[26] < 0.45 else ("single", "divorced", "widowed")[int(u[27] * 3)]
    hobbies = sorted({names.HOBBIES[int(v * len(names.HOBBIES))] for v in u[28:31]})
    return [
        job,
        names.EMPLOYERS[int(u[31] * len(names.EMPLOYERS))],
        married,
        str(int(u[32] ** 2 * 5)),
        ("rented", "owned", "mortgaged")[int(u[33] * 3)],
        ("none", "car", "van", "bicycle")[int(u[34] * 4)],
        ("", "dog", "cat", "rabbit")[int(u[35] * 4)],
        ", ".join(hobbies),
        names.HOW_HEARD[int(u[36] * len(names.HOW_HEARD))],
    ]


NULLABLE = (1, 4, 6, 7, 8, 11, 14, 15, 17, 18, 20, 21)
"""Columns in which a null may be spelled in words."""


def _row(record: Record, world: World, at_ms: int) -> tuple[list[str], str, str]:
    people, u, p = world.people, record.draw, record.person
    is_legacy = bool(u[37] < 0.4) != (record.kind == "duplicate")
    given, family, suffix = _names(record, world, at_ms)
    email, phone, written, spoken = _contact(record, world, at_ms)
    job, employer, *lifestyle = _lifestyle(record, world, at_ms) if record.kind != "bare" else [""] * 9
    female = bool(people.is_female[p])
    birth = _birth(record, world, is_legacy) if record.kind != "bare" else ""
    gender = ("female" if female else "male") if is_legacy else ("F" if female else "M")
    created, updated = iso_seconds(np.array([record.created_ms, at_ms], dtype=np.int64))
    card = world.contacts.loyalty_no[p] if record.kind in ("main", "copy") or u[38] < 0.1 else ""
    fields = [
        record.number,
        "Ms" if female else "Mr",
        given,
        family,
        suffix,
        birth,
        gender,
        written,
        spoken,
        *_address(record, world, at_ms),
        ("GB", "UK", "United Kingdom", "gb")[int(u[39] ** 3 * 4)],
        job,
        employer,
        card,
        *lifestyle,
        "LEGACY" if is_legacy else "ERP",
        created,
        updated,
    ]
    for at in NULLABLE:
        v = (u[at] * 7919.0 + u[39] * 104_729.0 + at) % 1.0
        if v < NULL_WORD_SHARE and record.kind != "copy":
            fields[at] = names.NULL_WORDS[int(v / NULL_WORD_SHARE * len(names.NULL_WORDS))]
            email, phone = ("" if at == 7 else email), ("" if at == 8 else phone)
    return fields, email, phone


def make_crm(seed: int, first: int, world: World) -> Delivered:
    """All versions of all CRM records of the block."""
    out = Delivered("crm", np.zeros(0, np.int64), [])
    received: list[int] = []
    for record in _records(seed, first, world):
        out.witnessed.profiles.append((record.number, int(record.person)))
        for at_ms in _changes(record, world):
            fields, email, phone = _row(record, world, at_ms)
            out.rows.append(fields)
            received.append(at_ms)
            ids = identifiers(customer_id=record.number, email=email, phone=phone, loyalty_id=fields[16])
            out.witnessed.seen[(ids, int(record.person))] += 1
    out.received_ms = np.array(received, dtype=np.int64)
    return out
