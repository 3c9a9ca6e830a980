"""Who bought which item on which day, as flat arrays: what the recommendations are learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cdp.core.dates import times_of_texts
from cdp.core.errors import ContractError, nearest_name
from cdp.models.arrays import Ints

COLUMNS = ("customer_id", "at", "item_id")


@dataclass(frozen=True)
class PurchaseLog:
    """Distinct (customer, item, day), sorted so. `customer` and `item` are places in the sorted ids.

    `day`: days since 1970-01-01, UTC. `incomplete`: rows that lacked an id or a date and were left out.
    """

    customer_ids: pa.Array
    item_ids: pa.Array
    customer: Ints
    item: Ints
    day: Ints
    incomplete: int = 0

    @property
    def n_customers(self) -> int:
        """All customers of the file, also those who only come later."""
        return len(self.customer_ids)

    @property
    def n_items(self) -> int:
        """All items of the file."""
        return len(self.item_ids)

    def until(self, day: int) -> PurchaseLog:
        """The purchases up to and including `day`: the only door through which a cut sees the data."""
        return self._where(self.day <= day)

    def between(self, after: int, until: int) -> PurchaseLog:
        """The purchases after the day `after`, up to and including `until`."""
        return self._where((self.day > after) & (self.day <= until))

    def _where(self, keep: NDArray[np.bool_]) -> PurchaseLog:
        return replace(self, customer=self.customer[keep], item=self.item[keep], day=self.day[keep])


def collect_purchases(rows: pa.Table) -> PurchaseLog:
    """The log of a table with columns `customer_id`, `at` and `item_id`; other columns are not read.

    Ids are whole numbers or text; `at` is a date, a timestamp or ISO 8601 text (without a zone: UTC). Rows without one
    of the three are left out and counted. :class:`ContractError` when a column is missing or of another kind.
    """
    for name in COLUMNS:
        if name not in rows.column_names:
            raise ContractError(
                f"no column {name!r}: {nearest_name(name, rows.column_names)}; needed are {', '.join(COLUMNS)}"
            )
    table = pa.table([_ids(rows, "customer_id"), _days(rows["at"]), _ids(rows, "item_id")], names=COLUMNS)
    known = table.drop_null()
    customer_ids, customer = _places(known["customer_id"])
    item_ids, item = _places(known["item_id"])
    day = known["at"].to_numpy()
    order = np.lexsort((day, item, customer))
    customer, item, day = customer[order], item[order], day[order]
    is_new = np.ones(len(day), dtype=bool)
    is_new[1:] = (np.diff(customer) != 0) | (np.diff(item) != 0) | (np.diff(day) != 0)
    left_out = table.num_rows - known.num_rows
    return PurchaseLog(customer_ids, item_ids, customer[is_new], item[is_new], day[is_new], left_out)


def distinct(keys: Ints) -> Ints:
    """The distinct keys, sorted. (numpy's own `unique` hashes, which took ten times as long on millions of pairs.)"""
    ordered = np.sort(keys)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _ids(rows: pa.Table, name: str) -> pa.ChunkedArray:
    column = _values(rows[name])
    kind = column.type
    if pa.types.is_large_string(kind):
        trimmed = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    if pa.types.is_floating(kind):  # whole numbers in a column with gaps come as doubles from pandas
        column = pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            raise ContractError(
                f"column {name!r} holds fractions or numbers beyond 64 bits: ids are whole numbers or text"
            ) from None
    if not pa.types.is_integer(kind):
        raise ContractError(f"column {name!r} is of type {kind}: ids are whole numbers or text")
    return column


def _values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a dictionary; text of any kind, and a column that is nothing but gaps, as large text."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)
    return column.cast(pa.large_string()) if is_text else column


def _places(ids: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """The distinct ids in order, and each row as a place among them."""
    coded = pc.dictionary_encode(ids.combine_chunks())
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return coded.dictionary.take(pa.array(order)), place[coded.indices.to_numpy()]


def _days(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Days since 1970-01-01, UTC."""
    column = _values(column)
    kind = column.type
    if pa.types.is_large_string(kind):
        column = _parsed(column)
    elif not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise ContractError(f"column 'at' is of type {kind}: write dates as 2026-01-31 or 2026-01-31T09:30:00Z")
    seconds = column.cast(pa.timestamp("ms") if pa.types.is_date64(kind) else column.type)
    days = pc.floor_temporal(seconds, unit="day") if pa.types.is_timestamp(seconds.type) else seconds
    if pa.types.is_timestamp(days.type) and days.type.tz not in (None, "UTC"):
        days = pc.floor_temporal(seconds.cast(pa.timestamp("us", "UTC"), safe=False), unit="day")
    return days.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())


def _parsed(column: pa.ChunkedArray) -> pa.Array:
    coded = pc.dictionary_encode(column.combine_chunks())
    texts = coded.dictionary.to_pandas().str.strip().replace("", None)
    times = times_of_texts(texts)
    if bad := int((times.isna() & texts.notna()).sum()):
        raise ContractError(
            f"column 'at' has {bad:,} values that are no date: write 2026-01-31 or 2026-01-31T09:30:00Z"
        )
    return pa.array(times).take(coded.indices)
