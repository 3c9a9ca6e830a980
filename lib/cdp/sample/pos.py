"""Receipts of the stores: Parquet rows, with a loyalty card or without any trace of who bought."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cdp.sample import names
from cdp.sample.behaviour import Baskets, Orders
from cdp.sample.calendar import DAY_MS, stream
from cdp.sample.catalogue import CATEGORIES, catalogue
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.world import World

RETURN_SHARE = 0.03
VOID_SHARE = 0.005
LATE_SHARE = 0.02
SCHEMA = pa.schema(
    [
        ("receipt_no", pa.string()),
        ("line_no", pa.int32()),
        ("store_id", pa.string()),
        ("till", pa.string()),
        ("card_no", pa.string()),
        ("sku", pa.string()),
        ("product_name", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.float64()),
        ("unit_price", pa.float64()),
        ("discount", pa.float64()),
        ("currency", pa.string()),
        ("sold_at", pa.timestamp("us", tz="UTC")),
        ("is_void", pa.bool_()),
    ]
)


def make_pos(seed: int, first: int, world: World, orders: Orders, baskets: Baskets) -> Delivered:
    """All receipt lines; a return is a receipt of its own with negative quantities; some stores report days late."""
    rng = stream(seed, first, "pos")
    goods = catalogue()
    bought = np.flatnonzero(~orders.is_web)
    n = len(bought)
    city = world.households.home.city[world.people.household[orders.person[bought]]]
    store = np.where(rng.random(n) < 0.8, city, rng.integers(0, len(names.CITIES), n)) + 1
    till, returned, void = rng.integers(1, 9, n), rng.random(n) < RETURN_SHARE, rng.random(n) < VOID_SHARE
    back_after, late = rng.integers(DAY_MS, 25 * DAY_MS, n), rng.random(n) < LATE_SHARE
    delay = np.where(late, rng.integers(DAY_MS // 2, 3 * DAY_MS, n), 0)
    out = Delivered("pos", np.zeros(0, np.int64), [])
    received: list[int] = []
    for i, order in enumerate(bought.tolist()):
        person, at_ms = int(orders.person[order]), int(orders.at_ms[order])
        card = world.contacts.loyalty_no[person] if orders.has_card[order] else None
        where = (f"S{store[i]:03d}", f"T{till[i]}", card)
        lines = range(int(orders.first_line[order]), int(orders.first_line[order] + orders.n_lines[order]))
        rows = []
        for number, line in enumerate(lines, start=1):
            p = int(baskets.product[line])
            what = (goods.product_id[p], goods.name[p], CATEGORIES[goods.category[p]])
            money = (float(baskets.quantity[line]), float(goods.price[p]), float(baskets.discount[line]), "GBP")
            rows.append((f"R{first:07d}{order:06d}", number, *where, *what, *money, at_ms * 1000, bool(void[i])))
        out.rows += rows
        received += [at_ms + int(delay[i])] * len(rows)
        if returned[i]:
            back_ms = at_ms + int(back_after[i])
            no, _, *which, quantity, price, discount, currency, _, _ = rows[0]
            out.rows.append((f"{no}B", 1, *which, -quantity, price, -discount, currency, back_ms * 1000, False))
            received.append(back_ms)
        if card:
            out.witnessed.seen[(identifiers(loyalty_id=card), person)] += len(rows)
    out.received_ms = np.array(received, dtype=np.int64)
    return out
