"""Paths of channels that people went, as flat arrays: what every rule of attribution counts on.

A path is written ``search > mail > shop``: the channels in the order of the touches, the last one first before the
conversion. ``->``, ``=>`` and ``→`` part channels too; spaces around a name mean nothing, and a step without a name is
no step. Equal paths are one path with summed counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.core.errors import ContractError, nearest_name
from cdp.core.numbers import EXACT
from cdp.models.arrays import Floats, Ints

COLUMNS = ("path", "conversions", "value", "nulls")
_ARROWS = "->|=>|→"
#: Sorts before every character of a name, so that a shorter path comes before those that begin with it.
_STEP = "\x1f"


@dataclass(frozen=True)
class LeftOut:
    """What rows with a path of no channel carried: nobody can be given credit for it."""

    rows: int
    conversions: float
    value: float
    nulls: float


@dataclass(frozen=True)
class Paths:
    """Distinct paths in the order of their text. `touches[starts[i]:starts[i + 1]]` are the channels of path i.

    `conversions` and `nulls`: how often the path ended with and without a conversion. `value`: what its conversions
    brought in all, None where the data do not say.
    """

    channels: list[str]
    touches: Ints
    starts: Ints
    conversions: Floats
    nulls: Floats
    value: Floats | None
    left_out: LeftOut

    @property
    def lengths(self) -> Ints:
        """Touches of each path."""
        return np.diff(self.starts)

    @property
    def owner(self) -> Ints:
        """The path of each touch."""
        return np.repeat(np.arange(len(self.conversions)), self.lengths)

    def with_counts(self, conversions: Floats, nulls: Floats) -> Paths:
        """The same paths, gone other numbers of times."""
        return replace(self, conversions=conversions, nulls=nulls)


def collect_paths(rows: pa.Table) -> Paths:
    """Distinct paths of a table with columns `path`, `conversions` and, where known, `value` and `nulls`.

    An empty cell of the three numbers counts as 0; other columns are not read. :class:`ContractError` when a needed
    column is missing, a number is none or negative (a `value` may be), no path has a channel, or value comes without
    any conversion.
    """
    for name in COLUMNS[:2]:
        if name not in rows.column_names:
            raise ContractError(f"no column {name!r}: {nearest_name(name, rows.column_names)}; needed are path and "
                                "conversions, with value and nulls where known")  # fmt: skip
    if pa.types.is_nested(rows["path"].type) or pa.types.is_binary(rows["path"].type):
        raise ContractError(f"column 'path' is of type {rows['path'].type}: write each as one text, a > b > c")
    numbers = {name: _numbers(rows, name) for name in COLUMNS[1:] if name in rows.column_names}
    texts = _normalised(rows["path"].cast(pa.string()).combine_chunks())
    table = pa.table({"path": texts, **numbers})
    table = table.sort_by([(name, "ascending") for name in table.column_names])  # sums of doubles hang on the order
    sums = [(name, "sum") for name in numbers]
    is_empty = pc.equal(table["path"], "")
    left = table.filter(is_empty)
    grouped = table.filter(pc.invert(is_empty)).group_by("path", use_threads=False).aggregate(sums).sort_by("path")
    if not grouped.num_rows:
        raise ContractError(f"none of {rows.num_rows:,} rows has a channel in its path: write it as a > b > c")
    lists = pc.split_pattern(grouped["path"].combine_chunks(), _STEP)
    channels, touches = _coded(lists.flatten())
    counts = {name: grouped[f"{name}_sum"].to_numpy() for name in numbers}
    paths = Paths(
        channels, touches, lists.offsets.to_numpy().astype(np.int64), counts["conversions"],
        counts.get("nulls", np.zeros(grouped.num_rows)), counts.get("value"),
        LeftOut(left.num_rows, *(pc.sum(left[c]).as_py() or 0.0 if c in numbers else 0.0 for c in COLUMNS[1:])),
    )  # fmt: skip
    if paths.value is not None and not paths.conversions.any() and paths.value.any():
        raise ContractError("the paths have value but no conversion: is `conversions` the right column?")
    return paths


def _normalised(texts: pa.StringArray) -> pa.StringArray:
    """Named steps joined by `_STEP`; the empty text where there is none."""
    plain = pc.replace_substring_regex(pc.fill_null(texts, ""), _ARROWS, ">")
    joined = pc.replace_substring_regex(plain, r"[\s\x{a0}]*>[\s\x{a0}>]*", _STEP)
    return pc.utf8_trim(joined, f" \t\r\n\xa0{_STEP}")


def _coded(names: pa.StringArray) -> tuple[list[str], Ints]:
    """Channel names in order, and each touch as a place among them."""
    coded = pc.dictionary_encode(names)
    found = np.array(coded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(found)
    place = np.empty(len(found), dtype=np.int64)
    place[order] = np.arange(len(found))
    return found[order].tolist(), place[coded.indices.to_numpy()]


def _numbers(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of counts or money as doubles."""
    column = rows[name]
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    try:
        doubles = pc.fill_null(column.cast(pa.float64(), safe=False), 0.0)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ContractError(f"column {name!r} holds something that is no number (write 1234.5)") from None
    bad = pc.invert(pc.is_finite(doubles))
    if name != "value":
        bad = pc.or_(bad, pc.less(doubles, 0.0))
    if count := pc.sum(bad).as_py():
        raise ContractError(f"column {name!r} is negative or not finite in {count:,} of {rows.num_rows:,} rows")
    if (pc.sum(pc.abs(doubles)).as_py() or 0.0) > EXACT:
        raise ContractError(f"column {name!r} comes to more than {EXACT:.0e}: what is added then is lost in rounding")
    return doubles
