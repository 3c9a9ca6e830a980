"""What policy forbids, on values small enough to see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cdp.core.errors import ConfigError
from cdp.identity.linkage.parts import part_of
from cdp.identity.linkage.policy import Refusals, days_of, most_at_once, refused_pairs
from cdp.identity.rules import IdentityRules, Policy
from cdp.rules.definitions import load_definition

_RULES_FILE = Path(__file__).parents[4] / "conf" / "identity" / "rules.yaml"


def refusals(policy: dict[str, object], days: list[int] | None = None, **columns: list[str | None]) -> Refusals:
    parts = {name: part_of(pd.Series(values, dtype=object)) for name, values in columns.items()}
    n = len(next(iter(columns.values())))
    return Refusals(Policy.model_validate(policy), parts, np.array(days or [-1] * n))


@pytest.mark.parametrize(
    ("one", "other", "stance"),
    [
        ("19800307", "19800307", -1),
        ("19800307", "19800703", -1),  # day and month swapped
        ("19800307", "19810308", -1),  # a slip in two parts
        ("17990807", "18000807", -1),  # a year off is a slip, however many digits it takes
        ("19800307", "19620307", -1),  # the year alone may be mistyped
        ("19800307", "19550921", 1),  # father and son
        ("19800307", "19800921", -1),
        ("19800300", "19550921", 0),  # a month is no whole date
        ("19800101", "19550921", 0),  # nor is the day that stands for a year
        (None, "19550921", 0),
    ],
)
def test_only_clear_birth_dates_differ(one: str | None, other: str, stance: int) -> None:
    found = refusals({"one_value": ["birth_date"]}, birth_date=[one, other])
    assert found.stances(np.array([0]), np.array([1])).tolist() == [stance]


def test_who_agrees_in_the_national_id_has_a_mistyped_birth_date() -> None:
    columns = {
        "birth_date": ["19800307", "19550921", "19550921"],
        "national_id": ["123456789", "123456798", "555000111"],
    }
    found = refusals({"one_value": ["birth_date"]}, **columns)  # type: ignore[arg-type]
    assert found.stances(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist() == [-1, 1, -1]
    both = refusals({"one_value": ["national_id"]}, **columns)  # type: ignore[arg-type]
    assert both.stances(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist() == [-1, 1, -1]
    assert not refusals({}, **columns).stances(np.array([0]), np.array([2])).any()  # type: ignore[arg-type]


def test_most_records_of_two_people_decide() -> None:
    found = refusals({"one_value": ["birth_date"]}, birth_date=["19800307", "19800307", "19800307", "19550921"])
    mixed, odd = np.array([0, 0, 2, 2]), np.array([0, 0, 0, 3])
    assert refused_pairs(found, mixed, np.array([0]), np.array([3])) == [None]  # one of two records is mistaken
    told = refused_pairs(found, odd, np.array([0, 3]), np.array([3, 1]))
    assert "birth date" in (told[0] or "") and told[0] == told[1]


def test_values_count_that_were_in_use_within_the_days() -> None:
    first, last = np.array([0, 10, 400]), np.array([0, 300, 400])
    assert [most_at_once(first, last, days) for days in (1, 10, 11, 102, 401)] == [1, 1, 2, 2, 3]
    mails: list[str | None] = ["a@x.org", "b@x.org", "c@x.org", "a@x.org"]
    policy = {"at_most": {"email": {"values": 2, "days": 365}}}
    every = np.arange(4)
    assert refusals(policy, [1, 100, 600, 1], email=mails).exceeded(every) is None
    assert refusals(policy, [1, 100, 300, 1], email=mails).exceeded(every) == "email"
    assert refusals(policy, email=mails).exceeded(every) == "email"  # without dates all count together
    assert refusals(policy, email=mails).crowded(np.array([0, 0, 0, 3])).tolist() == [True, False, False, False]


def test_days_are_read_as_a_feed_writes_them() -> None:
    told = days_of(np.array(["2026-01-31", "2026-02-01", None, "soon", "2026-02"], object))
    assert (told[1] - told[0], told[2:].tolist()) == (1, [-1, -1, -1])


def test_policy_is_checked_with_the_other_definitions() -> None:
    rules = yaml.safe_load(_RULES_FILE.read_text(encoding="utf-8"))
    assert IdentityRules.model_validate(rules).policy.one_value == ("birth_date",)
    for policy, told in (
        ({"one_valeu": ["birth_date"]}, "did you mean 'one_value'"),
        ({"one_value": ["shoe_size"]}, "birth_date"),
        ({"at_most": {"emial": {"values": 2, "days": 9}}}, "did you mean 'email'"),
        ({"at_most": {"email": {"values": 0, "days": 9}}}, "greater than or equal to 1"),
    ):
        with pytest.raises(ConfigError, match=told):
            load_definition(yaml.safe_dump({**rules, "policy": policy}), "rules.yaml", IdentityRules)
