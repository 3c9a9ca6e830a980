"""The known share of broken input: copies of good rows, each broken in one way that no reader may accept.

Copies, so that nothing true is lost when they are refused; their ids differ from the original's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from cdp.sample import crm, feedback, mails, pos
from cdp.sample.calendar import stream
from cdp.sample.delivered import Delivered

FAULT_SHARE = 0.005
BAD_TIME = "2025-13-45T99:00:00Z"
_TIMES = re.compile(r'"(timestamp|originalTimestamp|sentAt|receivedAt|occurred_at)":"[^"]*"')
_JSON_ID = re.compile(r'"(messageId|id)":"([^"]*)"')

Break = Callable[[Any], Any]


def _renamed(text: str) -> str:
    return _JSON_ID.sub(r'"\1":"\2-x"', text, count=1)


def _json_without_id_and_time(text: str) -> str:
    return _TIMES.sub('"was":null', _JSON_ID.sub('"was":null', text, count=1))


def _replaced(header: tuple[str, ...] | list[str], column: str, value: Any, key: str) -> Break:
    """Set one column to a bad value, and mark the key so that the row is not taken for its original."""
    at, key_at = list(header).index(column), list(header).index(key)

    def apply(row: list[Any] | tuple[Any, ...]) -> list[Any]:
        out = list(row)
        out[key_at] = f"{out[key_at]}x"
        out[at] = value
        return out

    return apply


_WEB: dict[str, Break] = {
    "cut": lambda t: _renamed(t)[: int(len(t) * 0.6)],
    "no_id_no_time": _json_without_id_and_time,
    "wrong_type": lambda t: _TIMES.sub(r'"\1":{"value":true}', _renamed(t)),
    "bad_date": lambda t: _TIMES.sub(rf'"\1":"{BAD_TIME}"', _renamed(t)),
    "unknown_type": lambda t: re.sub(r'"type":"[a-z]+"', '"type":"teleport"', _renamed(t), count=1),
}
_CONSENTS: dict[str, Break] = {
    "cut": lambda t: _renamed(t)[: int(len(t) * 0.6)],
    "unknown_state": lambda t: re.sub(r'"state":"[a-z]+"', '"state":"maybe"', _renamed(t)),
    "no_subject": lambda t: re.sub(r'"subject":\{[^}]*\}', '"subject":null', _renamed(t)),
    "bad_date": lambda t: _TIMES.sub(rf'"\1":"{BAD_TIME}"', _renamed(t)),
}
_COLUMNS: dict[str, Break] = {
    "missing_column": lambda row: list(row)[:-1],
    "shifted_column": lambda row: [*list(row)[:2], "", *list(row)[2:]],
}
_POS = [f.name for f in pos.SCHEMA]
KINDS: dict[str, dict[str, Break]] = {
    "web": _WEB,
    "consents": _CONSENTS,
    "crm": {
        **_COLUMNS,
        "bad_date": _replaced(crm.HEADER, "updated_at", "2025-02-31 25:61:00", "customer_no"),
        "no_key": _replaced(crm.HEADER, "customer_no", "", "customer_no"),
    },
    "email": {
        **_COLUMNS,
        "bad_time": _replaced(mails.HEADER, "occurred_at", "yesterday", "message_id"),
        "unknown_event": _replaced(mails.HEADER, "event", "teleported", "message_id"),
    },
    "surveys": {
        **_COLUMNS,
        "bad_date": _replaced(feedback.SURVEY_HEADER, "submitted_at", "soon", "response_id"),
    },
    "support": {
        "bad_date": lambda t: re.sub(r"<opened_at>[^<]*<", f"<opened_at>{BAD_TIME}<", t.replace(' id="T', ' id="TX')),
        "no_key": lambda t: re.sub(r' id="[^"]*"', "", t),
    },
    "pos": {
        "negative_price": lambda row: [f"{row[0]}x", *row[1:9], -row[9] - 1.0, *row[10:]],
        "no_time": _replaced(_POS, "sold_at", None, "receipt_no"),
        "no_key": _replaced(_POS, "receipt_no", None, "receipt_no"),
        "no_quantity": _replaced(_POS, "quantity", None, "receipt_no"),
    },
    "demographics": {"no_key": lambda row: [None, *row[1:]]},
}


def plant_faults(seed: int, first: int, delivered: list[Delivered]) -> None:
    """Add broken copies to every source; which and how depends on the seed and the block only."""
    rng = stream(seed, first, "faults")
    for part in delivered:
        kinds = list(KINDS[part.source].items())
        hit = np.flatnonzero(rng.random(len(part.rows)) < FAULT_SHARE)
        how = rng.integers(0, len(kinds), len(hit))
        broken: list[tuple[int, Any, str]] = []
        for row, kind in zip(hit.tolist(), how.tolist(), strict=True):
            name, apply = kinds[kind]
            broken.append((int(part.received_ms[row]), apply(part.rows[row]), name))
        if broken:
            part.rows += [b[1] for b in broken]
            part.received_ms = np.concatenate([part.received_ms, np.array([b[0] for b in broken], dtype=np.int64)])
            part.faults = [(b[0], b[2]) for b in broken]
