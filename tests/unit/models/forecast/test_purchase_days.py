"""From transactions to purchase days: netting per UTC day, what is refused and counted, ids as text."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from cdp.core.dates import EPOCH
from cdp.core.errors import ConfigError, ContractError
from cdp.models.forecast.far_days import is_far
from cdp.models.forecast.purchase_days import collect_purchase_days

TEXT = "customer_id string, at string, amount string"
ROWS = [
    ("007", "2026-01-05T23:30:00Z", "10.50"),
    ("007", "2026-01-06 00:15:00", "4"),
    ("007", "2026-01-06T08:00:00+02:00", "-1.25"),  # 06:00 UTC, the same day
    ("a", "2026-01-05", "20"),
    ("a", "2026-01-05", "-20"),  # returned on the day: no purchase
    ("a", "2026-01-07", "1e1"),
    ("a", "2026-01-09", "99"),  # after the as-of date
    (None, "2026-01-05", "5"),
    ("b", "yesterday", "5"),
    ("b", "2026-01-05", "five"),
    (" 007\u00a0", "2026-01-07", "0.000001"),
    (" ", "2026-01-05", "5"),
    ("b", "10:30", "5"),
    ("b", "2026-01-05", "0.0000001"),  # it would become 0
]


def test_transactions_are_netted_per_customer_and_utc_day(spark):
    read = collect_purchase_days(spark.createDataFrame(ROWS, TEXT), until=date(2026, 1, 8))
    days = [(EPOCH.toordinal() + int(d)) - date(2026, 1, 1).toordinal() + 1 for d in read.purchases.day]
    assert read.customer_ids == ["007", "a"] and read.purchases.customer.tolist() == [0, 0, 0, 1]
    assert days == [5, 6, 7, 7] and read.purchases.amount.tolist() == [10.5, 2.75, 0.000001, 10.0]
    assert read.counts == {
        "rows": 14, "rows_no_customer": 2, "rows_no_time": 2, "rows_no_amount": 2, "rows_after_as_of": 1,
        "rows_far_before": 0, "days_without_positive_net_spend": 1,
    }  # fmt: skip


def test_without_amounts_every_day_with_a_row_is_a_purchase_and_numbers_are_ids(spark):
    at = datetime(2026, 1, 5, 12)
    rows = spark.createDataFrame([(12346.0, at), (12346.0, at), (7.0, at)], "customer_id double, at timestamp")
    read = collect_purchase_days(rows, until=date(2026, 1, 5))
    assert read.customer_ids == ["12346", "7"] and read.purchases.amount.tolist() == [1.0, 1.0]
    assert not read.purchases.has_amounts


def test_other_forms_of_time_are_read_by_a_pattern(spark):
    rows = spark.createDataFrame([("a", "5/1/2026 8:26", "3")], TEXT)
    read = collect_purchase_days(rows, until=date(2026, 1, 31), at_format="d/M/yyyy H:mm")
    assert read.purchases.day.tolist() == [(date(2026, 1, 5) - EPOCH).days]


def test_days_that_stand_for_an_unknown_time_are_left_out_and_counted(spark):
    rows = [("a", "1900-01-01", "5"), ("b", "1900-01-01", "5"), *(("a", f"2026-01-0{n}", "5") for n in range(1, 8))]
    read = collect_purchase_days(spark.createDataFrame(rows, TEXT), until=date(2026, 1, 31))
    assert read.customer_ids == ["a"] and len(read.purchases.day) == 7
    assert read.purchases.day.min() == (date(2026, 1, 1) - EPOCH).days and read.counts["rows_far_before"] == 2


@pytest.mark.parametrize(
    ("days", "far"),
    [
        ([-25_567, 0, 0, *range(20_000, 20_009)], [True] * 3 + [False] * 9),
        ([*range(20_000, 20_009), 25_000], [False] * 10),  # a slip of the newest day is no silence of all before
        ([-25_567, *range(20_000, 20_009), 25_000], [True] + [False] * 10),
        ([18_200, *range(20_000, 20_009)], [False] * 10),  # not quite five years
        ([-25_567, 20_000], [False] * 2),  # which of two it is nobody knows
        ([], []),
    ],
)
def test_far_days_lie_before_a_silence_of_all_customers(days, far):
    assert is_far(np.array(days, dtype=np.int64)).tolist() == far


@pytest.mark.parametrize("at_format", ["foo", "YYYY-ww"])
def test_a_pattern_that_is_none_is_told(spark, at_format):
    rows = spark.createDataFrame([("a", "5/1/2026", "3")], TEXT)
    with pytest.raises(ConfigError, match="is no pattern that Spark knows: see https"):
        collect_purchase_days(rows, until=date(2026, 1, 31), at_format=at_format)


def test_nothing_usable_is_refused_with_the_counts(spark):
    rows = spark.createDataFrame([("a", "2026-01-09", "3"), ("a", "2026-01-02", "-3")], TEXT)
    told = r"rows_after_as_of 1, rows_far_before 0, days_without_positive_net_spend 1.*as-of date"
    with pytest.raises(ContractError, match=told):
        collect_purchase_days(rows, until=date(2026, 1, 8))
