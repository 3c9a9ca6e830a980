"""CloudEvents 1.0 over HTTP: structured, batch and binary mode, each event as one line in the JSON format.

What the collector adds is in extension attributes, whose names must be lower-case letters and digits:
`receivedat`, and `collectorraw` (base64) where an event's bytes could not stand in the line as they came; else
they are what stands before the last `,"receivedat":`, and a closing brace.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import unquote

from cdp.ingest.collect.lines import as_json, extend_object, is_verbatim
from cdp.ingest.collect.messages import Message, is_json, read_message, read_messages

_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_JSON = re.compile(r"^[^;]*[/+]json\s*(;|$)", re.IGNORECASE)


def read_events(body: bytes, headers: Iterable[tuple[str, str]]) -> tuple[Message, ...]:
    """The events of a request, whichever mode it is in. UnreadableError where the body does not fit its mode."""
    pairs = list(headers)
    media = dict(pairs).get("content-type", "")
    kind = media.lower()
    if kind.startswith(_BATCH):
        return read_messages(body)
    if kind.startswith(_STRUCTURED):
        return (read_message(body),)
    return (read_message(_binary_event(body, pairs, media)),)


def event_line(event: Message, *, received_at: bytes) -> bytes:
    """The line of an event, line end included."""
    added = {"receivedat": received_at}
    is_object = isinstance(event.content, dict)
    if not is_verbatim(event.raw):
        added["collectorraw"] = as_json(base64.b64encode(event.raw).decode())
    return extend_object(event.raw if is_object else b"{}", added) + b"\n"


def _binary_event(body: bytes, headers: list[tuple[str, str]], media: str) -> bytes:
    """Binary mode in the JSON format: `ce-` headers are attributes (percent-decoded), the body is the data."""
    members = {n.removeprefix("ce-"): as_json(unquote(v)) for n, v in headers if n.startswith("ce-")}
    if media:
        members["datacontenttype"] = as_json(media)
    if body and (not media or _JSON.match(media)) and is_json(body):
        members["data"] = body
    elif body:
        members["data_base64"] = as_json(base64.b64encode(body).decode())
    return b"{" + b",".join(as_json(name) + b":" + value for name, value in members.items()) + b"}"
