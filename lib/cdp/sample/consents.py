"""Consent changes: what each customer allowed at the start, and later withdrawals and returns, as JSON lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample.calendar import MINUTE_MS, Ints, iso_ms, stream
from cdp.sample.contacts import normal_email
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.world import World

PURPOSES: dict[str, tuple[float, float]] = {  # share granted, share denied; the rest said nothing
    "email_marketing": (0.70, 0.15),
    "personalisation": (0.62, 0.20),
    "analytics": (0.75, 0.15),
    "model_training": (0.50, 0.25),
    "ads": (0.40, 0.35),
}
WITHDRAWN_SHARE = 0.08
RETURNED_SHARE = 0.1
PLACES = ("web_form", "web_form", "store", "call_centre")


@dataclass
class Marketing:
    """Per person: e-mail marketing allowed from / until (milliseconds; from -1: never allowed)."""

    from_ms: Ints
    until_ms: Ints


def subject_of(world: World, person: int, u: float) -> dict[str, str]:
    """How a customer is named in a consent: one or two of the identifiers that the company has; may be empty."""
    contacts = world.contacts
    known = {
        "email": contacts.email[person],
        "user_id": contacts.user_id[person],
        "loyalty_no": contacts.loyalty_no[person],
    }
    keys = [k for k, v in known.items() if v]
    if len(keys) > 1 and u < 0.8:
        keys = keys[: 1 + int(u * 2.5)] if u < 0.6 else keys[-1:]
    return {k: known[k] for k in keys}


def consent_line(number: str, at: str, subject: dict[str, str], purpose: str, state: str, place: str) -> str:
    """One consent as the consent tool writes it."""
    who = ",".join(f'"{k}":"{v}"' for k, v in subject.items())
    return (
        f'{{"id":"{number}","occurred_at":"{at}","subject":{{{who}}},"purpose":"{purpose}","state":"{state}",'
        f'"source":"{place}","proof":"form-{number[-6:]}"}}'
    )


def make_consents(seed: int, first: int, world: World) -> tuple[Delivered, Marketing]:
    """The consent history of the block, and when marketing mails may be sent to whom."""
    rng = stream(seed, first, "consents")
    n, end_ms = len(world.people), world.calendar.end_ms
    u, place = rng.random((n, len(PURPOSES), 5)), rng.integers(0, len(PLACES), n)
    from_ms, until_ms = np.full(n, -1, dtype=np.int64), np.full(n, end_ms, dtype=np.int64)
    rows: list[tuple[int, int, str, str, float]] = []
    for p in range(n):
        start = int(world.people.entered_ms[p]) + MINUTE_MS
        for at, (purpose, (granted, denied)) in enumerate(PURPOSES.items()):
            said, quits, when, back, who = u[p, at].tolist()
            if said > granted + denied:
                continue
            rows.append((start, p, purpose, "granted" if said < granted else "denied", u[p, 0, 4]))
            if said < granted:
                quit_ms = start + int((end_ms - start) * when)
                if purpose == "email_marketing":
                    from_ms[p] = start
                    until_ms[p] = quit_ms if quits < WITHDRAWN_SHARE else end_ms
                if quits < WITHDRAWN_SHARE:
                    rows.append((quit_ms, p, purpose, "denied", who))
                    if back < RETURNED_SHARE:
                        rows.append((quit_ms + (end_ms - quit_ms) // 2, p, purpose, "granted", who))
    rows.sort()
    out = Delivered("consents", np.array([r[0] for r in rows], dtype=np.int64), [])
    _write(out, world, first, rows, place)
    keep = np.flatnonzero([bool(line) for line in out.rows])
    out.rows, out.received_ms = [out.rows[i] for i in keep.tolist()], out.received_ms[keep]
    return out, Marketing(from_ms, until_ms)


def _write(out: Delivered, world: World, first: int, rows: list[tuple[int, int, str, str, float]], place: Ints) -> None:
    """Write the lines; an empty one where the company has nothing to name the customer by."""
    for i, ((_, p, purpose, state, who), at) in enumerate(zip(rows, iso_ms(out.received_ms), strict=True)):
        subject = subject_of(world, p, who)
        number = f"k-{first:07d}-{i:06d}"
        out.rows.append(consent_line(number, at, subject, purpose, state, PLACES[place[p]]) if subject else "")
        witness_subject(out, subject, p)


def witness_subject(out: Delivered, subject: dict[str, str], person: int) -> None:
    """Remember whose identifiers a consent names."""
    if subject:
        email = normal_email(subject["email"]) if "email" in subject else ""
        ids = identifiers(email=email, user_id=subject.get("user_id", ""), loyalty_id=subject.get("loyalty_no", ""))
        out.witnessed.seen[(ids, person)] += 1
