"""Segment's HTTP API: from a request's body to lines, call by call, as its SDKs send them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cdp.ingest.collect.lines import lay_over, make_line
from cdp.ingest.collect.messages import Batch, Message, UnreadableError, member_bytes

CALLS = ("track", "identify", "page", "screen", "group", "alias")
#: The paths below /v1: names as documented, and the one letter that browsers and phones send.
CALL_PATHS = {**{call: call for call in CALLS}, **{call[0]: call for call in CALLS}}
BATCH_PATHS = ("batch", "import", "b")
#: A transparent GIF of one pixel.
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def call_line(message: Message, call: str, *, received_at: bytes, about: dict[str, Any]) -> bytes:
    """The line of a single call: the path says its type, whatever the message says."""
    added = {} if message.content.get("type") == call else {"type": f'"{call}"'.encode()}
    return make_line(message.raw, message.content, received_at=received_at, added=added, about=about)


def batch_lines(batch: Batch, *, received_at: bytes, about: dict[str, Any]) -> bytes:
    """The lines of a batch, in its order; what it says about all messages is given to each of them."""
    return b"".join(
        make_line(m.raw, m.content, received_at=received_at, added=_shared(batch, m), about=about)
        for m in batch.messages
    )


def _shared(batch: Batch, message: Message) -> dict[str, bytes]:
    if not batch.shared or not isinstance(message.content, dict):
        return {}
    added = {}
    for name, value in batch.shared.items():
        own = message.content.get(name)
        if own is None:
            added[name] = value
        elif name != "sentAt" and isinstance(own, dict):
            added[name] = lay_over(value, member_bytes(message.raw, name) or b"{}")
    return added


def pixel_message(data: str) -> bytes:
    """The message in a pixel's `data`: base64, plain or URL-safe, with or without padding."""
    text = data.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError("data is not base64") from None
