"""How a web or app event is written: one JSON line in Segment's message shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample import names
from cdp.sample.behaviour import Baskets, Orders
from cdp.sample.calendar import Bools, Floats, Ints
from cdp.sample.catalogue import CATEGORIES, catalogue
from cdp.sample.contacts import normal_email
from cdp.sample.delivered import Witnessed, identifiers
from cdp.sample.handwriting import write_email, write_phone
from cdp.sample.sessions import BOT, Sessions
from cdp.sample.world import World

SHOP = "https://www.hearthandloom.example"
PAGE, VIEWED, ADDED, SEARCHED, CHECKOUT, COMPLETED, IDENTIFY, REFUNDED = range(8)
EVENT_NAMES = (
    "",
    "Product Viewed",
    "Product Added",
    "Products Searched",
    "Checkout Started",
    "Order Completed",
    "",
    "Order Refunded",
)
SEARCHES = ("linen duvet", "blackout curtains", "rug 160x230", "sofa", "gift", "sale", "bath towels", "lamp")
WEB_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/127.0",
)
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/about)",
    "PriceCrawler/1.4 (+https://crawler.example)",
)
APP_AGENTS = ("HearthAndLoom/5.2 (Android 14)", "HearthAndLoom/5.3 (iOS 17.5)")
CAMPAIGNS = ("spring_linen", "summer_garden", "autumn_throws", "winter_sale")
SOURCES = (("google", "cpc"), ("newsletter", "email"), ("instagram", "social"), ("affiliate", "partner"))


@dataclass
class Events:
    """One event per row before writing: its session, what it is, and when (by a right clock)."""

    session: Ints
    what: Ints
    at_ms: Ints
    is_named: Bools
    """Does it carry the account number?"""


@dataclass
class Times:
    """The four times of every event; all but `received` come from the device."""

    timestamp: list[str]
    original: list[str]
    sent: list[str]
    received: list[str]
    sent_ms: Ints
    received_ms: Ints


@dataclass
class Visits:
    """Everything that is drawn before the first line is written."""

    orders: Orders
    baskets: Baskets
    sessions: Sessions
    events: Events
    times: Times


def _contexts(rng: np.random.Generator, sessions: Sessions) -> list[str]:
    """The part of `context` that all events of a session share."""
    n = len(sessions)
    agent, language, u = rng.integers(0, 4, n), rng.random(n), rng.random(n)
    which = rng.integers(0, 4, (n, 2))
    out: list[str] = []
    for i, (is_app, device, kind) in enumerate(zip(sessions.is_app, sessions.device, sessions.kind, strict=True)):
        if kind == BOT:
            text = f'"userAgent":"{BOT_AGENTS[agent[i] % 2]}","library":{{"name":"analytics.js","version":"2.11.1"}}'
        elif is_app:
            text = (
                f'"userAgent":"{APP_AGENTS[agent[i] % 2]}","device":{{"id":"{device}","type":"phone"}},'
                '"library":{"name":"analytics-kotlin","version":"1.16.3"}'
            )
        else:
            text = f'"userAgent":"{WEB_AGENTS[agent[i]]}","library":{{"name":"analytics.js","version":"2.11.1"}}'
        text += ',"locale":"en-GB"' if language[i] < 0.9 else ',"locale":"cy-GB"'
        if u[i] < 0.18 and kind != BOT:
            source, medium = SOURCES[which[i, 0]]
            text += f',"campaign":{{"name":"{CAMPAIGNS[which[i, 1]]}","source":"{source}","medium":"{medium}"}}'
        out.append(text)
    return out


def _products(baskets: Baskets, orders: Orders) -> tuple[list[str], list[str], Floats]:
    """Per order: JSON of its products, JSON of the first one alone, and the net sum in pounds."""
    goods = catalogue()
    lines = [
        f'{{"product_id":"{goods.product_id[p]}","name":"{goods.name[p]}","category":"{CATEGORIES[goods.category[p]]}",'
        f'"price":{goods.price[p]:.2f},"quantity":{q},"discount":{d:.2f}}}'
        for p, q, d in zip(baskets.product.tolist(), baskets.quantity.tolist(), baskets.discount.tolist(), strict=True)
    ]
    net = np.bincount(
        baskets.order, goods.price[baskets.product] * baskets.quantity - baskets.discount, len(orders.person)
    )
    ends = (orders.first_line + orders.n_lines).tolist()
    begins = orders.first_line.tolist()
    return (
        [",".join(lines[a:b]) for a, b in zip(begins, ends, strict=True)],
        [lines[a] for a in begins],
        np.round(net, 2),
    )


def _traits(world: World, person: int, u: Floats) -> tuple[str, str, str]:
    """Traits of an identify call as JSON, then its e-mail and phone as silver normalises them."""
    people, contacts = world.people, world.contacts
    email = write_email(contacts.email[person], u[0]) if contacts.email[person] else ""
    told = email if u[0] < 0.995 else names.NULL_WORDS[int(u[1] * len(names.NULL_WORDS))]
    email = email if told == email else ""
    phone = write_phone(contacts.phone[person], u[1]) if u[2] < 0.4 else ""
    given = people.given[person]
    if u[3] < 0.2:
        given = names.NICKNAMES.get(given, given)
    parts = [f'"firstName":"{given}"', f'"lastName":"{people.family[person]}"']
    parts += [f'"email":"{told}"'] if told else []
    parts += [f'"phone":"{phone}"'] if phone else []
    spoken = contacts.phone[person] if phone else ""
    return ",".join(parts), normal_email(email) if email else "", spoken


def _body(what: int, order: int, goods_at: int, order_parts: tuple, order_no: str, search: int) -> str:
    goods = catalogue()
    products, firsts, net = order_parts
    if what in (VIEWED, ADDED):
        quantity = ',"quantity":1' if what == ADDED else ""
        return (
            f'"product_id":"{goods.product_id[goods_at]}","name":"{goods.name[goods_at]}","category":'
            f'"{CATEGORIES[goods.category[goods_at]]}","price":{goods.price[goods_at]:.2f}{quantity}'
        )
    if what == COMPLETED:
        coupon = '"WELCOME10"' if search == 0 else "null"
        return (
            f'"order_id":"{order_no}","revenue":{net[order]:.2f},"currency":"GBP","coupon":{coupon},'
            f'"products":[{products[order]}]'
        )
    if what == REFUNDED:
        return (
            f'"order_id":"{order_no}","currency":"GBP","products":[{products[order] if search < 4 else firsts[order]}]'
        )
    if what == CHECKOUT:
        return f'"value":{net[order]:.2f},"currency":"GBP"'
    return f'"query":"{SEARCHES[search]}"' if what == SEARCHED else '"title":"Hearth & Loom"'


def _goods(rng: np.random.Generator, visits: Visits, wanted: Ints, search: Ints) -> list[int]:
    """The product that an event shows: mostly the one that is bought in this session."""
    goods = rng.integers(0, len(catalogue()), len(wanted))
    if len(visits.orders.person):
        bought = visits.baskets.product[visits.orders.first_line[np.maximum(wanted, 0)]]
        goods = np.where((wanted >= 0) & (search < 5), bought, goods)
    return goods.tolist()


def web_lines(rng: np.random.Generator, first: int, world: World, visits: Visits, seen: Witnessed) -> list[str]:
    """One line per event, in the order of the events; identify calls are remembered in `seen`."""
    sessions, events, times = visits.sessions, visits.events, visits.times
    n = len(events.session)
    contexts, parts = _contexts(rng, sessions), _products(visits.baskets, visits.orders)
    search, u = rng.integers(0, 8, n).tolist(), rng.random((n, 4))
    wanted = sessions.order[events.session]
    goods, wanted = _goods(rng, visits, wanted, np.array(search, dtype=np.int64)), wanted.tolist()
    people, devices, apps = sessions.person.tolist(), sessions.device.tolist(), sessions.is_app.tolist()
    accounts = world.contacts.user_id.tolist()
    out: list[str] = []
    for i, (s, what, named) in enumerate(
        zip(events.session.tolist(), events.what.tolist(), events.is_named.tolist(), strict=True)
    ):
        device, is_app = devices[s], apps[s]
        user = accounts[people[s]] if named else ""
        if what == IDENTIFY:
            traits, email, phone = _traits(world, people[s], u[i])
            seen.seen[(identifiers(anonymous_id=device, user_id=user, email=email, phone=phone), people[s])] += 1
            head, tail = '"type":"identify"', f'"traits":{{{traits}}}'
        else:
            kind = ("screen" if is_app else "page") if what == PAGE else "track"
            head = f'"type":"{kind}"' + (f',"event":"{EVENT_NAMES[what]}"' if what != PAGE else ',"name":"Home"')
            body = _body(what, wanted[i], goods[i], parts, f"W{first:07d}{wanted[i]:06d}", search[i])
            tail = f'"properties":{{{body}}}'
        path = f"/p/{goods[i]}" if what in (VIEWED, ADDED) else "/"
        account = f'"{user}"' if user else "null"
        out.append(
            f'{{{head},"messageId":"m-{first:07d}-{i:07d}","anonymousId":"{device}","userId":{account},'
            f'"channel":"{"app" if is_app else "web"}","timestamp":"{times.timestamp[i]}",'
            f'"originalTimestamp":"{times.original[i]}","sentAt":"{times.sent[i]}","receivedAt":"{times.received[i]}",'
            f'"context":{{{contexts[s]},"page":{{"url":"{SHOP}{path}","path":"{path}"}}}},{tail}}}'
        )
    return out
