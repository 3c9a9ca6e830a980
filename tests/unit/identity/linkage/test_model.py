"""Learning: EM finds planted rates, keeps households apart from people, and the threshold follows the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cdp.identity.linkage.bounds import at_least_as_different, of_relatives
from cdp.identity.linkage.compare_addresses import ADDRESS
from cdp.identity.linkage.compare_births import BIRTH
from cdp.identity.linkage.engine import link_records
from cdp.identity.linkage.fields import Field
from cdp.identity.linkage.frequencies import Frequency
from cdp.identity.linkage.levels import Levels
from cdp.identity.linkage.model import count_patterns, fit, join_patterns
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.linkage.score import PRECISION_AIM, chance_of, threshold

_WORDS = [a + b + c for a in "bdflmrt" for b in "aeiou" for c in ("ll", "nd", "rt", "sk")]
_DRAW = np.random.default_rng(7)
_SAME = {"given name": (0.9, 0.1), "family name": (0.95, 0.05), "number": (0.85, 0.15), "email": (0.7, 0.3)}
_STRANGER = {
    "given name": (0.01, 0.99),
    "family name": (0.005, 0.995),
    "number": (0.001, 0.999),
    "email": (1e-4, 0.9999),
}


def _fields() -> list[Field]:
    return [
        Field(name, ("same", "different"), lambda p, a, b: np.zeros(0, np.int8), (0.8, 0.2), {},
              shared_at_home=name in ("family name", "email"), is_identifier=name == "email")
        for name in _SAME
    ]  # fmt: skip


def _draw(rates: dict[str, tuple[float, float]], n: int) -> Levels:
    """Levels of n pairs; a tenth of all comparisons is null."""
    columns = [np.where(_DRAW.random(n) < rates[f.name][0], 1, 2) for f in _fields()]
    table = np.stack(columns, axis=1).astype(np.int8)
    table[_DRAW.random(table.shape) < 0.1] = 0
    return table


def test_em_recovers_planted_rates_and_the_prior() -> None:
    n_same, n_other, n_outside = 4_000, 60_000, 20_000
    candidates = np.concatenate([_draw(_SAME, n_same), _draw(_STRANGER, n_other)])
    outside = _draw(_STRANGER, n_outside)
    patterns = join_patterns(count_patterns(candidates, 1.0, True), count_patterns(outside, 100.0, False))
    model = fit(_fields(), patterns, 4_000)
    total = n_same + n_other + 100 * n_outside
    assert model.shares["same"] == pytest.approx(n_same / total, rel=0.1)
    kinds = ("stranger", "origin")  # strangers of one origin are strangers
    weight = np.array([model.shares[kind] for kind in kinds])
    for at, name in enumerate(model.fields):
        assert model.rates["same"][at][1] == pytest.approx(_SAME[name][0], abs=0.06)
        stranger = np.average([model.rates[kind][at][1] for kind in kinds], weights=weight)
        assert stranger == pytest.approx(_STRANGER[name][0], rel=0.25, abs=2e-4)


def test_families_are_not_taken_for_people() -> None:
    home = {**_STRANGER, "family name": (0.97, 0.03), "email": (0.6, 0.4)}
    candidates = np.concatenate([_draw(_SAME, 2_000), _draw(home, 4_000), _draw(_STRANGER, 40_000)])
    patterns = join_patterns(
        count_patterns(candidates, 1.0, True), count_patterns(_draw(_STRANGER, 20_000), 100, False)
    )
    model = fit(_fields(), patterns, 4_000)
    total = float(patterns.n.sum())
    assert model.shares["same"] * total == pytest.approx(2_000, rel=0.15)
    assert model.shares["home"] > 0.5 * model.shares["same"]


def test_patterns_count_every_pair_once() -> None:
    table = np.array([[1, 2], [1, 2], [0, 1]], np.int8)
    counted = count_patterns(table, 2.0, True)
    assert sorted(zip(map(tuple, counted.levels.tolist()), counted.n.tolist(), strict=True)) == [
        ((0, 1), 2.0),
        ((1, 2), 4.0),
    ]


def test_a_common_value_says_less_than_a_rare_one() -> None:
    chances = chance_of(Frequency(np.array([2, 40, 400]), 442, 3), usual=0.01)
    assert chances[0] < chances[1] < chances[2]
    assert chances[2] == pytest.approx(399 / (442 + 100), rel=0.01)  # q is the usual chance here: 1 / 0.01 = 100
    # two with one number are no reason to doubt it
    assert chance_of(Frequency(np.array([2, 2]), 4, 2), usual=1e-7)[0] < 1e-6


def test_the_threshold_rises_only_where_much_is_doubtful() -> None:
    sure = np.array([12.0] * 95 + [-8.0] * 100, np.float32)
    assert threshold(sure) == 0.0
    doubtful = np.array([12.0] * 50 + [0.5] * 50, np.float32)
    stop = threshold(doubtful)
    taken = doubtful[doubtful > stop]
    assert 0 < stop < 12 and (1 / (1 + np.exp2(-taken.astype(float)))).mean() >= PRECISION_AIM
    assert threshold(np.array([], np.float32)) == 0.0


def test_the_threshold_keeps_a_quarter_of_the_likely_pairs() -> None:
    """All of one doubt: 4 bits are 16 to 1, less than what is asked for, and yet no reason to join nobody."""
    assert threshold(np.full(100, 4.0, np.float32)) < 4
    assert threshold(np.array([4.0] * 30 + [2.0] * 70, np.float32)) == 2
    assert threshold(np.full(100, 2.0, np.float32)) == 2  # 4 to 1 is too little


def test_names_that_go_together_are_not_taken_for_people() -> None:
    """Two languages with names and towns of their own: a namesake elsewhere is another person, one next door is not.

    A third of the people have a second given name, of their language too.
    """
    draw = np.random.default_rng(4)
    people = []
    for number in range(3_000):
        origin = number % 2
        given, family = (f"{'kb'[origin]}{_WORDS[draw.integers(n)]}{'aen'[kind]}{'os'[origin]}"
                         for kind, n in ((0, 18), (1, 30)))  # fmt: skip
        second = f" {'kb'[origin]}{_WORDS[draw.integers(9)]}i" if number % 3 == 0 else ""
        people.append({"first": given + second, "last": family, "zip": f"{3 * origin + 1}{draw.integers(1000, 1900)}"})
    rows = [{**person, "id": f"{n}-{copy}", "person": n}
            for n, person in enumerate(people) for copy in range(1 + (n % 5 == 0))]  # fmt: skip
    schema = RecordSchema.model_validate(
        {"record_id": "id", "columns": {"first": "given_name", "last": "family_name", "zip": "postcode"}}
    )
    frame = pd.DataFrame(rows).sort_values("id", ignore_index=True)
    linked = link_records(frame, schema, nicknames={})
    cells = frame.groupby([linked.clusters.label, "person"]).size()
    right, found = (int((n * (n - 1) // 2).sum()) for n in (cells, cells.groupby(level=0).sum()))
    assert right > 450 and right / found > 0.95
    for name in ("family name", "middle name"):
        at = linked.model.fields.index(name)
        assert linked.model.rates["origin"][at][1] > 1.5 * linked.model.rates["stranger"][at][1]


def test_a_birth_date_alone_makes_hardly_anybody_one_person() -> None:
    draw = np.random.default_rng(9)
    born = [f"{draw.integers(1950, 1960)}-{draw.integers(1, 13):02d}-{draw.integers(1, 29):02d}" for _ in range(2_000)]
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"born": "birth_date"}})
    frame = pd.DataFrame({"id": [f"{n:04d}" for n in range(2_000)], "born": born})
    linked = link_records(frame, schema, nicknames={})
    assert len(np.unique(linked.clusters.label)) > 1_900
    assert any("birth date is all that the records tell" in told for told in linked.model.warnings)


def test_a_mailbox_alone_is_a_person_unless_families_share_theirs() -> None:
    """Half of the records tell nothing but an e-mail address; what the others show of it decides."""
    draw = np.random.default_rng(2)
    people = [{"first": _WORDS[draw.integers(len(_WORDS))], "last": _WORDS[draw.integers(len(_WORDS))] + "er",
               "mail": f"{_WORDS[n % 140]}{_WORDS[draw.integers(140)]}@{_WORDS[n // 140]}.example"}
              for n in range(1_500)]  # fmt: skip
    schema = RecordSchema.model_validate(
        {"record_id": "id", "columns": {"first": "given_name", "last": "family_name", "mail": "email"}}
    )
    found = {}
    for shared in (False, True):
        rows = [{**person, "id": f"{n:04d}-0"} for n, person in enumerate(people)]
        rows += [{**person, "id": f"{n:04d}-1"} for n, person in enumerate(people) if n % 3 == 0]
        rows += [{"mail": person["mail"], "id": f"{n:04d}-2"} for n, person in enumerate(people) if n % 5 == 1]
        if shared:
            rows += [{**person, "first": people[n - 1]["first"], "id": f"{n:04d}-3"}
                     for n, person in enumerate(people) if n % 2]  # fmt: skip
        frame = pd.DataFrame(rows).sort_values("id", ignore_index=True).astype(object)
        linked = link_records(frame.where(frame.notna(), None), schema, nicknames={})
        alone = frame.index[frame.id.str.endswith("-2") & (frame.id.str[:4].astype(int) % 2 == 0)]
        first = frame.index[frame.id.isin(frame.id[alone].str[:4] + "-0")]
        found[shared] = float((linked.clusters.label[alone] == linked.clusters.label[first]).mean())
    assert found[False] > 0.95 and found[True] < found[False]


def test_some_households_have_two_names_whatever_was_learned() -> None:
    home = {**_STRANGER, "family name": (1.0, 0.0), "email": (0.6, 0.4)}
    candidates = np.concatenate([_draw(_SAME, 2_000), _draw(home, 8_000), _draw(_STRANGER, 40_000)])
    patterns = join_patterns(
        count_patterns(candidates, 1.0, True), count_patterns(_draw(_STRANGER, 20_000), 100, False)
    )
    free = _fields()
    held = [replace(field, typical_homes=0.2) if field.name == "family name" else field for field in free]
    at = list(_SAME).index("family name")
    rates = [fit(fields, patterns, 4_000).rates for fields in (free, held)]
    differ = [of["home"][at][2] for of in rates]
    # no less than one person's two records, though these households never did
    assert differ[0] == rates[0]["same"][at][2] < 0.2 * free[at].typical[1] <= differ[1]


def test_a_household_differs_at_least_as_often_as_one_person() -> None:
    field = Field("address", ADDRESS, lambda p, a, b: np.zeros(0, np.int8), (0.1,) * len(ADDRESS), {})
    same = np.array([1.0, 0.4, 0.1, 0.1, 0.1, 0.02, 0.08, 0.2])
    home = np.array([1.0, 0.5, 0.1, 0.2, 0.1, 0.04, 0.05, 0.01])
    made = at_least_as_different(home, same, field)
    assert (made[5], made[7]) == (0.04, 0.2) and made[1:].sum() == pytest.approx(1)
    assert made[1] / made[2] == pytest.approx(5)
    assert at_least_as_different(made, same, field) == pytest.approx(made)


def test_relatives_agree_on_years_alone_only_where_dates_are_years_alone() -> None:
    field = Field("birth date", BIRTH, lambda p, a, b: np.zeros(0, np.int8), (0.1,) * len(BIRTH), {})
    near = 1 + BIRTH.index("about the same year")
    whole = np.array([1.0, 4e-5, 1e-5, 1e-3, 3e-3, 1e-9, 0.012, 1e-9, 0.32, 0.66])
    alone = np.array([1.0, *[1e-9] * 4, 0.012, 1e-9, 0.05, 0.21, 0.73])
    for stranger, expected in ((whole, 2e-9), (alone, 0.1)):
        made = of_relatives(field, stranger)
        assert made[near] == pytest.approx(expected) and made[1:].sum() == pytest.approx(1)


@pytest.mark.parametrize(("strangers", "relatives"), [(0.04, 0.125), (0.3, 0.3)])
def test_relatives_are_of_one_age_more_often_than_strangers(strangers: float, relatives: float) -> None:
    field = Field("age", ("within a year", "within three years", "different"), lambda p, a, b: np.zeros(0, np.int8),
                  (0.8, 0.1, 0.1), {})  # fmt: skip
    made = of_relatives(field, np.array([1.0, strangers, 0.1, 0.9 - strangers]))
    assert made[1] == relatives and made[1:].sum() == pytest.approx(1)


def _mixed_people(rows: list[dict[str, str]], columns: dict[str, str]) -> tuple[int, int]:
    """Clusters of records whose ids begin differently, and clusters in all."""
    schema = RecordSchema.model_validate({"record_id": "id", "columns": columns})
    frame = pd.DataFrame(rows).astype(object)
    label = link_records(frame, schema, nicknames={}).clusters.label
    n_people = frame.id.str.rsplit("-", n=1).str[0].groupby(label).nunique()
    return int((n_people > 1).sum()), len(n_people)


def test_who_bears_one_given_name_is_not_one_person_with_many_mailboxes() -> None:
    draw = np.random.default_rng(3)
    people = [{"first": _WORDS[draw.integers(140)], "mail": f"{_WORDS[n % 140]}{n}@mail.example"} for n in range(800)]
    rows = [{**person, "id": f"{n:04d}-{k}"} for n, person in enumerate(people) for k in range(1 + n % 2)]
    assert _mixed_people(rows, {"first": "given_name", "mail": "email"}) == (0, 800)


def test_a_couple_of_one_age_is_not_one_person() -> None:
    """400 couples whose ages lie 0 to 9 years apart, and nothing but names, towns and ages told."""
    draw = np.random.default_rng(3)
    rows: list[dict[str, str]] = []
    for n in range(400):
        age = int(draw.integers(20, 80))
        home = {"last": _WORDS[draw.integers(140)] + "er", "town": _WORDS[draw.integers(60)] + "ton"}
        for k, first in enumerate(draw.choice(_WORDS, 2, replace=False)):
            one = {**home, "first": str(first), "age": str(age + k * (n % 10))}
            rows += [{**one, "id": f"{n:04d}{k}-{copy}"} for copy in range(1 + (n + k) % 2)]
    columns = {"first": "given_name", "last": "family_name", "town": "city", "age": "age"}
    mixed, people = _mixed_people(rows, columns)
    assert mixed <= 12 and mixed + people >= 800


def test_families_hand_down_two_names() -> None:
    """300 families of three in the Spanish manner: the first of two family names reads as a middle name."""
    draw = np.random.default_rng(3)
    rows: list[dict[str, str]] = []
    for n in range(300):
        names = f"{_WORDS[draw.integers(140)]}o {_WORDS[draw.integers(140)]}ez"
        line = f"{draw.integers(1, 90)} Calle {_WORDS[draw.integers(60)]}a"
        for k, first in enumerate(draw.choice(_WORDS, 3, replace=False)):
            one = {"name": f"{first} {names}", "line": line}
            rows += [{**one, "id": f"{n:04d}{k}-{copy}"} for copy in range(1 + (n + k) % 2)]
    mixed, people = _mixed_people(rows, {"name": "full_name", "line": "street_address"})
    assert mixed == 0 and people >= 900
