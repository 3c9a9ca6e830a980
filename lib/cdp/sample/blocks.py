"""One block of customers: draw everything, cut it into nights, write the files. The worker's side of the generator."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cdp.sample import crm, demographics, feedback, mails, pos
from cdp.sample.behaviour import make_orders
from cdp.sample.calendar import Calendar
from cdp.sample.consents import make_consents
from cdp.sample.contacts import make_contacts
from cdp.sample.crm import make_crm
from cdp.sample.delivered import Delivered
from cdp.sample.faults import plant_faults
from cdp.sample.people import make_households, make_people
from cdp.sample.sessions import make_sessions
from cdp.sample.truth import truth_tables
from cdp.sample.web import make_web
from cdp.sample.world import World

LARGEST_BLOCK = 5_000
SMALLEST_BLOCK = 250

Count = tuple[str, str, str | None, int]
"""Source, delivery folder, kind of fault (null: all rows), number of rows."""


@dataclass(frozen=True)
class Block:
    """A fixed range of customers: it depends on the size of the company only, never on cores."""

    number: int
    first: int
    customers: int


def block_size(customers: int) -> int:
    """Two blocks for a small company, so that two cores share the work, else 5,000 customers a block."""
    return min(LARGEST_BLOCK, max(SMALLEST_BLOCK, -(-customers // 2)))


def blocks_of(customers: int) -> list[Block]:
    """All blocks of a company of this size, in order."""
    size = block_size(customers)
    firsts = range(0, customers, size)
    return [Block(n, first, min(size, customers - first)) for n, first in enumerate(firsts)]


def write_block(block: Block, *, calendar: Calendar, seed: int, out: str) -> list[Count]:
    """Write all files of one block below `out`; writing it again replaces them by the same bytes."""
    first = block.first
    households = make_households(seed, first, block.customers, calendar)
    people = make_people(seed, first, households, calendar)
    contacts = make_contacts(seed, first, households, people, calendar)
    world = World(households, people, contacts, calendar)
    lives, orders, baskets = make_orders(seed, first, people, contacts, calendar)
    sessions = make_sessions(seed, first, world, lives, orders)
    consents, marketing = make_consents(seed, first, world)
    delivered = [
        make_crm(seed, first, world),
        make_web(seed, first, world, orders, baskets, sessions),
        pos.make_pos(seed, first, world, orders, baskets),
        mails.make_email(seed, first, world, marketing, lives.died_ms, consents),
        feedback.make_support(seed, first, world),
        feedback.make_surveys(seed, first, world),
        consents,
        demographics.make_demographics(seed, first, world),
    ]
    for name, table in truth_tables(world, lives, orders, delivered).items():
        _put(Path(out) / "truth" / name / f"part-{block.number:05d}.parquet", _parquet(table))
    plant_faults(seed, first, delivered)
    counts: list[Count] = []
    for part in delivered:
        counts += _write_nights(part, block, calendar, out)
    return counts


def _write_nights(part: Delivered, block: Block, calendar: Calendar, out: str) -> list[Count]:
    night = calendar.night_of(part.received_ms)
    order = np.argsort(night, kind="stable")
    if part.source != "web":  # the web's lines are already nearly in order of receipt, on purpose not quite
        order = np.lexsort((part.received_ms, night))
    bounds = np.searchsorted(night[order], np.arange(calendar.nights + 1))
    counts: list[Count] = []
    for n in range(calendar.nights):
        rows = [part.rows[i] for i in order[bounds[n] : bounds[n + 1]].tolist()]
        if rows:
            suffix, content = _encode(part.source, rows)
            folder = calendar.folder(n)
            _put(Path(out) / part.source / folder / f"part-{block.number:05d}.{suffix}", content)
            counts.append((part.source, folder, None, len(rows)))
    kinds = Counter((int(calendar.night_of(np.array([ms]))[0]), kind) for ms, kind in part.faults)
    counts += [(part.source, calendar.folder(n), k, c) for (n, k), c in sorted(kinds.items()) if n < calendar.nights]
    return counts


def _encode(source: str, rows: list) -> tuple[str, bytes]:
    """File suffix and content of one source's rows."""
    if source in ("web", "consents"):
        return "jsonl", ("\n".join(rows) + "\n").encode()
    if source == "support":
        return "xml", (
            '<?xml version="1.0" encoding="UTF-8"?>\n<tickets>\n' + "\n".join(rows) + "\n</tickets>\n"
        ).encode()
    if source == "pos":
        return "parquet", _parquet(_rows_table(rows, pos.SCHEMA))
    if source == "demographics":
        return "parquet", _parquet(_rows_table(rows, demographics.SCHEMA))
    header, delimiter, end = {
        "crm": (crm.HEADER, ",", "\r\n"),
        "email": (mails.HEADER, ",", "\n"),
        "surveys": (feedback.SURVEY_HEADER, ";", "\n"),
    }[source]
    return "csv", (end.join(delimiter.join(_quoted(f, delimiter) for f in r) for r in [header, *rows]) + end).encode()


def _quoted(field: str, delimiter: str) -> str:
    if delimiter in field or '"' in field or "\n" in field or "\r" in field:
        return '"' + field.replace('"', '""') + '"'
    return field


def _rows_table(rows: list, schema: pa.Schema) -> pa.Table:
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema
    )


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="snappy")
    return sink.getvalue().to_pybytes()


def _put(path: Path, content: bytes) -> None:
    """Write whole or not at all: a task may be run twice, even at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
