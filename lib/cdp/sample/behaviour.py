"""The purchase process: who buys when, for how much, what and where.

Buying times follow the Pareto/NBD of Schmittlein, Morrison and Colombo (1987): rate lambda ~ Gamma(r, rate alpha) a
week, death rate mu ~ Gamma(s, rate beta) a week; order values follow the Gamma-Gamma of Fader, Hardie and Lee (2005):
value ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma), in pounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.sample.calendar import DAY_MS, HOUR_MS, WEEK_MS, Bools, Calendar, Floats, Ints, stream
from cdp.sample.catalogue import CATEGORIES, catalogue
from cdp.sample.contacts import Contacts
from cdp.sample.people import People

R, ALPHA = 0.85, 3.35
S, BETA = 1.1, 32.0
P, Q, GAMMA = 4.0, 3.5, 42.0
PROSPECT_SHARE = 0.06
WEB_SHARE = 0.75  # of the orders of who has an account: 60 % of all
CARD_SHARE = 0.86  # of the store visits of who has a card: 60 % of all


@dataclass
class Lives:
    """Hidden truth per person: rates a week, the moment of dropout, mean order value in pounds."""

    rate: Floats
    death_rate: Floats
    died_ms: Ints
    mean_spend: Floats
    is_prospect: Bools


@dataclass
class Orders:
    """One order per row, sorted by person and time; `first_line` and `n_lines` point into the baskets."""

    person: Ints
    at_ms: Ints
    value: Floats
    is_web: Bools
    has_card: Bools
    first_line: Ints
    n_lines: Ints


@dataclass
class Baskets:
    """One order line per row: `product` is a row of the catalogue; discount in pounds for the whole line."""

    order: Ints
    product: Ints
    quantity: Ints
    discount: Floats


def make_lives(rng: np.random.Generator, people: People) -> Lives:
    """Draw every person's hidden parameters."""
    n = len(people)
    rate = np.minimum(rng.gamma(R, 1 / ALPHA, n), 7.0)
    death_rate = np.maximum(rng.gamma(S, 1 / BETA, n), 1e-6)
    lifetime = np.minimum(rng.exponential(1 / death_rate), 5_000.0)
    return Lives(
        rate=rate,
        death_rate=death_rate,
        died_ms=people.entered_ms + (lifetime * WEEK_MS).astype(np.int64),
        mean_spend=P / np.maximum(rng.gamma(Q, 1 / GAMMA, n), 0.02),
        is_prospect=rng.random(n) < PROSPECT_SHARE,
    )


def at_shop_hours(rng: np.random.Generator, times: Ints, floor: Ints, *, is_open: Bools) -> Ints:
    """Move times within their day: stores sell from 9 to 19, the web from 6 to 24. Never before `floor`."""
    n = len(times)
    store, web = 9 * HOUR_MS, 6 * HOUR_MS
    hour = np.where(is_open, store + rng.beta(2, 2, n) * 10 * HOUR_MS, web + rng.beta(2.4, 1.5, n) * 17.9 * HOUR_MS)
    return np.maximum(times - times % DAY_MS + hour.astype(np.int64), floor)


def make_orders(
    seed: int, first: int, people: People, contacts: Contacts, calendar: Calendar
) -> tuple[Lives, Orders, Baskets]:
    """Draw all orders and their lines up to the end of the last night."""
    rng = stream(seed, first, "behaviour")
    lives = make_lives(rng, people)
    end = np.minimum(lives.died_ms, calendar.end_ms)
    weeks = (end - people.entered_ms) / WEEK_MS
    repeats = rng.poisson(lives.rate * np.maximum(weeks, 0))
    count = np.where(lives.is_prospect, 0, repeats + 1)
    person = np.repeat(np.arange(len(people)), count)
    total = len(person)
    is_first = np.zeros(total, bool)
    is_first[(np.cumsum(count) - count)[count > 0]] = True
    entered = people.entered_ms[person]
    at = np.where(is_first, entered, entered + ((end[person] - entered) * rng.random(total)).astype(np.int64))
    is_web = (contacts.user_id[person] != "") & (rng.random(total) < WEB_SHARE)
    at = np.minimum(at_shop_hours(rng, at, entered, is_open=~is_web), calendar.end_ms - 1)
    order = np.lexsort((at, person))
    person, at, is_web = person[order], at[order], is_web[order]
    has_card = ~is_web & (contacts.loyalty_no[person] != "") & (rng.random(total) < CARD_SHARE)
    value = np.maximum(rng.gamma(P, lives.mean_spend[person] / P), 2.0)
    n_lines = 1 + rng.poisson(1.5, total)
    orders = Orders(person, at, value, is_web, has_card, np.cumsum(n_lines) - n_lines, n_lines)
    return lives, orders, make_baskets(seed, first, orders, len(people))


def make_baskets(seed: int, first: int, orders: Orders, n_people: int) -> Baskets:
    """Fill the orders: products near the wanted price, one of three candidates from the favourite category."""
    rng = stream(seed, first, "baskets")
    goods = catalogue()
    order = np.repeat(np.arange(len(orders.person)), orders.n_lines)
    total = len(order)
    favourite = rng.integers(0, len(CATEGORIES), n_people)[orders.person[order]]
    quantity = np.where(rng.random(total) < 0.8, 1, rng.integers(2, 5, total))
    target = orders.value[order] / orders.n_lines[order] / quantity * np.exp(rng.normal(0, 0.35, total) - 0.06)
    at = np.searchsorted(goods.price, target)
    candidates = np.clip(at[:, None] + rng.integers(-9, 10, (total, 3)), 0, len(goods) - 1)
    liked = goods.category[candidates] == favourite[:, None]
    product = candidates[np.arange(total), np.argmax(liked, axis=1)]
    share = np.where(rng.random(total) < 0.15, rng.choice((0.1, 0.2, 0.25), total), 0.0)
    return Baskets(order, product, quantity, np.round(goods.price[product] * quantity * share, 2))
