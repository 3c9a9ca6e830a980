"""Visits to the shop and the app: who came when, on which device, logged in or not, and how late it was reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample import names
from cdp.sample.behaviour import Lives, Orders
from cdp.sample.calendar import DAY_MS, HOUR_MS, MINUTE_MS, Bools, Ints, Texts, pick, stream
from cdp.sample.world import World

BROWSE, ORDER, BOT = 0, 1, 2
BOT_SHARE = 0.005
KIOSK_SHARE = 0.007
GUEST_SHARE = 0.1
LATE_SHARE = 0.03
SKEWED_SHARE = 0.02


@dataclass
class Sessions:
    """One visit per row. `person` -1 is a bot; `order` -1: nothing bought; `skew_ms`: error of the device's clock;
    `late_ms`: how long the device held its events back; `gap_ms`: time between two events."""

    person: Ints
    at_ms: Ints
    kind: Ints
    order: Ints
    is_logged: Bools
    device: Texts
    is_app: Bools
    skew_ms: Ints
    late_ms: Ints
    gap_ms: Ints
    n_events: Ints

    def __len__(self) -> int:
        return len(self.person)


def _browsing(rng: np.random.Generator, world: World, lives: Lives, orders: Orders) -> tuple[Ints, Ints, Bools]:
    """Visits without a purchase: anonymous ones before the account, then in and out while the customer lives."""
    people, contacts, end_ms = world.people, world.contacts, world.calendar.end_ms
    n = len(people)
    has_account = contacts.user_id != ""
    web_orders = np.bincount(orders.person[orders.is_web], minlength=n)
    before = rng.poisson(1.0, n) * has_account
    stranger = rng.poisson(0.4, n) * ~has_account
    during = rng.poisson(rng.gamma(1.5, 1 / 1.5, n) * (1.3 + 0.95 * web_orders)) * has_account
    during = np.where(has_account, np.maximum(during, 1), 0)
    until = np.minimum(lives.died_ms + 20 * DAY_MS, end_ms)
    person = np.repeat(np.tile(np.arange(n), 3), np.concatenate([before, stranger, during]))
    is_before = np.repeat([True, False, False], [before.sum(), stranger.sum(), during.sum()])
    u = rng.random(len(person))
    entered = people.entered_ms[person]
    at = np.where(
        is_before,
        entered - (u * 21 * DAY_MS).astype(np.int64) - HOUR_MS,
        entered + ((until[person] - entered) * u).astype(np.int64),
    )
    logged = ~is_before & has_account[person] & (rng.random(len(person)) < 0.55)
    return person, np.clip(at, world.calendar.start_ms, end_ms - MINUTE_MS), logged


def _devices(rng: np.random.Generator, world: World, person: Ints) -> tuple[Texts, Bools, Ints]:
    """A device of the visitor's own, or the household's tablet, or rarely a kiosk in a store; and its clock's error."""
    contacts, n = world.contacts, len(person)
    own = contacts.first_device[person] + (rng.random(n) ** 1.7 * contacts.n_devices[person]).astype(np.int64)
    total = len(contacts.device_id)
    size = np.exp(rng.uniform(np.log(3 * MINUTE_MS), np.log(4 * DAY_MS), total)) * rng.choice((-1, 1), total)
    skew = np.where(rng.random(total) < SKEWED_SHARE, size, 0).astype(np.int64)
    tablet = contacts.tablet[person]
    on_tablet = (tablet != "") & (rng.random(n) < 0.3)
    at_kiosk = rng.random(n) < KIOSK_SHARE
    device = np.where(at_kiosk, pick(rng, names.KIOSKS, n), np.where(on_tablet, tablet, contacts.device_id[own]))
    own_device = ~at_kiosk & ~on_tablet
    return device, contacts.device_is_app[own] & own_device, np.where(own_device, skew[own], 0)


def make_sessions(seed: int, first: int, world: World, lives: Lives, orders: Orders) -> Sessions:
    """Draw all visits of the block, bots at the end."""
    rng = stream(seed, first, "sessions")
    browse, browse_at, browse_logged = _browsing(rng, world, lives, orders)
    bought = np.flatnonzero(orders.is_web)
    n_bots = int(np.ceil((len(browse) + len(bought)) * BOT_SHARE))
    people = np.concatenate([browse, orders.person[bought]])
    total = len(people) + n_bots
    device, is_app, skew = _devices(rng, world, people)
    bots = np.array([f"bot-{first}-{i % max(1, n_bots // 4)}" for i in range(n_bots)], dtype=object)
    kind = np.repeat([BROWSE, ORDER, BOT], [len(browse), len(bought), n_bots])
    span = world.calendar.end_ms - world.calendar.start_ms
    at_bot = world.calendar.start_ms + (rng.random(n_bots) * (span - HOUR_MS)).astype(np.int64)
    views = rng.geometric(0.45, total)
    events = np.select([kind == ORDER, kind == BOT], [3 + np.minimum(views, 4), rng.integers(6, 25, total)], 1 + views)
    late = np.where(rng.random(total) < LATE_SHARE, np.minimum(rng.exponential(1.2 * DAY_MS, total), 6 * DAY_MS), 0)
    nobody = np.zeros(n_bots, bool)
    return Sessions(
        person=np.concatenate([people, np.full(n_bots, -1)]),
        at_ms=np.concatenate([browse_at, orders.at_ms[bought], at_bot]),
        kind=kind,
        order=np.concatenate([np.full(len(browse), -1), bought, np.full(n_bots, -1)]),
        is_logged=np.concatenate([browse_logged, rng.random(len(bought)) >= GUEST_SHARE, nobody]),
        device=np.concatenate([device, bots]),
        is_app=np.concatenate([is_app, nobody]),
        skew_ms=np.concatenate([skew, np.zeros(n_bots, np.int64)]),
        late_ms=np.where(kind == BOT, 0, late).astype(np.int64),
        gap_ms=np.where(kind == BOT, 400, rng.integers(5_000, 70_000, total)),
        n_events=events,
    )
