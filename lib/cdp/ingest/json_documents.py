"""Records in JSON that is not one object a line: a document (a list, or one object over many lines), lists on lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

#: A JSON document is taken apart in memory; lines of JSON are not.
MAX_DOCUMENT_BYTES = 256 << 20


def is_json_document(stream: BinaryIO) -> bool:
    """Tell whether a stream is not lines of JSON objects, but as a whole one JSON value: a list, or an object.

    One object on one line is a line. Beyond MAX_DOCUMENT_BYTES it is read as lines.
    """
    first = stream.readline(MAX_DOCUMENT_BYTES)
    while first and not first.strip():
        first = stream.readline(MAX_DOCUMENT_BYTES)
    if first.lstrip(b"\xef\xbb\xbf \t")[:1] not in (b"[", b"{") or _as_json(first) == "object":
        return False
    return _as_json(first + stream.read(MAX_DOCUMENT_BYTES)) is not None


def split_json_document(stream: BinaryIO) -> Iterator[pa.Array]:
    """Give the values of a list, or the one object, as they stand in the stream; what lies between is left out.

    A list with a value that is nested too deep for this process is one record, which will be refused.
    """
    text = stream.read().decode("utf-8-sig").strip()
    try:
        values = _values(text) if text.startswith("[") else [text.encode()]
    except RecursionError:
        values = [text.encode()]
    yield pa.array(values, pa.binary())


def unpack_lists(lines: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Take lines apart that are JSON lists of records; give the records and how many each line gave.

    An empty list, and what only begins like one, stays the line that it is.
    """
    is_list = pc.match_substring_regex(lines, r"\A\s*\[")
    if not pc.any(is_list).as_py():
        return lines, pa.array([1] * len(lines), pa.int64())
    records = [_unpack(line) if listed else [line] for line, listed in zip(*map(_items, (lines, is_list)), strict=True)]
    counts = pa.array([len(found) for found in records], pa.int64())
    return pa.array([record for found in records for record in found], pa.binary()), counts


def _items(array: pa.Array) -> list:  # type: ignore[type-arg]
    return array.to_pylist()


def _unpack(line: bytes) -> list[bytes]:
    try:
        text = line.decode().strip()
        json.loads(text)
        return _values(text) or [line]
    except (ValueError, RecursionError):
        return [line]


def _values(text: str) -> list[bytes]:
    """Give the values of a JSON list as they are written."""
    decoder = json.JSONDecoder()
    values: list[bytes] = []
    at = _after_blanks(text, 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        values.append(text[at:end].encode())
        at = _after_blanks(text, end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return values


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _as_json(data: bytes) -> str | None:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return "object" if isinstance(value, dict) else "list" if isinstance(value, list) else None
