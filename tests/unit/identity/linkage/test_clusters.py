"""From pairs to people: chains and bridges are cut, vague records follow their person, pieces stay small."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from cdp.identity.linkage.clusters import (
    LARGEST_PIECE,
    Clustering,
    cluster_records,
    cross_pairs,
    join_equals,
    members_of,
)
from cdp.identity.linkage.explain import why_cut
from cdp.identity.linkage.policy import Refusals
from cdp.identity.rules import Policy

_UNKNOWN = 0.0
_POLICY_OF_NONE = Refusals(Policy(), {}, np.empty(0, np.int64))


def _cluster(
    n: int, evidence: dict[tuple[int, int], tuple[float, ...]], *, prior: float = -5.0, is_set: bool = False
) -> Clustering:
    """Cluster n records whose pairs have this evidence by field; pairs not named tell nothing."""
    n_fields = len(next(iter(evidence.values())))

    def bits_of(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        rows = [evidence.get((int(a), int(b)), (_UNKNOWN,) * n_fields) for a, b in zip(left, right, strict=True)]
        return np.array(rows, np.float32)[None]

    pairs = np.array(sorted(evidence), np.int64)
    left, right = pairs[:, 0], pairs[:, 1]

    def weigh(totals: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return (totals[0] + prior).astype(np.float32)

    return cluster_records(n, left, right, weigh(bits_of(left, right).sum(axis=2)), bits_of, weigh,
                           np.array([False] * (n_fields - 1) + [is_set]), _POLICY_OF_NONE)  # fmt: skip


def test_a_chain_is_cut_where_its_ends_contradict() -> None:
    found = _cluster(3, {(0, 1): (15.0, 0.0), (1, 2): (12.0, 0.0), (0, 2): (3.0, -20.0)})
    assert found.label.tolist() == [0, 0, 2]


def test_one_bad_record_does_not_join_two_people() -> None:
    evidence = dict.fromkeys(itertools.combinations(range(5), 2), (20.0, 5.0))
    evidence |= dict.fromkeys(itertools.combinations(range(5, 10), 2), (20.0, 5.0))
    evidence |= {(a, b): (-4.0, -9.0) for a in range(5) for b in range(5, 10)}
    evidence |= {(0, 5): (14.0, 0.0)}
    assert _cluster(10, evidence).label.tolist() == [0] * 5 + [5] * 5


def test_a_vague_record_is_not_cut_for_what_it_does_not_tell() -> None:
    evidence = dict.fromkeys(itertools.combinations(range(4), 2), (20.0, 0.0)) | {(3, 4): (0.0, 9.0)}
    assert _cluster(5, evidence).label.tolist() == [0] * 5


def test_what_fits_two_people_alike_is_neithers() -> None:
    father_and_mother = {(0, 1): (20.0, 0.0), (2, 3): (20.0, 0.0)}
    father_and_mother |= {(a, b): (8.0, -30.0) for a in (0, 1) for b in (2, 3)}
    of_the_family = {(a, 4): (8.0, 0.0) for a in range(4)}
    assert _cluster(5, father_and_mother | of_the_family).label.tolist() == [0, 0, 2, 2, 4]
    rather_the_father = of_the_family | {(a, 4): (12.0, 0.0) for a in (0, 1)}
    assert _cluster(5, father_and_mother | rather_the_father).label.tolist() == [0, 0, 2, 2, 0]


def test_it_is_told_why_people_were_kept_apart() -> None:
    assert why_cut("both weigh +0.5 bits", 0.5, threshold=1.0) == "both weigh +0.5 bits"
    assert "others fit one of them as well" in why_cut("both weigh +3.0 bits", 3.0, threshold=1.0)


def test_a_group_has_the_addresses_of_all_its_records() -> None:
    evidence = {(0, 1): (25.0, -2.0), (1, 2): (0.0, 12.0), (0, 2): (0.0, -9.0)}
    assert _cluster(3, evidence, is_set=True).label.tolist() == [0, 0, 0]
    assert _cluster(3, evidence).label.tolist() == [0, 0, 2]


def test_equal_records_are_one_person_and_empty_ones_are_none() -> None:
    evidence = dict.fromkeys(itertools.combinations(range(30), 2), (30.0,))
    assert set(_cluster(32, evidence).label.tolist()) == {0, 30, 31}


def test_a_giant_is_split_and_told() -> None:
    n = LARGEST_PIECE + 50
    evidence = {(i, i + 1): (8.0 if i == 100 else 25.0,) for i in range(n - 1)}
    found = _cluster(n, evidence)
    assert found.split and found.split[0][0] == n
    assert np.bincount(found.label).max() <= LARGEST_PIECE


@pytest.mark.parametrize("label, twin, is_allowed, joined", [
    ([0, 1, 2], [0, 0, 0], True, [0, 0, 0]),
    ([0, 0, 2, 3], [0, 1, 0, 0], True, [0, 0, 0, 0]),  # one of them is with another record already
    ([0, 0, 2, 2], [0, 1, 0, 3], True, [0, 0, 2, 2]),  # two are, each with another: these were told apart
    ([0, 0, 2, 2, 4, 5], [0, 1, 0, 3, 0, 0], True, [0, 0, 2, 2, 4, 4]),
    ([0, 0, 2], [0, 1, 0], False, [0, 0, 2]),  # a decision or policy
])  # fmt: skip
def test_equal_records_join_no_others(label: list[int], twin: list[int], is_allowed: bool, joined: list[int]) -> None:
    nothing = np.empty(0, np.int64)
    found = Clustering(np.array(label), nothing, nothing, np.empty(0, np.float32), [])
    is_sure = np.ones(len(label), bool)
    told = join_equals(found, np.array(twin), is_sure, lambda left, _: np.full(len(left), is_allowed))
    assert told.label.tolist() == joined
    assert (
        join_equals(found, np.array(twin), ~is_sure, lambda left, _: np.full(len(left), True)).label.tolist() == label
    )


def test_of_people_with_thousands_of_records_evenly_spaced_ones_are_compared() -> None:
    label = np.repeat([0, 1, 2], [5_000, 7_001, 2])
    members = members_of(label, np.arange(3))
    left, right, starts = cross_pairs(members, np.array([0, 2]), np.array([1, 2]))
    assert starts.tolist() == [0, LARGEST_PIECE**2]
    pairs = set(zip(left[: starts[1]].tolist(), right[: starts[1]].tolist(), strict=True))
    assert len(pairs) == LARGEST_PIECE**2
    for side, rows in ((0, members[0]), (1, members[1])):
        taken = sorted({pair[side] for pair in pairs})
        assert set(taken) <= set(rows.tolist())
        assert max(np.diff([*taken, rows[-1] + 1])) <= len(rows) // LARGEST_PIECE + 1
    assert left[starts[1] :].tolist() == [12_001, 12_001, 12_002, 12_002]
    assert right[starts[1] :].tolist() == [12_001, 12_002, 12_001, 12_002]
