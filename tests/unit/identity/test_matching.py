"""Deciding which person goes on as which cluster, without Spark."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.core.errors import ContractError
from cdp.identity.matching import Decisions, Pair, decide, refuse_upheaval

OLD, YOUNG = date(2024, 1, 1), date(2025, 1, 1)


def test_of_two_people_with_their_anchors_in_one_cluster_the_oldest_survives() -> None:
    decided = decide([Pair(1, "young", "r1", 9, YOUNG), Pair(1, "old", "r2", 1, OLD)])
    assert decided.kept[1].prior_id == "old"
    assert decided.heirs == {"young": 1}


def test_the_part_with_the_anchor_keeps_the_id_and_else_the_largest() -> None:
    with_anchor = decide([Pair(1, "p", None, 9, OLD), Pair(2, "p", "r", 1, OLD)])
    assert with_anchor.kept.keys() == {2} and with_anchor.clusters == {1, 2} and with_anchor.parts == {"p": (1, 2)}
    without = decide([Pair(1, "p", None, 9, OLD), Pair(2, "p", None, 1, OLD)])
    assert without.kept.keys() == {1}


def test_a_person_whose_anchor_was_won_by_an_older_one_goes_on_with_the_rest() -> None:
    decided = decide([Pair(1, "old", "r1", 5, OLD), Pair(1, "p", "r2", 1, YOUNG), Pair(2, "p", None, 3, YOUNG)])
    assert {cluster: pair.prior_id for cluster, pair in decided.kept.items()} == {1: "old", 2: "p"}
    assert decided.heirs == {}


def test_a_person_without_records_has_no_heir() -> None:
    assert decide([Pair(None, "p", None, 2, OLD)]) == Decisions({}, frozenset(), {"p": None}, {})


class _People:
    """As much of a frame as the gate asks for: 200 active people."""

    def filter(self, condition: str) -> _People:
        return self

    def count(self) -> int:
        return 200


@pytest.mark.parametrize(("merged", "is_refused"), [(49, False), (50, False), (51, True)])
def test_a_night_that_changes_too_many_people_stops(merged: int, is_refused: bool) -> None:
    decisions = Decisions({}, frozenset(), {f"p{n}": 1 for n in range(merged)}, {"p0": (1, 2)})
    if is_refused:
        with pytest.raises(ContractError, match="51 of 200 people"):
            refuse_upheaval(decisions, _People(), 0.25)  # type: ignore[arg-type]
    else:
        refuse_upheaval(decisions, _People(), 0.25)  # type: ignore[arg-type]


pairs = st.lists(
    st.builds(
        Pair,
        cluster=st.one_of(st.none(), st.integers(-5, 5)),
        prior_id=st.sampled_from("abcdef"),
        anchor=st.one_of(st.none(), st.just("r")),
        overlap=st.integers(1, 3),
        born_on=st.sampled_from([OLD, YOUNG, None]),
    ),
    unique_by=lambda p: (p.cluster, p.prior_id),
)


@given(pairs, st.randoms())
def test_matching_is_one_to_one_complete_and_blind_to_order(rivals: list[Pair], random: object) -> None:
    decided = decide(rivals)
    shuffled = list(rivals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled) == decided
    kept = [pair.prior_id for pair in decided.kept.values()]
    assert len(kept) == len(set(kept))
    assert set(kept) | set(decided.heirs) == {pair.prior_id for pair in rivals}
    assert not set(kept) & set(decided.heirs)
    for pair in rivals:  # nobody ends while a cluster that has its records is free
        if pair.cluster is not None and pair.cluster not in decided.kept:
            assert pair.prior_id in kept
