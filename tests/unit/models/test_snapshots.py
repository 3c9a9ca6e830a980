"""Snapshots: what counts as a purchase day, the half-open cut, and nothing that came or was learned later."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.dates import EPOCH
from cdp.models.snapshots import add_features, build_snapshots
from cdp.rules.definitions import load_definitions
from cdp.rules.person_records import joined_records, person_records
from cdp.traits.contract import snapshots_contract
from cdp.traits.spec import TraitSpec

TRAITS = Path(__file__).parents[3] / "conf" / "traits"
CUT, LATER = date(2025, 3, 3), date(2025, 3, 17)


def line(record, ordered, amount, *, received=None, cancelled=False):
    at = datetime.fromisoformat(ordered).replace(tzinfo=UTC)
    got = datetime.fromisoformat(received).replace(tzinfo=UTC) if received else at
    return {
        "order_line_id": f"{record}/{ordered}/{amount}",
        "order_id": f"{record}/{ordered}",
        "source": "pos",
        "record_id": record,
        "line_no": 1,
        "amount": Decimal(str(amount)),
        "is_return": amount < 0,
        "is_cancelled": cancelled,
        "ordered_at": at,
        "received_at": got,
        "landed_id": "f:1",
    }


#: Record, person, and when that was known.
OWNERS = [
    ("a1", "anna", (2025, 1, 6)),
    ("a2", "anna", (2025, 1, 20)),
    ("b", "bert", (2025, 2, 24)),
    ("c", "cora", (2025, 3, 10)),
    ("d", "dora", (2025, 2, 3)),
    ("e1", "emil", (2025, 3, 3, 23, 59)),
    ("e2", "emil", (2025, 3, 4)),
    ("e3", "emil", (2030, 1, 1)),
]


@pytest.fixture(scope="module")
def tables(rows):
    lines = rows(
        ORDER_LINES,
        [
            # anna: two records, two lines on one day, a cancelled order, a returned day, a purchase at midnight
            line("a1", "2025-01-06T10:00", 20),
            line("a1", "2025-01-06T18:30", 5.5),
            line("a2", "2025-01-20T23:59", 30),
            line("a1", "2025-02-03T09:00", 99, cancelled=True),
            line("a2", "2025-02-10T09:00", 40),
            line("a2", "2025-02-10T17:00", -40),
            line("a1", "2025-03-03T00:00", 10),
            # bert: ordered before the cut; one line arrived in the morning of the cut, one a day too late
            line("b", "2025-02-24T12:00", 8, received="2025-03-03T05:59"),
            line("b", "2025-03-01T12:00", 8, received="2025-03-04T00:00"),
            # cora: only after the cut. dora: everything went back on other days. nobody: no record, no person
            line("c", "2025-03-10T12:00", 7),
            line("d", "2025-02-03T12:00", 50),
            line("d", "2025-02-05T12:00", -50),
            # emil: another record that nobody knew to be his before the cut, nor before the clock of the last night
            line("e1", "2025-02-03T12:00", 5),
            line("e2", "2025-01-13T12:00", 60),
            line("e3", "2025-02-03T12:00", 70),
            line(None, "2025-02-03T12:00", 500),
            line("stranger", "2025-02-03T12:00", 500),
        ],
    )
    people = rows(
        PERSON_IDENTIFIERS,
        [
            {"identifier_type": "record", "value": r, "person_id": p, "known_from": datetime(*known, tzinfo=UTC)}
            for r, p, known in OWNERS
        ],
    )
    return lines, people


@pytest.fixture(scope="module")
def snapshots(tables):
    lines, people = tables
    built = build_snapshots(lines, joined_records(people, today=LATER), as_of_dates=[CUT, LATER, CUT])
    assert built.columns == SNAPSHOTS.column_names
    assert [f.dataType for f in built.schema] == [f.dataType for f in SNAPSHOTS.schema]
    return {(r.person_id, r.as_of): r for r in built.collect()}


def test_one_row_per_person_with_a_purchase_before_the_cut(snapshots):
    assert set(snapshots) == {(p, CUT) for p in ("anna", "bert", "dora", "emil")} | {
        (p, LATER) for p in ("anna", "bert", "cora", "dora", "emil")
    }


def test_a_record_counts_from_the_day_on_which_it_was_known_to_be_the_persons(snapshots):
    then, now = snapshots["emil", CUT], snapshots["emil", LATER]
    assert (then.purchase_dates, then.purchase_amounts, then.age_weeks) == ([date(2025, 2, 3)], [5.0], 4.0)
    assert (now.purchase_dates, now.purchase_amounts) == ([date(2025, 1, 13), date(2025, 2, 3)], [60.0, 75.0])


def test_on_the_night_itself_all_is_known(snapshots, tables):
    lines, people = tables
    always = person_records(people).withColumn("joined_on", F.lit(EPOCH))
    built = build_snapshots(lines, always, as_of_dates=[LATER]).collect()
    assert {(r.person_id, r.as_of): r for r in built} == {k: r for k, r in snapshots.items() if k[1] == LATER}


def test_purchase_days_are_days_with_positive_net_spend(snapshots):
    anna = snapshots["anna", CUT]
    assert (anna.purchase_days, anna.repeat_purchases) == (2, 1)
    assert (anna.recency_weeks, anna.age_weeks) == (2.0, 8.0)
    assert (anna.spend, anna.mean_value) == (55.5, 27.75)
    assert anna.last_purchase_at.isoformat() == "2025-01-20T23:59:00"


def test_the_cut_is_half_open_at_midnight(snapshots):
    assert snapshots["anna", CUT].purchase_days == 2
    assert snapshots["anna", LATER].purchase_days == 3
    assert snapshots["anna", LATER].age_weeks == 10.0


def test_the_delivery_of_the_cut_counts_and_what_arrives_later_does_not(snapshots):
    assert (snapshots["bert", CUT].purchase_days, snapshots["bert", CUT].spend) == (1, 8.0)
    assert (snapshots["bert", LATER].purchase_days, snapshots["bert", LATER].spend) == (2, 16.0)


def test_returns_on_other_days_lower_spend_and_value_but_not_the_purchase_days(snapshots):
    dora = snapshots["dora", CUT]
    assert (dora.purchase_days, dora.spend, dora.mean_value) == (1, 0.0, 0.0)


def test_the_traits_that_say_so_are_features_as_of_the_same_day_only(spark):
    specs = load_definitions(TRAITS, TraitSpec)
    chosen = {name: specs[name] for name in ("orders_90d", "favourite_category", "orders_lifetime")}
    contract = snapshots_contract(chosen)
    assert contract.column_names == [*SNAPSHOTS.column_names, "favourite_category", "orders_90d"]
    assert [contract.column(n).type for n in ("favourite_category", "orders_90d")] == ["STRING", "DOUBLE"]
    assert set(contract.purposes) == {"analytics", "personalisation"}
    bought = spark.createDataFrame([{"person_id": p, "as_of": CUT} for p in ("anna", "bert")], SNAPSHOTS.schema)
    traits = "person_id string, as_of date, favourite_category string, orders_90d bigint, orders_lifetime bigint"
    of_the_day = spark.createDataFrame([("anna", CUT, "Toys", 2, 9), ("nobody", CUT, "Toys", 1, 1)], traits)
    found = add_features(bought, of_the_day, contract=contract)
    assert found.columns == contract.column_names
    assert {r.person_id: (r.as_of, r.favourite_category, r.orders_90d) for r in found.collect()} == {
        "anna": (CUT, "Toys", 2),
        "bert": (CUT, None, None),
    }
    of_another = spark.createDataFrame([("anna", LATER, "Toys", 3, 10)], traits)
    with pytest.raises(PySparkException, match=r"run traits\.compute_traits"):
        add_features(bought, of_another, contract=contract).collect()
