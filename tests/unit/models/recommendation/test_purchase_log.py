"""The log of purchases: ids and times of all kinds, what is left out and counted, what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from cdp.core.errors import ContractError
from cdp.models.recommendation.purchase_log import collect_purchases

DAY = date(2024, 1, 5)


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def test_ids_keep_their_kind_and_a_day_counts_once() -> None:
    # 00:30 in Paris is the day before in UTC
    at = ["2024-01-05T23:59:59.999999999Z", "2024-01-05", "2024-01-06T00:30:00+01:00"]
    log = collect_purchases(pa.table({"customer_id": [7, 7, 3], "at": at, "item_id": ["b", "b", "a"]}))
    assert log.customer_ids.to_pylist() == [3, 7]
    assert log.item_ids.to_pylist() == ["a", "b"]
    assert [log.customer.tolist(), log.item.tolist()] == [[0, 1], [0, 1]]
    assert log.day.tolist() == [_number(DAY)] * 2


@pytest.mark.parametrize(
    "at",
    [
        pa.array([DAY]),
        pa.array([pd.Timestamp(DAY) + pd.Timedelta("23:59:59")]),
        pa.array([pd.Timestamp("2024-01-05 18:00", tz="America/New_York")], pa.timestamp("us", "America/New_York")),
        pa.array([" 2024-01-05 10:00:00 "]),
        pa.array(["2024-01-05"]).dictionary_encode(),
        pa.array(["2024-01-05"], pa.string_view()),
    ],
)
def test_all_kinds_of_times_give_the_utc_day(at: pa.Array) -> None:
    log = collect_purchases(pa.table({"customer_id": ["x"], "at": at, "item_id": [1]}))
    assert log.day.tolist() == [_number(DAY)]


def test_rows_that_lack_something_are_counted_and_whole_doubles_are_numbers() -> None:
    table = pa.table({"customer_id": [1.0, None, 2.0, 3.0], "at": ["2024-01-01", "2024-01-01", None, "2024-01-01"],
                      "item_id": ["a", "a", "a", " "]})  # fmt: skip
    log = collect_purchases(table)
    assert (log.customer_ids.to_pylist(), log.incomplete) == ([1], 3)


def test_ids_of_text_are_trimmed_and_whole_decimals_are_numbers() -> None:
    table = pa.table({"customer_id": ["a", " a\t"], "at": [DAY, DAY], "item_id": [Decimal("7.00"), Decimal(8)]})
    log = collect_purchases(table)
    assert (log.customer_ids.to_pylist(), log.item_ids.to_pylist()) == (["a"], [7, 8])


def test_years_that_pandas_cannot_hold_are_dates_too() -> None:
    days = [date(1, 1, 1), date(1599, 12, 31), date(9999, 12, 31)]
    texts = ["0001-01-01T00:30:00", "1600-01-01T00:30:00+01:00", "9999-12-31T23:59:59.999999Z"]
    log = collect_purchases(pa.table({"customer_id": ["x"] * 3, "at": texts, "item_id": [1] * 3}))
    assert log.day.tolist() == [_number(day) for day in days]


def test_a_file_of_gaps_holds_no_purchase() -> None:
    log = collect_purchases(pa.table({name: pa.nulls(2) for name in ("customer_id", "at", "item_id")}))
    assert (len(log.day), log.incomplete) == (0, 2)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer": [1], "at": [DAY], "item_id": [1]}, "did you mean 'customer'"),
        ({"customer_id": [1], "at": ["soon"], "item_id": [1]}, "1 values that are no date"),
        ({"customer_id": [1], "at": [5], "item_id": [1]}, "'at' is of type int64"),
        ({"customer_id": [1.5], "at": [DAY], "item_id": [1]}, "fractions"),
        ({"customer_id": [Decimal("1.5")], "at": [DAY], "item_id": [1]}, "fractions"),
        ({"customer_id": [True], "at": [DAY], "item_id": [1]}, "type bool"),
    ],
)
def test_bad_input_says_what_and_where(columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        collect_purchases(pa.table(columns))
