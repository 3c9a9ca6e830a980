"""Audiences: who is in, who entered and who left, night after night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.audiences.evaluate import check_specs, evaluate_audiences
from cdp.audiences.facts import people_facts
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.model import TableContract
from cdp.core.errors import ConfigError
from cdp.rules.definitions import load_definitions
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

CONF = Path(__file__).parents[3] / "conf"
NIGHT1, NIGHT2, NIGHT3 = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)

Stays = list[tuple[str, str, date, date | None]]


def audience(predicate: str, expires_on: date = date(2030, 1, 1), **more: Any) -> AudienceSpec:
    given = {"description": "d", "purpose": "email_marketing", "owner": "o"}
    return AudienceSpec(predicate=predicate, expires_on=expires_on, **{**given, **more})


@pytest.fixture(scope="module")
def traits() -> TableContract:
    return traits_contract(load_definitions(CONF / "traits", TraitSpec))


def stays(frame: DataFrame) -> Stays:
    return sorted((tuple(r) for r in frame.collect()), key=str)  # type: ignore[arg-type]


def test_people_enter_stay_leave_and_come_back(
    spark: SparkSession, rows: Callable[..., DataFrame], traits: TableContract
) -> None:
    specs = {
        "buyers": audience("orders_90d > 0"),
        "risky": audience("churn_score > 0.5 and city = 'Bonn'"),
        "old": audience("true", expires_on=NIGHT2),
    }

    def night(run_date: date, orders: dict[str, int | None], previous: Stays) -> Stays:
        profiles = rows(PROFILES, [{"person_id": "ann", "city": "Bonn"}, {"person_id": "bob", "city": "Bonn"}])
        scores = [("ann", "churn", NIGHT1, 0.9), ("ann", "churn", NIGHT2, 0.1), ("bob", "ltv", NIGHT1, 9.0)]
        names = ("person_id", "model", "as_of", "score")
        predictions = rows(PREDICTIONS, [dict(zip(names, s, strict=True)) for s in scores])
        values = rows(traits, [{"person_id": p, "as_of": run_date, "orders_90d": n} for p, n in orders.items()])
        before = spark.createDataFrame(previous, AUDIENCE_MEMBERS.schema)
        result = evaluate_audiences(profiles, values, predictions, before, specs=specs, run_date=run_date)
        assert result.columns == AUDIENCE_MEMBERS.column_names
        return stays(result)

    first = night(NIGHT1, {"ann": 1, "cat": 2, "bob": None}, [])
    assert first == [
        ("buyers", "ann", NIGHT1, None),
        ("buyers", "cat", NIGHT1, None),
        ("old", "ann", NIGHT1, None),
        ("old", "bob", NIGHT1, None),
        ("old", "cat", NIGHT1, None),
        ("risky", "ann", NIGHT1, None),
    ]
    second = night(NIGHT2, {"ann": 0, "cat": 2, "bob": 1}, first)
    assert second == [
        ("buyers", "ann", NIGHT1, NIGHT2),
        ("buyers", "bob", NIGHT2, None),
        ("buyers", "cat", NIGHT1, None),
        ("old", "ann", NIGHT1, NIGHT2),
        ("old", "bob", NIGHT1, NIGHT2),
        ("old", "cat", NIGHT1, NIGHT2),
        ("risky", "ann", NIGHT1, NIGHT2),
    ]
    third = night(NIGHT3, {"ann": 5, "cat": 2, "bob": 1}, second)
    assert [s for s in third if s[:2] == ("buyers", "ann")] == [
        ("buyers", "ann", NIGHT1, NIGHT2),
        ("buyers", "ann", NIGHT3, None),
    ]
    assert night(NIGHT3, {"ann": 5, "cat": 2, "bob": 1}, third) == third
    assert night(NIGHT2, {"ann": 0, "cat": 2, "bob": 1}, third) == second


def test_members_of_an_audience_without_a_file_leave(
    spark: SparkSession, rows: Callable[..., DataFrame], traits: TableContract
) -> None:
    previous = spark.createDataFrame([("gone", "ann", NIGHT1, None)], AUDIENCE_MEMBERS.schema)
    nobody = rows(PROFILES, []), rows(traits, []), rows(PREDICTIONS, [])
    result = evaluate_audiences(*nobody, previous, specs={}, run_date=NIGHT2)
    assert stays(result) == [("gone", "ann", NIGHT1, NIGHT2)]


def test_scores_are_the_newest_that_the_night_may_know(rows: Callable[..., DataFrame], traits: TableContract) -> None:
    scores = [
        {"person_id": "ann", "model": "churn", "as_of": NIGHT1, "score": 0.2, "p_alive": 0.7},
        {"person_id": "ann", "model": "ltv", "as_of": NIGHT1, "score": 50.0, "lo": 10.0, "hi": 90.0},
        {"person_id": "ann", "model": "churn", "as_of": NIGHT3, "score": 0.9, "p_alive": 0.1},
        {"person_id": "ann", "model": "clicks", "as_of": NIGHT1, "score": 0.4},
        {"person_id": "ann", "model": "clicks", "as_of": NIGHT3, "score": 0.8},
    ]
    people, scored = rows(PROFILES, [{"person_id": "ann"}]), rows(PREDICTIONS, scores)
    facts = people_facts(people, rows(traits, []), scored, run_date=NIGHT2, declared=["clicks"])
    row = facts.collect()[0]
    found = (row["churn_score"], row["p_alive"], row["ltv_score"], row["ltv_lo"], row["ltv_hi"], row["clicks_score"])
    assert found == (0.2, 0.7, 50.0, 10.0, 90.0, 0.4)


def test_every_file_is_sound(spark: SparkSession, traits: TableContract) -> None:
    specs = load_definitions(CONF / "audiences", AudienceSpec)
    destinations = [p.stem for p in (CONF / "destinations").glob("*.yaml")]
    check_specs(spark, specs, traits_contract=traits, destinations=destinations)
    assert len(specs) >= 5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            audience("order_90d > 1"),
            r"conf/audiences/mine.yaml: predicate: .*'order_90d'; did you mean 'orders_90d'",
        ),
        (audience("orders_90d + 1"), "not a condition"),
        (audience("click_score > 0.1"), r"no column 'click_score'; did you mean 'clicks_score'"),
        (
            audience("true", destinations=["emial_csv"]),
            r"no destination 'emial_csv'; did you mean 'email_csv'",
        ),
    ],
)
def test_a_wrong_file_names_the_nearest(
    spark: SparkSession, traits: TableContract, spec: AudienceSpec, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_specs(spark, {"mine": spec}, traits_contract=traits, destinations=["email_csv"], declared=["clicks"])
