"""Split a file's bytes into its records, nothing changed: lines and CSV rows.

Runs inside Spark's Python workers on streams of any size: memory is bounded by a block and the largest record.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import numpy as np
import pyarrow as pa

#: Bytes read at once: a few thousand records a batch, small against a worker's memory.
BLOCK_BYTES = 4 << 20
#: A quote that is never closed would swallow the rest of a file: beyond this a row ends at its first line end.
MAX_ROW_BYTES = 4 << 20
_NEWLINE, _RETURN = 0x0A, 0x0D


class Stream(Protocol):
    """What can be read on."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, none at the end."""


def compression_of(path: str) -> str | None:
    """Tell whether a file is compressed, by its first bytes or else by its name: gzip, zstd or None."""
    with Path(path).open("rb") as stream:
        first = stream.read(4)
    for magic, ending, name in ((b"\x1f\x8b", ".gz", "gzip"), (b"\x28\xb5\x2f\xfd", ".zst", "zstd")):
        if first.startswith(magic) or path.endswith(ending):
            return name
    return None


def open_stream(path: str) -> BinaryIO:
    """Open a file for reading, through gzip or zstd where it is compressed."""
    compression = compression_of(path)
    if compression == "gzip":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if compression == "zstd":
        return io.BufferedReader(pa.input_stream(path, compression="zstd"), BLOCK_BYTES)
    return Path(path).open("rb")


def split_lines(stream: Stream, block_bytes: int = BLOCK_BYTES, *, by_return: bool = False) -> Iterator[pa.Array]:
    """Give the physical lines of a stream, each with its line end, as binary arrays.

    A line ends with a newline; a return inside it belongs to it. With `by_return` a lone return ends one too.
    """
    return _split_blocks(stream, block_bytes, _any_line_ends if by_return else lambda data, _: _newlines(data))


def ends_by_return(stream: BinaryIO, quote: bytes = b"") -> bool:
    """Tell whether the first line ends with a lone return, as the lines of old Macs do; not one inside quotes."""
    head = b""
    while block := stream.read(BLOCK_BYTES):
        head += block
        if quote:
            head = re.sub(re.escape(quote) + b"[^" + re.escape(quote) + b"]*" + re.escape(quote), b"", head)
        if _NEWLINE in head or _RETURN in head[:-1] or len(head) > MAX_ROW_BYTES:
            break
    first = min((at for at in (head.find(b"\n"), head.find(b"\r")) if at >= 0), default=len(head))
    return head[first : first + 1] == b"\r" and head[first + 1 : first + 2] != b"\n"


def split_csv_rows(
    stream: BinaryIO, *, delimiter: bytes, quote: bytes, by_return: bool = False, block_bytes: int = BLOCK_BYTES
) -> Iterator[pa.Array]:
    """Give the logical rows of a CSV stream (line ends inside quotes belong to the row), the header first.

    With `by_return` a line ends with a return, and a newline inside it belongs to it.
    """
    end = b"\r" if by_return else b"\n"
    return _split_blocks(stream, block_bytes, lambda data, is_last: csv_row_ends(data, delimiter, quote, end, is_last))


def first_csv_row(stream: BinaryIO, *, quote: bytes, by_return: bool) -> bytes:
    """Read the first logical row: the header."""
    end, row = b"\r" if by_return else b"\n", b""
    while block := stream.read(BLOCK_BYTES):
        at = -1
        row += block
        while (at := row.find(end, at + 1)) >= 0:
            if row.count(quote, 0, at) % 2 == 0:
                return row[: at + 1]
        if len(row) > MAX_ROW_BYTES:
            break
    return row


def _split_blocks(stream: Stream, block_bytes: int, ends_of: Callable[[bytes, bool], np.ndarray]) -> Iterator[pa.Array]:
    """Cut a stream at the ends that `ends_of` finds (positions after each record) and carry the rest over."""
    rest = b""
    while True:
        block = stream.read(block_bytes)
        data = rest + block
        ends = ends_of(data, not block)
        if not block and data and (not len(ends) or ends[-1] != len(data)):
            ends = np.append(ends, len(data))
        if len(ends):
            yield _binary_array(data, ends)
        if not block:
            return
        rest = data[int(ends[-1]) :] if len(ends) else data


def _binary_array(data: bytes, ends: np.ndarray) -> pa.Array:
    """Describe records inside one buffer, without copying them."""
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _newlines(data: bytes, end: int = _NEWLINE) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == end) + 1


def _any_line_ends(data: bytes, is_last: bool) -> np.ndarray:
    """Find the ends of lines by newline, return, or both; a return at the end of the data may have its newline yet."""
    octets = np.frombuffer(data, np.uint8)
    returns = np.flatnonzero(octets == _RETURN)
    if len(returns) and returns[-1] == len(data) - 1 and not is_last:
        returns = returns[:-1]
    lone = returns[octets[np.minimum(returns + 1, len(data) - 1)] != _NEWLINE]
    return np.sort(np.concatenate((lone + 1, _newlines(data))))


def csv_row_ends(data: bytes, delimiter: bytes, quote: bytes, end: bytes, is_last: bool) -> np.ndarray:
    """Find where the logical rows end: at line ends (`end`) with an even number of quotes before them.

    That holds when every opening quote begins a value. Where a stray quote stands inside a value, the block is
    walked line by line instead.
    """
    ends = _newlines(data, end[0])
    if quote not in data:
        return ends
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == quote[0])
    openers = quotes[::2]
    before = octets[np.maximum(openers - 1, 0)]
    begins_value = (openers == 0) | np.isin(before, [delimiter[-1], _NEWLINE, _RETURN, quote[0]])
    if not begins_value.all() or (is_last and len(quotes) % 2) or (len(quotes) % 2 and len(data) > MAX_ROW_BYTES):
        return _walk_csv_rows(data, delimiter, quote, end, is_last)
    return ends[np.searchsorted(quotes, ends) % 2 == 0]


def _walk_csv_rows(data: bytes, delimiter: bytes, quote: bytes, end: bytes, is_last: bool) -> np.ndarray:
    """Find the ends of rows when quotes also stand inside values: such a quote is a plain character.

    A quoted value that never closes ends its row at the first line end: it costs one row, not the file.
    """
    ends: list[int] = []
    start = 0
    while start < len(data):
        place = _csv_row_end(data, start, delimiter, quote, end, is_last)
        if place is None:
            place = data.find(end, start) + 1
            if not place or not (is_last or len(data) - start > MAX_ROW_BYTES):
                break
        ends.append(place)
        start = place
    return np.array(ends, dtype=np.int64)


def _csv_row_end(data: bytes, start: int, delimiter: bytes, quote: bytes, end: bytes, is_last: bool) -> int | None:
    """Find the end of the row that begins at `start`; None where it is still open at the end of the data."""
    position = start
    while True:
        if data.startswith(quote, position):
            closing = data.find(quote, position + 1)
            while closing >= 0 and data.startswith(quote, closing + 1):
                closing = data.find(quote, closing + 2)
            if closing < 0 or (closing + 1 == len(data) and not is_last):
                return None
            position = closing + 1
        line_end = data.find(end, position)
        comma = data.find(delimiter, position, line_end if line_end >= 0 else len(data))
        if comma < 0:
            return line_end + 1 if line_end >= 0 else None
        position = comma + len(delimiter)
