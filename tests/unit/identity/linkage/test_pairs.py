"""Pairs that meet in a block: each once, none of a block above the cap, and of known records only what is asked."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdp.identity.linkage.blocking import BLOCK_CAP
from cdp.identity.linkage.pairs import blocks_of, propose_pairs

_VALUE = st.one_of(st.just(-1), st.integers(0, 4))


@given(st.lists(st.tuples(_VALUE, _VALUE, _VALUE, st.booleans(), st.booleans()), min_size=1, max_size=14))
def test_the_pairs_that_are_asked_about_are_those_found_by_trying_all(
    records: list[tuple[int, int, int, bool, bool]],
) -> None:
    phones = np.array([r[:2] for r in records], np.int64)
    phones[phones[:, 0] == phones[:, 1], 1] = -1  # a record holds a value once
    keys = {"phone": list(phones.T), "city": [np.array([r[2] for r in records], np.int64)]}
    blocks = blocks_of(keys, (("phone",), ("phone", "city")))
    asked = np.array([r[3:] for r in records])
    expected = {}
    for a, b in combinations(range(len(records)), 2):
        common = (set(phones[a]) & set(phones[b])) - {-1}
        is_near = records[a][2] == records[b][2] >= 0
        if common and (asked[[a, b], 0].any() or (is_near and asked[[a, b], 1].any())):
            expected[a, b] = len(common) * (2 if is_near else 1)
    left, right = propose_pairs(blocks, asked)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == sorted(expected)
    met = sum(rule.meet(left, right) for rule in blocks)
    assert np.asarray(met).tolist() == [expected[pair] for pair in sorted(expected)]


def test_a_block_above_the_cap_is_not_paired_and_its_records_are_known() -> None:
    key = np.repeat([0, 1, -1], [BLOCK_CAP + 1, BLOCK_CAP, 3])
    (rule,) = blocks_of({"city": [key]}, (("city",),))
    left, right = propose_pairs([rule], np.ones((len(key), 1), bool))
    assert len(left) == rule.n_pairs == BLOCK_CAP * (BLOCK_CAP - 1) // 2
    assert set(key[left]) == set(key[right]) == {1}
    assert np.array_equal(rule.capped, key == 0)
    assert rule.meet(np.array([0, BLOCK_CAP + 1]), np.array([1, BLOCK_CAP + 2])).tolist() == [0, 1]
