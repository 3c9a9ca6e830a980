"""Web and app events of the block: what happens in each visit, when it was received, and how often."""

from __future__ import annotations

import numpy as np

from cdp.sample.behaviour import Baskets, Orders
from cdp.sample.calendar import DAY_MS, HOUR_MS, Bools, iso_ms, stream
from cdp.sample.delivered import Delivered, Witnessed, identifiers
from cdp.sample.sessions import BOT, ORDER, Sessions
from cdp.sample.web_lines import (
    ADDED,
    CHECKOUT,
    COMPLETED,
    IDENTIFY,
    PAGE,
    REFUNDED,
    SEARCHED,
    VIEWED,
    Events,
    Times,
    Visits,
    web_lines,
)
from cdp.sample.world import World

DUPLICATE_SHARE = 0.01
REFUND_SHARE = 0.04


def _visited(rng: np.random.Generator, sessions: Sessions, first_login: Bools) -> Events:
    """Events in the order of a visit; in an order's session the last one is the order itself."""
    count = sessions.n_events
    session = np.repeat(np.arange(len(sessions)), count)
    position = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
    left = count[session] - 1 - position
    bought = sessions.kind[session] == ORDER
    gap = sessions.gap_ms[session]
    at = (sessions.at_ms[session] + np.where(bought, -left, position) * gap).astype(np.int64)
    shown = np.array([VIEWED, PAGE, SEARCHED, ADDED], dtype=np.int64)
    browsing = rng.choice(shown, len(session), p=(0.6, 0.25, 0.1, 0.05))
    buying = np.select([left == 0, left == 1, left == 2], [COMPLETED, CHECKOUT, ADDED], VIEWED)
    what = np.where(bought, buying, np.where(position == 0, PAGE, browsing)).astype(np.int64)
    named = sessions.is_logged[session] & ~((position == 0) & first_login[session])
    return Events(session, what, at, named)


def _first_logins(sessions: Sessions) -> Bools:
    """First session in which somebody logs in on a device: there the anonymous id identifies itself."""
    first = np.zeros(len(sessions), bool)
    known: set[tuple[int, str]] = set()
    for at in np.argsort(sessions.at_ms, kind="stable").tolist():
        if sessions.is_logged[at]:
            key = (int(sessions.person[at]), sessions.device[at])
            first[at] = key not in known
            known.add(key)
    return first


def _all_events(rng: np.random.Generator, sessions: Sessions, first_login: Bools) -> Events:
    """Visits, then identify calls (first logins and guests at the checkout), then refunds."""
    visited = _visited(rng, sessions, first_login)
    buys = sessions.kind == ORDER
    telling = np.flatnonzero(first_login | (buys & ~sessions.is_logged))
    told_at = sessions.at_ms[telling] - np.where(buys[telling], sessions.gap_ms[telling] // 2, -1_500)
    refunded = np.flatnonzero(buys & (rng.random(len(sessions)) < REFUND_SHARE))
    refund_at = sessions.at_ms[refunded] + rng.integers(2 * DAY_MS, 20 * DAY_MS, len(refunded))
    return Events(
        session=np.concatenate([visited.session, telling, refunded]),
        what=np.concatenate([visited.what, np.full(len(telling), IDENTIFY), np.full(len(refunded), REFUNDED)]),
        at_ms=np.concatenate([visited.at_ms, told_at, refund_at]),
        is_named=np.concatenate([visited.is_named, sessions.is_logged[telling], sessions.is_logged[refunded]]),
    )


def _witness(out: Witnessed, world: World, sessions: Sessions, first_login: Bools) -> None:
    for person, device, named, new, kind, count in zip(
        sessions.person.tolist(),
        sessions.device,
        sessions.is_logged,
        first_login,
        sessions.kind,
        sessions.n_events,
        strict=True,
    ):
        if kind == BOT:
            out.seen[(identifiers(anonymous_id=device), -1)] += int(count)
            continue
        anonymous = count if not named else 1 if new else 0
        if anonymous:
            out.seen[(identifiers(anonymous_id=device), person)] += int(anonymous)
        if named:
            ids = identifiers(anonymous_id=device, user_id=world.contacts.user_id[person])
            out.seen[(ids, person)] += int(count - anonymous)


def _times(rng: np.random.Generator, sessions: Sessions, events: Events) -> Times:
    """received is right; sent and original carry the device's error; half of the wrong clocks also spoil timestamp."""
    n, session = len(events.session), events.session
    is_server = events.what == REFUNDED
    skew = np.where(is_server, 0, sessions.skew_ms[session])
    late = np.where(is_server, 0, sessions.late_ms[session])
    wait, way = rng.integers(20, 900, n), rng.integers(15, 400, n)
    received = events.at_ms + late + wait + way
    original = events.at_ms + skew
    sent = original + late + wait
    spoiled = (skew != 0) & (session % 2 == 0)
    timestamp = np.where(spoiled, original, received - (sent - original))
    return Times(iso_ms(timestamp), iso_ms(original), iso_ms(sent), iso_ms(received), sent, received)


def make_web(seed: int, first: int, world: World, orders: Orders, baskets: Baskets, sessions: Sessions) -> Delivered:
    """All web and app events of the block, duplicates included, nearly in the order of receipt."""
    rng = stream(seed, first, "web")
    first_login = _first_logins(sessions)
    events = _all_events(rng, sessions, first_login)
    times = _times(rng, sessions, events)
    out = Delivered("web", times.received_ms, [])
    _witness(out.witnessed, world, sessions, first_login)
    out.rows = web_lines(rng, first, world, Visits(orders, baskets, sessions, events, times), out.witnessed)
    _repeat(rng, out, times)
    nearly = out.received_ms + np.where(rng.random(len(out.rows)) < 0.05, rng.exponential(HOUR_MS, len(out.rows)), 0)
    order = np.argsort(nearly, kind="stable")
    out.rows, out.received_ms = [out.rows[i] for i in order.tolist()], out.received_ms[order]
    return out


def _repeat(rng: np.random.Generator, out: Delivered, times: Times) -> None:
    """Send about one event in a hundred again, once or twice, up to days later, under the same messageId."""
    n = len(out.rows)
    again = np.repeat(np.arange(n), (rng.random(n) < DUPLICATE_SHARE) * rng.choice((1, 2), n, p=(0.8, 0.2)))
    wait = np.minimum(rng.exponential(8 * HOUR_MS, len(again)), 3 * DAY_MS).astype(np.int64)
    received = out.received_ms[again] + wait
    for i, sent, got in zip(again.tolist(), iso_ms(times.sent_ms[again] + wait), iso_ms(received), strict=True):
        old = f'"sentAt":"{times.sent[i]}","receivedAt":"{times.received[i]}"'
        out.rows.append(out.rows[i].replace(old, f'"sentAt":"{sent}","receivedAt":"{got}"'))
    out.received_ms = np.concatenate([out.received_ms, received])
