"""Credit of channels: cases worked by hand, sums, other ways to the same numbers, and bad input."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import factorial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.core.errors import ContractError
from cdp.models.attribution.attribution import MODELS, attribute_paths, settle
from cdp.models.attribution.markov import build_chain, choose_order, conversion_probability, removal_effects
from cdp.models.attribution.paths import Paths, collect_paths

ROWS = [  # path, conversions, value, nulls
    ("a > b > c", 10, 100.0, 5),
    ("b > c", 4, 40.5, 7),
    ("c", 3, 30.0, 0),
    ("a > a > a", 1, 10.0, 20),
    ("b", 0, 0.0, 30),
]


def _paths(rows: list[tuple[str | None, float, float, float]]) -> Paths:
    names = ("path", "conversions", "value", "nulls")
    return collect_paths(pa.table({n: pa.array(c) for n, c in zip(names, zip(*rows, strict=True), strict=True)}))


def _credit(rows: list, column: str = "conversions") -> pd.DataFrame:  # type: ignore[type-arg]
    return attribute_paths(_paths(rows)).credit.pivot(index="channel", columns="model", values=column)


def test_the_simple_rules_by_hand() -> None:
    credit = _credit(ROWS)
    assert credit["first"].to_list() == [11, 4, 3]
    assert credit["last"].to_list() == [1, 0, 17]
    np.testing.assert_allclose(credit["linear"], [10 / 3 + 1, 10 / 3 + 2, 10 / 3 + 2 + 3])
    np.testing.assert_allclose(credit["decay"], [10 / 7 + 1, 20 / 7 + 4 / 3, 40 / 7 + 8 / 3 + 3])
    np.testing.assert_allclose(credit["shapley"], [10 / 3 + 1, 10 / 3 + 2, 10 / 3 + 2 + 3])
    np.testing.assert_allclose(_credit(ROWS, "value")["first"], [110, 40.5, 30])


def test_a_repeated_channel_gets_two_parts_of_linear_and_one_of_shapley() -> None:
    credit = _credit([("a > b > a", 6, 0.0, 1)])
    assert credit["linear"].to_list() == [4, 2]
    assert credit["shapley"].to_list() == [3, 3]


def test_markov_by_hand() -> None:
    # start -> a always; a -> b 1/2, a -> lost 1/2; b -> converts. Both channels are needed, so half each.
    credit = _credit([("a > b", 5, 0.0, 0), ("a", 0, 0.0, 5)])
    assert credit["markov_1"].to_list() == [2.5, 2.5]
    # b alone converts 6 of 10, by way of a 2 of 10: without a .6 is left of .8, without b nothing.
    credit = _credit([("a > b", 2, 0.0, 0), ("b", 6, 0.0, 2)])
    effect_a, effect_b = 1 - 0.8 * 0.8 / 0.8, 1.0
    np.testing.assert_allclose(credit["markov_1"], np.array([effect_a, effect_b]) * 8 / (effect_a + effect_b))


def _dense_effects(rows: list[tuple[str, float, float, float]], order: int) -> dict[str, float]:
    """Removal effects by a chain of Python objects and a dense solve: nothing shared with the code under test."""
    flow: dict[tuple[object, object], float] = {}
    for text, conversions, _, nulls in rows:
        steps = text.split(" > ")
        states: list[object] = ["start", *(tuple(steps[max(0, i + 1 - order) : i + 1]) for i in range(len(steps)))]
        for a, b in pairwise(states):
            flow[a, b] = flow.get((a, b), 0) + conversions + nulls
        flow[states[-1], "yes"] = flow.get((states[-1], "yes"), 0) + conversions
        flow[states[-1], "no"] = flow.get((states[-1], "no"), 0) + nulls
    names = sorted({s for pair in flow for s in pair} - {"yes", "no"}, key=str)
    q, r = np.zeros((len(names), len(names))), np.zeros(len(names))
    for (a, b), weight in flow.items():
        share = weight / sum(w for (x, _), w in flow.items() if x == a) if weight else 0.0
        if b == "yes":
            r[names.index(a)] = share
        elif b != "no":
            q[names.index(a), names.index(b)] = share

    def chance(without: str | None) -> float:
        keep = np.array([s == "start" or s[-1] != without for s in names], dtype=float)
        return float(np.linalg.solve(np.eye(len(names)) - q * keep, r)[names.index("start")])

    channels = sorted({c for text, *_ in rows for c in text.split(" > ")})
    return {c: 1 - chance(c) / chance(None) for c in channels}


_ONE = st.tuples(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(" > ".join),
    st.integers(0, 50),
    st.floats(0, 1000),
    st.integers(0, 50),
).map(lambda row: (row[0], row[1], row[2] if row[1] else 0.0, row[3]))
_SOME = st.lists(_ONE, min_size=1, max_size=12).filter(lambda rows: any(r[1] for r in rows))


@settings(max_examples=60, deadline=None)
@given(_SOME)
def test_removal_effects_equal_an_independent_solve_and_the_chance_is_the_observed_share(rows: list) -> None:  # type: ignore[type-arg]
    paths = _paths(rows)
    observed = paths.conversions.sum() / (paths.conversions.sum() + paths.nulls.sum())
    for order in (1, 2, 3):
        chain = build_chain(paths, order)
        assert conversion_probability(chain) == pytest.approx(observed, abs=1e-12)
        expected = [effect for _, effect in sorted(_dense_effects(rows, order).items())]
        np.testing.assert_allclose(removal_effects(chain), expected, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(_SOME)
def test_shapley_equals_the_general_sum_over_coalitions(rows: list) -> None:  # type: ignore[type-arg]
    channels = sorted({c for text, *_ in rows for c in text.split(" > ")})
    n = len(channels)

    def worth(coalition: set[str]) -> float:
        return sum(c for text, c, *_ in rows if set(text.split(" > ")) <= coalition)

    general = [
        sum(
            factorial(k) * factorial(n - k - 1) / factorial(n) * (worth({*s, channel}) - worth(set(s)))
            for k in range(n)
            for s in combinations([c for c in channels if c != channel], k)
        )
        for channel in channels
    ]
    np.testing.assert_allclose(_credit(rows)["shapley"], general, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(_SOME, st.randoms(use_true_random=False))
def test_credits_sum_to_the_totals_and_the_order_of_rows_does_not_matter(rows: list, random) -> None:  # type: ignore[type-arg, no-untyped-def]
    credit = attribute_paths(_paths(rows)).credit
    sums = credit.groupby("model")[["conversions", "value"]].sum()
    np.testing.assert_allclose(sums["conversions"], sum(r[1] for r in rows), rtol=1e-12)
    np.testing.assert_allclose(sums["value"], sum(r[2] for r in rows), rtol=1e-12, atol=1e-9)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = attribute_paths(_paths(shuffled)).credit
    pd.testing.assert_frame_equal(again, credit, rtol=1e-12)


def test_sums_of_cents_are_the_same_to_the_last_digit_in_any_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    rows = pa.table({"path": rng.choice(["a > b", "b", ""], 999), "conversions": ["1 "] * 999,
                     "value": rng.gamma(2, 10, 999).round(2)})  # fmt: skip
    other = rows.take(pa.array(rng.permutation(999)))
    other = other.set_column(1, "conversions", other["conversions"].cast(pa.string_view()))
    first, second = collect_paths(rows), collect_paths(other)
    assert first.value is not None and second.value is not None
    assert first.value.tolist() == second.value.tolist() and first.left_out == second.left_out


def test_settle_gives_the_rest_to_the_largest() -> None:
    assert settle(np.array([0.1, 0.7, 0.1]), 1.0).sum() == 1.0


def test_memory_is_chosen_only_where_it_helps() -> None:
    # What decides is the channel before the last one: order 1 cannot see it.
    needs_two = [("a > c", 900, 0.0, 100), ("b > c", 100, 0.0, 900)]
    choice = choose_order(_paths(needs_two))
    assert (choice.orders, choice.chosen) == ([1, 2], 2)
    assert choice.auc[2][0] == pytest.approx(0.9, abs=0.02)
    assert choice.auc[1][0] == pytest.approx(0.5, abs=0.02)
    needs_none = [("a > c", 500, 0.0, 500), ("b > c", 500, 0.0, 500), ("d", 100, 0.0, 900)]
    assert choose_order(_paths(needs_none)).chosen == 1


def test_spellings_of_one_path_are_one_path_and_empty_steps_are_none() -> None:
    texts = [" a>b ", "a -> b", "a => b", "a → b", "> a > > b >", "a\u00a0>\tb"]
    paths = _paths([(text, 1, 1.0, 0) for text in texts])
    assert paths.channels == ["a", "b"]
    assert paths.conversions.tolist() == [6]


def test_rows_without_a_channel_are_left_out_and_counted() -> None:
    paths = _paths([("a", 2, 5.0, 1), ("", 3, 7.0, 4), (None, 1, 1.0, 0), (" > ", 0, 0.0, 2)])
    assert vars(paths.left_out) == {"rows": 3, "conversions": 4, "value": 8, "nulls": 6}
    assert attribute_paths(paths).credit.groupby("model")["conversions"].sum().eq(2).all()


def test_without_value_and_nulls_the_value_is_null_and_the_simplest_order_is_taken() -> None:
    found = attribute_paths(collect_paths(pa.table({"path": ["a > b > c", "b"], "conversions": ["3", " 1"]})))
    assert found.credit["value"].isna().all()
    assert (found.markov.chosen, found.markov.auc, found.conversion_share) == (1, {}, 1.0)
    assert set(found.credit["model"]) == set(MODELS)


def test_no_conversion_gives_zero_credit_and_one_channel_gets_all() -> None:
    assert (_credit([("a > b", 0, 0.0, 9)]) == 0).all(axis=None)
    assert (_credit([("a", 7, 70.0, 2)]) == 7).all(axis=None)


def test_a_path_that_nobody_went_changes_nothing() -> None:
    with_it = _credit([*ROWS, ("c > a > d", 0, 0.0, 0)])
    pd.testing.assert_frame_equal(with_it.drop(index="d"), _credit(ROWS), rtol=1e-9)
    assert (with_it.loc["d"] == 0).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["a"]}, "no column 'conversions'"),
        ({"pathes": ["a"], "conversions": [1]}, "did you mean 'pathes'"),
        ({"path": ["a"], "conversions": ["one"]}, "no number"),
        ({"path": ["a", "b"], "conversions": [1, -1]}, "negative or not finite in 1 of 2"),
        ({"path": ["a"], "conversions": [float("nan")]}, "negative or not finite"),
        ({"path": [["a", "b"]], "conversions": [1]}, "'path' is of type list<"),
        ({"path": [b"\xff"], "conversions": [1]}, "'path' is of type binary"),
        ({"path": ["a", "b"], "conversions": [1e308, 1e308]}, "comes to more than 9e"),
        ({"path": [" > "], "conversions": [1]}, "none of 1 rows has a channel"),
        ({"path": ["a"], "conversions": [0], "value": [5.0]}, "value but no conversion"),
    ],
)
def test_bad_input_says_what_and_where(columns: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ContractError, match=message):
        collect_paths(pa.table(columns))
