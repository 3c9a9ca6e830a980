"""Deciding which person goes on as which cluster, without Spark."""

from __future__ import annotations

import random
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.core.errors import ContractError
from cdp.identity.matching import Decisions, decide, refuse_upheaval

OLD, YOUNG = date(2024, 1, 1), date(2025, 1, 1)
_SHAPE = pa.schema([("cluster", pa.int64()), ("prior_id", pa.string()), ("anchor", pa.string()),
                    ("overlap", pa.int64()), ("born_on", pa.date32())])  # fmt: skip
# numbers of clusters are hashes of 64 bits: a float would take two of these for one
BIG = 2**62


class Pair(NamedTuple):
    cluster: int | None
    prior_id: str
    anchor: str | None
    overlap: int
    born_on: date | None


class Told(NamedTuple):
    """What was decided, as mappings."""

    kept: dict[int, str | None]
    heirs: dict[str, int | None]
    parts: set[tuple[str, int]]
    rows: list[dict[str, Any]]


def told(*pairs: Pair) -> Told:
    rows = decide(pa.Table.from_pylist([pair._asdict() for pair in pairs], schema=_SHAPE)).to_pylist()
    kinds = {kind: [r for r in rows if r["kind"] == kind] for kind in ("keeps", "ends", "part")}
    assert len(rows) == sum(map(len, kinds.values()))
    return Told(
        {r["cluster"]: r["person_id"] for r in kinds["keeps"]},
        {r["person_id"]: r["cluster"] for r in kinds["ends"]},
        {(r["person_id"], r["cluster"]) for r in kinds["part"]},
        rows,
    )


def test_of_two_people_with_their_anchors_in_one_cluster_the_oldest_survives() -> None:
    decided = told(Pair(BIG, "young", "r1", 9, YOUNG), Pair(BIG, "old", "r2", 1, OLD))
    assert decided.kept == {BIG: "old"} and decided.heirs == {"young": BIG}
    [kept] = [r for r in decided.rows if r["kind"] == "keeps"]
    assert (kept["anchor"], kept["born_on"]) == ("r2", OLD)


def test_the_part_with_the_anchor_keeps_the_id_and_else_the_largest() -> None:
    with_anchor = told(Pair(BIG + 1, "p", None, 9, OLD), Pair(BIG + 2, "p", "r", 1, OLD), Pair(None, "q", None, 1, OLD))
    assert with_anchor.kept == {BIG + 1: None, BIG + 2: "p"}
    assert with_anchor.parts == {("p", BIG + 1), ("p", BIG + 2)}
    without = told(Pair(1, "p", None, 9, OLD), Pair(2, "p", None, 1, OLD))
    assert without.kept == {1: "p", 2: None} and without.heirs == {}


def test_a_person_whose_anchor_was_won_by_an_older_one_goes_on_with_the_rest() -> None:
    decided = told(Pair(1, "old", "r1", 5, OLD), Pair(1, "p", "r2", 1, YOUNG), Pair(2, "p", None, 3, YOUNG))
    assert decided.kept == {1: "old", 2: "p"} and decided.heirs == {}


def test_a_person_without_records_has_no_heir() -> None:
    decided = told(Pair(None, "p", None, 2, OLD))
    assert (decided.kept, decided.heirs, decided.parts) == ({}, {"p": None}, set())


class _People:
    """As much of a frame as the gate asks for: 200 active people."""

    def filter(self, condition: str) -> _People:
        return self

    def count(self) -> int:
        return 200


@pytest.mark.parametrize(("changed", "is_refused"), [(49, False), (50, False), (51, True)])
def test_a_night_that_changes_too_many_people_stops(changed: int, is_refused: bool) -> None:
    decisions = Decisions(_People(), 1, changed, lambda frame: frame)  # type: ignore[arg-type]
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


@settings(max_examples=40)
@given(pairs, st.randoms(use_true_random=False))
def test_matching_is_one_to_one_complete_and_blind_to_order(rivals: list[Pair], shuffle: random.Random) -> None:
    decided = told(*rivals)
    shuffled = list(rivals)
    shuffle.shuffle(shuffled)
    assert told(*shuffled) == decided
    kept = [person for person in decided.kept.values() if person is not None]
    assert len(kept) == len(set(kept))
    assert set(kept) | set(decided.heirs) == {pair.prior_id for pair in rivals}
    assert not set(kept) & set(decided.heirs)
    assert set(decided.kept) == {pair.cluster for pair in rivals if pair.cluster is not None}
    for pair in rivals:  # nobody ends while a cluster that has its records is free
        if pair.cluster is not None and decided.kept[pair.cluster] is None:
            assert pair.prior_id in kept


@settings(max_examples=40)
@given(pairs)
def test_groups_without_a_common_record_are_decided_apart_alike(rivals: list[Pair]) -> None:
    others = [p._replace(cluster=None if p.cluster is None else p.cluster + 100, prior_id=p.prior_id * 2)
              for p in rivals]  # fmt: skip
    key = str
    apart = sorted([*told(*rivals).rows, *told(*others).rows], key=key)
    assert sorted(told(*rivals, *others).rows, key=key) == apart
