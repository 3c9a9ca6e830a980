"""A message as one line of a file: its own bytes first, then what only the collector knows.

`{<the message's members as they came>,"receivedAt":"...","collector":{"bytes":n,...}}`: the message's bytes are
the line's first n - 1 and a closing brace. Where that cannot be (line breaks, white space around it, not an
object), `collector.raw` holds the bytes in base64, and an object still reads the same. JSON readers take the last of
two equal keys, so what the collector adds wins over what a message claims.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from cdp.ingest.collect.messages import read_message

#: One character for one: line breaks between the tokens of a message would break the line.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_SPACE = b" \t\r\n"


def as_time(moment: datetime) -> bytes:
    """A UTC moment as a JSON text with milliseconds."""
    return f'"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"'.encode()


def as_json(value: Any) -> bytes:
    """Any value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def extend_object(message: bytes, members: dict[str, bytes]) -> bytes:
    """Put members behind those of a JSON object, on one line, without the line end."""
    own = message.strip(_SPACE)[:-1]
    added = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items())
    comma = b"" if own.rstrip(_SPACE) == b"{" else b","
    return (own + comma + added + b"}").translate(_ONE_LINE)


def is_verbatim(message: bytes) -> bool:
    """Whether the message's bytes can stand at the beginning of a line as they are."""
    return message[:1] == b"{" and message[-1:] == b"}" and b"\n" not in message and b"\r" not in message


def make_line(
    message: bytes, content: Any, *, received_at: bytes, added: dict[str, bytes], about: dict[str, Any]
) -> bytes:
    """The line of a message, line end included.

    `content` is what the reader made of it; `added` are members for the message itself (name -> JSON), `about` what is
    known of the request, for the member `collector`.
    """
    is_object = isinstance(content, dict)
    proof: dict[str, Any] = {"bytes": len(message)}
    if not is_verbatim(message):
        proof["raw"] = base64.b64encode(message).decode()
    members = {**added, "receivedAt": received_at, "collector": as_json({**about, **proof})}
    return extend_object(message.removeprefix(b"\xef\xbb\xbf") if is_object else b"{}", members) + b"\n"


def original_message(line: bytes) -> bytes:
    """The bytes of the message as they were received, from its line."""
    about = read_message(line).content["collector"]
    return base64.b64decode(about["raw"]) if "raw" in about else line[: int(about["bytes"]) - 1] + b"}"


def lay_over(outer: bytes, inner: bytes) -> bytes:
    """One JSON object with the members of both; where both have a key, the inner one's counts, being the last."""
    first, second = outer.rstrip(_SPACE)[:-1], inner.lstrip(_SPACE)[1:]
    if first.rstrip(_SPACE) == b"{" or second.lstrip(_SPACE).startswith(b"}"):
        return inner if first.rstrip(_SPACE) == b"{" else outer
    return first + b"," + second
