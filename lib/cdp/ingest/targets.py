"""How the rows of each silver table are filled: what a mapping may give, and what is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cdp.contracts.model import TableContract
from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES

#: A message may wait on a phone that is offline; beyond this the sender's clocks are not believed.
MAX_QUEUE_DAYS = 7
#: A message needs a moment to arrive: event_at counts as corrected when it moved by more.
CORRECTED_SECONDS = 2
#: What claims to have happened after it arrived, by more than this, happened when it arrived.
MAX_AHEAD_SECONDS = 300
#: What is dated later than this after its delivery has not happened.
MAX_FUTURE_DAYS = 2
#: What robots call themselves in a user agent; besides, words that end in "bot".
_BOTS = ("crawl", "spider", "slurp", "headless", "lighthouse", "facebookexternalhit", "preview", "monitor")

Values = Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """A silver table as ingest fills it.

    `inputs`: columns that only the mapping knows, and their types where the table has no such column;
    `time`: the column that says when, refused before `earliest`; `derive`: gives Spark SQL for the columns that are
    computed.
    """

    contract: TableContract
    time: str
    id_column: str
    derive: Callable[[Values], dict[str, str]]
    json_column: str | None = None
    extra_inputs: Mapping[str, str] | None = None
    derived: frozenset[str] = frozenset({"source", "record_id", "identifiers", "landed_id"})
    earliest: str | None = None

    @property
    def input_types(self) -> dict[str, str]:
        """The columns that a mapping may give: name -> Spark type."""
        types = {c.name: c.type for c in self.contract.columns if c.name not in self.derived | {self.id_column}}
        return {**types, **(self.extra_inputs or {})}


def _derive_event(v: Values) -> dict[str, str]:
    original, sent, received, given = v["original_at"], v["sent_at"], v["received_at"], v["event_at"]
    happened = f"coalesce({original}, {given})"
    queue = f"unix_micros({sent}) - unix_micros({happened})"
    is_usable = f"coalesce({received} IS NOT NULL AND {queue} BETWEEN 0 AND {MAX_QUEUE_DAYS * 86_400_000_000}, false)"
    stated = f"coalesce({given}, {original})"
    ahead = f"unix_micros({stated}) - unix_micros({received})"
    is_ahead = f"{ahead} BETWEEN {MAX_AHEAD_SECONDS * 1_000_000} AND {MAX_FUTURE_DAYS * 86_400_000_000}"
    event_at = f"""CASE WHEN {is_usable} THEN timestamp_micros(unix_micros({received}) - ({queue}))
        WHEN {stated} IS NULL OR coalesce({is_ahead}, false) THEN {received}
        ELSE {stated} END"""
    moved = f"abs(unix_micros({event_at}) - unix_micros({happened})) > {CORRECTED_SECONDS * 1_000_000}"
    return {
        "event_at": event_at,
        "original_at": happened,
        "is_event_at_filled": f"{given} IS NULL AND {original} IS NULL",
        "is_time_corrected": f"coalesce({moved}, false)",
        "is_bot": is_bot_sql(f"lower({v['user_agent']})"),
    }


def is_bot_sql(agent: str) -> str:
    """Write whether a user agent in small letters is a robot's.

    Word by word: Java takes 5 microseconds for one pattern of all these words, many times as much as for other checks.
    """
    words = [f"contains({agent}, '{word}')" for word in _BOTS]
    return f"coalesce({' OR '.join(words)} OR contains({agent}, 'bot') AND {agent} RLIKE 'bot\\\\b', false)"


def _derive_order_line(v: Values) -> dict[str, str]:
    given, price, discount = v["quantity"], v["unit_price"], f"coalesce({v['discount']}, 0)"
    quantity = f"CASE WHEN {v['is_return']} THEN -abs({given}) ELSE {given} END"
    net = f"abs({given}) * {price} - abs({discount})"
    amount = f"coalesce({v['amount']}, CAST(CASE WHEN ({quantity}) < 0 THEN -({net}) ELSE {net} END AS DECIMAL(18,4)))"
    return {
        "quantity": quantity,
        "amount": amount,
        "is_return": f"coalesce({v['is_return']}, {given} < 0, {v['amount']} < 0, false)",
        "is_cancelled": f"coalesce({v['is_cancelled']}, false)",
    }


def _derive_nothing(_: Values) -> dict[str, str]:
    return {}


def _derive_record(v: Values) -> dict[str, str]:
    return {
        "record_id": f"concat(__source, ':', {v['source_record_id']})",
        "change_no": f"coalesce({v['change_no']}, '')",
        "is_deleted": f"coalesce({v['is_deleted']}, false)",
    }


TARGETS: dict[str, Target] = {
    "events": Target(
        EVENTS,
        "event_at",
        "event_id",
        _derive_event,
        "properties",
        {"user_agent": "STRING"},
        frozenset(
            {"source", "record_id", "identifiers", "landed_id", "is_time_corrected", "is_bot"}
            | {"is_message_id_filled", "is_event_at_filled"}
        ),
        # Clocks that were reset say 1970 or the year 1; there was no web before.
        "1990-01-01",
    ),
    "order_lines": Target(ORDER_LINES, "ordered_at", "order_line_id", _derive_order_line),
    "customer_records": Target(CUSTOMER_RECORDS, "valid_from", "record_id", _derive_record, "attributes"),
    "feedback": Target(FEEDBACK, "given_at", "feedback_id", _derive_nothing, "answers"),
    "consents": Target(CONSENTS, "valid_from", "consent_id", _derive_nothing),
}
#: The silver tables that ingest fills.
SILVER = tuple(target.contract for target in TARGETS.values())
