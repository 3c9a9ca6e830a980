"""How people can be reached and recognised: e-mails, phones, accounts, loyalty cards and devices, with their traps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample import names
from cdp.sample.calendar import DAY_MS, Bools, Calendar, Ints, Texts, pick, stream
from cdp.sample.people import Households, People

ACCOUNT_SHARE = 0.8
LOYALTY_SHARE = 0.7
RECYCLED_SHARE = 0.006
LOOK_ALIKE_SHARE = 0.004
ROLE_SHARE = 0.04  # of those without an account
TWIN_EMAIL_SHARE = 0.5
SPREAD = 61_803_399  # odd and not a multiple of 5: a permutation of the numbers below 10^8


@dataclass
class Contacts:
    """One row per person; empty text means none.

    `email` is the main address, `other_email` a second one, `old_phone` the number before `phone_changed_ms` (-1:
    never changed). Device arrays have one row per device: owner, id, channel; household tablets come apart.
    """

    email: Texts
    other_email: Texts
    phone: Texts
    old_phone: Texts
    phone_changed_ms: Ints
    family_phone: Texts
    user_id: Texts
    loyalty_no: Texts
    customer_no: Texts
    device_id: Texts
    device_is_app: Bools
    first_device: Ints
    n_devices: Ints
    tablet: Texts


def numbered(index: Ints, shift: int) -> Ints:
    """Spread customer numbers over 8 digits, so that the numbers of two systems do not resemble each other."""
    return (np.asarray(index, dtype=np.int64) * SPREAD + shift % 100_000_000 * 7_919_077) % 100_000_000


def e164_mobile(index: Ints, shift: int) -> Texts:
    """A British mobile number in E.164; unlike for any two numbers below 10^8."""
    return np.array([f"+4478{n:08d}" for n in numbered(index, shift).tolist()], dtype=object)


def normal_email(email: str) -> str:
    """Lower case; for Google's mail alone dots and +tag are dropped, and googlemail.com is gmail.com."""
    local, _, domain = email.strip().lower().rpartition("@")
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.split("+", 1)[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalpha())


def _emails(rng: np.random.Generator, people: People, domains: Texts, mark: str) -> Texts:
    style = rng.integers(0, 4, len(people))
    out: list[str] = []
    for given, family, index, kind, domain in zip(
        people.given, people.family, people.index, style, domains, strict=True
    ):
        g, f, number = _plain(given), _plain(family), f"{mark}{index}"
        local = (f"{g}.{f}{number}", f"{g[0]}{f}{number}", f"{f}.{g}{number}", f"{g}{number}")[kind]
        out.append(f"{local}@{domain}")
    return np.array(out, dtype=object)


def make_contacts(seed: int, first: int, households: Households, people: People, calendar: Calendar) -> Contacts:
    """Draw every person's ways of contact and plant recycled numbers, look-alike and role addresses."""
    rng = stream(seed, first, "contacts")
    n = len(people)
    email = _emails(rng, people, pick(rng, names.MAIL_DOMAINS, n), "")
    other = _emails(rng, people, pick(rng, names.MAIL_DOMAINS[5:], n), "x")
    head = (np.cumsum(households.size) - households.size)[people.household]
    family_email = households.has_family_email[people.household]
    email = np.where(family_email, email[head], email)
    has_account = rng.random(n) < ACCOUNT_SHARE
    email[(rng.random(n) < 0.12) & ~has_account] = ""
    other[rng.random(n) >= 0.18] = ""
    changed = (rng.random(n) < 0.05) & (people.entered_ms < calendar.end_ms - 60 * DAY_MS)
    changed_ms = people.entered_ms + ((calendar.end_ms - people.entered_ms) * rng.random(n)).astype(np.int64)
    household_no = people.index[head]
    landline = np.array(
        [f"+44207{v % 10_000_000:07d}" for v in numbered(household_no, seed + 3).tolist()], dtype=object
    )
    contacts = Contacts(
        email=email,
        other_email=other,
        phone=e164_mobile(people.index, seed),
        old_phone=np.where(changed, e164_mobile(people.index + 50_000_000, seed), ""),
        phone_changed_ms=np.where(changed, changed_ms, -1),
        family_phone=np.where(households.has_family_phone[people.household], landline, ""),
        user_id=np.where(has_account, [f"U{v:08d}" for v in numbered(people.index, seed + 1)], ""),
        loyalty_no=np.where(
            rng.random(n) < LOYALTY_SHARE, [f"63{v:08d}" for v in numbered(people.index, seed + 2)], ""
        ),
        customer_no=np.array([f"C{v:08d}" for v in numbered(people.index, seed + 4)], dtype=object),
        **_devices(rng, people, households),
    )
    _plant_recycled(people, contacts, n)
    _plant_addresses(rng, people, contacts, has_account)
    return contacts


def _devices(rng: np.random.Generator, people: People, households: Households) -> dict[str, np.ndarray]:
    """One to four cookies or phones a person (cookies get lost), and one tablet for a household that shares it."""
    count = rng.choice(np.arange(1, 5), len(people), p=(0.35, 0.35, 0.2, 0.1)).astype(np.int64)
    total = int(count.sum())
    bits = rng.integers(0, 2**62, (total + len(households.size), 2))
    ids = np.array(
        [
            f"{a & 0xFFFFFFFF:08x}-{a >> 48:04x}-4{b & 0xFFF:03x}-a{b >> 50 & 0xFFF:03x}-{b >> 12 & (2**48 - 1):012x}"
            for a, b in bits.tolist()
        ],
        dtype=object,
    )
    tablets = np.where(households.has_shared_tablet, ids[total:], "")
    return {
        "device_id": ids[:total],
        "device_is_app": rng.random(total) < 0.3,
        "first_device": np.cumsum(count) - count,
        "n_devices": count,
        "tablet": tablets[people.household],
    }


def _plant_recycled(people: People, contacts: Contacts, n: int) -> None:
    """Give the old number of an early customer, who got a new one, to a customer who came months later."""
    order = np.argsort(people.entered_ms, kind="stable")
    wanted = int(np.ceil(n * RECYCLED_SHARE))
    early, late = order[: n // 4 : max(1, n // 4 // wanted)], order[::-1][: n // 4 : max(1, n // 4 // wanted)]
    for a, b in zip(early[:wanted], late[:wanted], strict=False):
        gone_ms = people.entered_ms[b] - 100 * DAY_MS
        if people.household[a] != people.household[b] and gone_ms > people.entered_ms[a]:
            contacts.old_phone[a], contacts.phone_changed_ms[a] = contacts.phone[b], gone_ms


def _plant_addresses(rng: np.random.Generator, people: People, contacts: Contacts, has_account: Bools) -> None:
    """Pairs of strangers whose addresses differ by dots only, on a domain where dots count; shared addresses."""
    draw = rng.random(len(people))
    for b in np.flatnonzero(draw < LOOK_ALIKE_SHARE / 2):
        a = b - 1
        if a >= 0 and people.household[a] != people.household[b]:
            local = f"{_plain(people.given[a])}{people.index[a]}"
            contacts.email[a], contacts.email[b] = f"{local}@outlook.com", f"{local[0]}.{local[1:]}@outlook.com"
    twins = np.flatnonzero(people.twin & (rng.random(len(people)) < TWIN_EMAIL_SHARE))
    contacts.email[twins] = contacts.email[twins - 1]
    roles = np.flatnonzero((draw > 1 - ROLE_SHARE) & ~has_account)
    contacts.email[roles] = pick(rng, names.ROLE_ADDRESSES, len(roles))
