"""How values of two records agree, level by level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdp.identity.linkage.compare_births import BIRTH, compare_birth
from cdp.identity.linkage.compare_names import GIVEN, compare_given
from cdp.identity.linkage.compare_values import compare_identifier
from cdp.identity.linkage.parts import build_parts
from cdp.identity.linkage.schema import RecordSchema

_ONE, _OTHER = np.array([0]), np.array([1])


@pytest.mark.parametrize("one, other, level", [
    ("1851-03-07", "1851-07-03", "day and month swapped"), ("1851", "1851-03-07", "same as far as told"),
    ("1851", "1852", "about the same year"), ("1853-05-01", "1851", "about the same year"),
    ("1851-05", "1851-08", "about the same year"), ("1851", "1854", "different"),
    ("1851-03-07", "1852-06-20", "different"), ("1851", "1876", "a generation apart"),
])  # fmt: skip
def test_birth_dates_agree_as_far_as_they_tell(one: str, other: str, level: str) -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"born": "birth_date"}})
    parts = build_parts(pd.DataFrame({"id": ["1", "2"], "born": [one, other]}), schema)
    assert BIRTH[compare_birth(parts, _ONE, _OTHER)[0] - 1] == level
    assert compare_birth(parts, _OTHER, _ONE) == compare_birth(parts, _ONE, _OTHER)


@pytest.mark.parametrize("one, other, level", [
    ("J.", "John", "initial"), ("J", "J", "initial"), ("伟", "伟", "same"), ("伟", "伟明", "similar"),
])  # fmt: skip
def test_a_letter_is_an_initial_and_a_sign_is_a_name(one: str, other: str, level: str) -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"first": "given_name"}})
    parts = build_parts(pd.DataFrame({"id": ["1", "2"], "first": [one, other]}), schema)
    assert GIVEN[compare_given(parts, _ONE, _OTHER, {})[0] - 1] == level


@pytest.mark.parametrize("one, other, level", [
    ("j.smith@one.example", "j.smith@two.example", 3), ("smithjohn75@one.example", "smithjohn75@two.example", 3),
    ("bluefox@one.example", "bluefox@two.example", 2), ("john.smith1975@one.example", "john.smith1975@two.example", 2),
    ("j.smith@one.example", "j.smith+list@one.example", 2), ("j.smith@one.example", "j.smyth@one.example", 2),
])  # fmt: skip
def test_a_mailbox_that_spells_a_name_elsewhere_says_no_more_than_the_name(one: str, other: str, level: int) -> None:
    schema = RecordSchema.model_validate(
        {"record_id": "id", "columns": {"first": "given_name", "last": "family_name", "mail": "email"}}
    )
    frame = pd.DataFrame({"id": ["1", "2"], "first": "John", "last": "Smith", "mail": [one, other]})
    assert compare_identifier(build_parts(frame, schema), _ONE, _OTHER, "email", 3)[0] == level
