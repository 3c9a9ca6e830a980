"""Cut a large file of lines into pieces that are read side by side, each knowing the number of its first line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from cdp.ingest.records import BLOCK_BYTES, split_lines


@dataclass(frozen=True)
class Piece:
    """Whole lines of a plain file: its bytes from `start` to `end`, and how many lines come before them."""

    start: int
    end: int
    lines_before: int


def cut_into_pieces(path: str, piece_bytes: int) -> list[Piece]:
    """Cut a plain file at line ends into pieces of about that size, so that they can be read side by side."""
    pieces: list[Piece] = []
    start = offset = lines = lines_before = 0
    with Path(path).open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            cut = block.find(b"\n", max(0, start + piece_bytes - offset)) + 1
            if cut and offset + cut > start + piece_bytes:
                pieces.append(Piece(start, offset + cut, lines_before))
                start, lines_before = offset + cut, lines + block.count(b"\n", 0, cut)
            lines += block.count(b"\n")
            offset += len(block)
    return pieces if start == offset and pieces else [*pieces, Piece(start, offset, lines_before)]


class _Part:
    """A file as a stream that begins and ends in the midst of it."""

    def __init__(self, stream: BinaryIO, piece: Piece) -> None:
        stream.seek(piece.start)
        self._stream, self._left = stream, piece.end - piece.start

    def read(self, size: int) -> bytes:
        """Read on, to the end of the piece at most."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


def split_piece(path: str, piece: Piece) -> Iterator[pa.Array]:
    """Give the lines of one piece of a file."""
    with Path(path).open("rb") as stream:
        yield from split_lines(_Part(stream, piece))
