"""Find the messages in a request without changing a byte of them.

The body is read as Latin-1, where one byte is one character, so that every position in the text is one in the
body. The reader is lenient on purpose (NaN, line breaks in strings, half an emoji, bytes that are no UTF-8): what
can be cut into messages is kept, and the pipeline says what is wrong with each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Numbers stay texts: nobody computes with them here, and huge ones would be refused.
_READER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\n\r]*")
_BOM = b"\xef\xbb\xbf"
#: Keys of a batch that belong to each of its messages.
_SHARED = ("context", "integrations")


class UnreadableError(ValueError):
    """The body cannot be taken apart: nothing of it can be kept."""


@dataclass(frozen=True)
class Message:
    """One message: its bytes as they came, and what the reader made of them (a dict, if it is an object)."""

    raw: bytes
    content: Any


@dataclass(frozen=True)
class Batch:
    """A batch request: its messages, and the bytes of what it says about all of them (sentAt, context, ...)."""

    messages: tuple[Message, ...]
    shared: dict[str, bytes]
    write_key: Any

    @property
    def repeated_bytes(self) -> int:
        """What the shared parts grow to when every message gets them."""
        return len(self.messages) * sum(len(value) for value in self.shared.values())


def read_message(body: bytes) -> Message:
    """Read a body that is one JSON object. UnreadableError where it is none."""
    reader = _Reader(body)
    content = reader.value()
    reader.finish()
    if not isinstance(content, dict):
        raise UnreadableError("a message is a JSON object")
    return Message(body, content)


def read_messages(body: bytes) -> tuple[Message, ...]:
    """Read a body that is a JSON array of messages; an element that is no object is kept for the pipeline to refuse."""
    reader = _Reader(body)
    messages = tuple(reader.elements())
    reader.finish()
    return messages


def read_batch(body: bytes) -> Batch:
    """Read `{"batch": [...], "sentAt": ..., "context": ..., "writeKey": ...}`."""
    reader = _Reader(body)
    messages: list[Message] | None = None
    shared: dict[str, bytes] = {}
    write_key = None
    for key in reader.members():
        if key == "batch":
            messages = [*(messages or ()), *reader.elements()]
            continue
        start = reader.at
        value = reader.value()
        if key == "writeKey":
            write_key = value
        elif key == "sentAt" or (key in _SHARED and isinstance(value, dict)):
            shared[key] = body[start : reader.at]
    reader.finish()
    if messages is None:
        raise UnreadableError("a batch needs an array named batch")
    return Batch(tuple(messages), shared, write_key)


def member_bytes(message: bytes, name: str) -> bytes | None:
    """The bytes of an object's member (the last one of that name); None where it has none."""
    reader = _Reader(message)
    found = None
    for key in reader.members():
        start = reader.at
        reader.value()
        if key == name:
            found = message[start : reader.at]
    return found


def is_json(body: bytes) -> bool:
    """Whether the bytes are one JSON value."""
    try:
        reader = _Reader(body)
        reader.value()
        reader.finish()
    except UnreadableError:
        return False
    return True


class _Reader:
    """A place in a body; every method reads from there and moves on behind what it read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._text = body.decode("latin-1")
        self.at = len(_BOM) if body.startswith(_BOM) else 0
        self._skip_space()

    def value(self) -> Any:
        try:
            value, self.at = _READER.raw_decode(self._text, self.at)
        except json.JSONDecodeError as error:
            raise UnreadableError(f"not JSON at byte {error.pos}: {error.msg}") from None
        except RecursionError:
            raise UnreadableError("nested too deeply") from None
        return value

    def members(self) -> Iterator[str]:
        """Give the keys of an object; the caller reads each value before it asks for the next key."""
        for _ in self._parts("{", "}"):
            if not self._text.startswith('"', self.at):
                raise UnreadableError(f"a key is missing at byte {self.at}")
            key: str = self.value()
            self._take(":")
            yield key

    def elements(self) -> Iterator[Message]:
        """Give the elements of an array."""
        for _ in self._parts("[", "]"):
            start = self.at
            content = self.value()
            yield Message(self._body[start : self.at], content)

    def finish(self) -> None:
        """Make sure that nothing but white space follows."""
        self._skip_space()
        if self.at != len(self._text):
            raise UnreadableError(f"more data at byte {self.at}, behind the JSON value")

    def _parts(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self._text.startswith(closing, self.at):
            self.at += 1
            return
        while True:
            yield
            self._skip_space()
            if self._text.startswith(closing, self.at):
                self.at += 1
                return
            self._take(",")

    def _take(self, character: str) -> None:
        self._skip_space()
        if not self._text.startswith(character, self.at):
            raise UnreadableError(f"'{character}' is missing at byte {self.at}")
        self.at += 1
        self._skip_space()

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self.at)
        self.at = match.end() if match else self.at
