"""The e-mail platform: welcome mails and four-weekly newsletters, opened, clicked, bounced, unsubscribed (CSV)."""

from __future__ import annotations

import numpy as np

from cdp.sample.calendar import DAY_MS, HISTORY_END_MS, HOUR_MS, MINUTE_MS, Ints, iso_ms, stream
from cdp.sample.consents import Marketing, consent_line
from cdp.sample.contacts import normal_email
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.world import World

HEADER = ("message_id", "event", "email", "campaign", "url", "occurred_at")
NEWSLETTER_MS = HISTORY_END_MS + DAY_MS + 9 * HOUR_MS
"""One newsletter goes out on Tuesday 2026-01-06 at 9; the others every four weeks before and after."""
EVERY_MS = 28 * DAY_MS
BOUNCE_SHARE = 0.01
UNSUBSCRIBE_SHARE = 0.006
TOLD_SHARE = 0.8


def _mails(rng: np.random.Generator, world: World, marketing: Marketing) -> tuple[Ints, Ints, list[str]]:
    """Person, time and campaign of every mail sent."""
    calendar, entered = world.calendar, world.people.entered_ms
    has_email = world.contacts.email != ""
    first = -((NEWSLETTER_MS - calendar.start_ms) // EVERY_MS)
    last = (calendar.end_ms - 1 - NEWSLETTER_MS) // EVERY_MS
    person, at = [np.flatnonzero(has_email)], [entered[has_email] + 5 * MINUTE_MS]
    campaign = ["welcome"] * len(person[0])
    for number in range(int(first), int(last) + 1):
        when = NEWSLETTER_MS + number * EVERY_MS
        to = np.flatnonzero(
            has_email & (marketing.from_ms >= 0) & (marketing.from_ms < when) & (marketing.until_ms > when)
        )
        person.append(to)
        at.append(when + rng.integers(0, 2 * HOUR_MS, len(to)))
        campaign += [f"newsletter_{iso_ms(np.array([when]))[0][:10]}"] * len(to)
    return np.concatenate(person), np.concatenate(at), campaign


def make_email(
    seed: int, first: int, world: World, marketing: Marketing, died_ms: Ints, consents: Delivered
) -> Delivered:
    """All mail events; who unsubscribes gets no more, and mostly a consent change follows in `consents`."""
    rng = stream(seed, first, "email")
    person, at, campaign = _mails(rng, world, marketing)
    n = len(person)
    keenness = rng.beta(1.2, 2.0, len(world.people))[person] * np.where(at > died_ms[person], 0.25, 1.0)
    u, wait = rng.random((n, 4)), rng.exponential(5 * HOUR_MS, (n, 3)).astype(np.int64)
    bounced = u[:, 0] < BOUNCE_SHARE
    opened = ~bounced & (u[:, 1] < keenness)
    clicked = opened & (u[:, 2] < 0.22)
    left = opened & (u[:, 3] < UNSUBSCRIBE_SHARE / 0.35)
    gone_ms = np.full(len(world.people), np.iinfo(np.int64).max)
    np.minimum.at(gone_ms, person[left], (at + wait[:, 0] + wait[:, 2])[left])
    rows: list[tuple[int, tuple[str, ...]]] = []
    seen = Delivered("email", np.zeros(0, np.int64), [])
    for i, (p, when, name) in enumerate(zip(person.tolist(), at.tolist(), campaign, strict=True)):
        if gone_ms[p] < when:
            continue
        email, number = str(world.contacts.email[p]), f"e-{first:07d}-{i:06d}"
        open_ms = when + int(wait[i, 0])
        events = [("sent", when, "")]
        events += [("bounced", when + 4_000, "")] if bounced[i] else []
        events += [("opened", open_ms, "")] if opened[i] else []
        events += [("clicked", open_ms + int(wait[i, 1]) // 60, f"/c/{name}?utm_medium=email")] if clicked[i] else []
        events += [("unsubscribed", open_ms + int(wait[i, 2]), "/preferences")] if left[i] else []
        rows += [(t, (number, what, email, name, url, str(t))) for what, t, url in events]
        seen.witnessed.seen[(identifiers(email=normal_email(email)), p)] += len(events)
    rows.sort()
    seen.received_ms, seen.rows = np.array([r[0] for r in rows], dtype=np.int64), [list(r[1]) for r in rows]
    _tell(rng, first, world, gone_ms, consents)
    return seen


def _tell(rng: np.random.Generator, first: int, world: World, gone_ms: Ints, consents: Delivered) -> None:
    """Write the consent changes of who unsubscribed, a little later."""
    told = np.flatnonzero((gone_ms < world.calendar.end_ms) & (rng.random(len(gone_ms)) < TOLD_SHARE))
    when = gone_ms[told] + MINUTE_MS
    for i, (p, at) in enumerate(zip(told.tolist(), iso_ms(when), strict=True)):
        email = str(world.contacts.email[p])
        line = consent_line(f"u-{first:07d}-{i:06d}", at, {"email": email}, "email_marketing", "denied", "web_form")
        consents.rows.append(line)
        consents.witnessed.seen[(identifiers(email=normal_email(email)), p)] += 1
    consents.received_ms = np.concatenate([consents.received_ms, when])
