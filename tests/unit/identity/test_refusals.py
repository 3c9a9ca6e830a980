"""Which declared links must not be used, on graphs small enough to see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from cdp.identity.linkage.clusters import component_labels
from cdp.identity.refusals import KEPT_APART, TOLD_APART, DeclaredLinks, KnownPeople, Refused, find_refused
from cdp.identity.rules import ValueLimit

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
NOBODY: tuple[Numbers, Numbers] = (np.empty(0, np.int64), np.empty(0, np.int64))


def declared(*links: tuple[int, int, float, int], days: list[int] | None = None) -> DeclaredLinks:
    """Links of (record, value, weight, times seen); `days`: when each was seen, of values that are limited."""
    record, value, weight, n_seen = (np.array(column) for column in zip(*links, strict=True))
    limit = np.full(len(links), -1 if days is None else 0)
    day = np.array(days or [0] * len(links))
    return DeclaredLinks(record, value, weight.astype(float), n_seen, limit, day, day)


def people(owners: dict[int, int], *, together: object = NOBODY, apart: object = NOBODY) -> KnownPeople:
    record, person = np.array(list(owners), np.int64), np.array(list(owners.values()), np.int64)
    sides = [tuple(np.array(side, np.int64) for side in pairs) for pairs in (together, apart)]  # type: ignore[attr-defined]
    return KnownPeople(record, person, *sides)


def never(a: Numbers, b: Numbers, weight: Floats, is_direct: Mask) -> list[str | None]:
    return [TOLD_APART] * len(a)


def test_a_family_value_stays_with_the_member_who_carries_it_most() -> None:
    links = declared((1, 90, 5.0, 1), (2, 90, 5.0, 7), (3, 90, 5.0, 2))
    refused = find_refused(links, people({1: 0, 2: 1}), never)
    assert refused.at.tolist() == [0] and refused.reasons == [TOLD_APART]


def test_a_chain_of_events_between_two_people_is_cut_at_its_weakest_link() -> None:
    # person 0 - e-mail 90 - account record 5 - phone 91 - person 1
    links = declared((1, 90, 5.6, 1), (5, 90, 5.6, 1), (5, 91, 4.2, 1), (2, 91, 4.2, 9))
    asked = []

    def judge(a: Numbers, b: Numbers, weight: Floats, is_direct: Mask) -> list[str | None]:
        asked.append((a.tolist(), b.tolist(), weight.tolist(), is_direct.tolist()))
        return ["policy one_value"]

    refused = find_refused(links, people({1: 0, 2: 1}), judge)
    assert refused.at.tolist() == [2] and asked == [([0], [1], [4.2], [False])]
    assert refused.reasons == ["policy one_value"]


def test_people_who_are_likely_one_may_be_joined() -> None:
    links = declared((1, 90, 5.0, 1), (2, 90, 5.0, 7))
    refused = find_refused(links, people({1: 0, 2: 1}), lambda a, b, weight, is_direct: [None] * len(a))
    assert refused.at.tolist() == []


def test_components_without_two_people_are_left_alone() -> None:
    links = declared((1, 90, 5.0, 1), (7, 90, 5.0, 1), (7, 91, 5.0, 1), (8, 91, 5.0, 1))
    assert find_refused(links, people({1: 0, 4: 0}), never).at.tolist() == []


def test_stewards_join_and_part_whatever_is_declared() -> None:
    links = declared((1, 90, 5.0, 1), (2, 90, 4.0, 1), (3, 91, 5.0, 1))
    parted = find_refused(links, people({}, apart=([1], [2])), never)
    assert parted.at.tolist() == [1] and parted.reasons == [KEPT_APART]
    joined = find_refused(links, people({1: 0, 2: 1}, together=([1], [2])), never)
    assert joined.at.tolist() == [] and joined.together.tolist() == [False]
    both = find_refused(links, people({1: 0, 2: 1}, together=([1], [2]), apart=([2], [1])), never)
    assert both.at.tolist() == [1] and both.together.tolist() == [True]


def test_no_person_gets_more_values_in_a_while_than_policy_allows() -> None:
    limits = [("email", ValueLimit(values=2, days=30))]
    # one customer number, 80, ties four records with an e-mail each: of any 30 days the two seen most stay
    mails = [(n, 90 + n, 5.0, 9 - n) for n in range(4)]
    links = declared(*mails, days=[0, 10, 20, 200])
    number = declared(*[(n, 80, 9.0, 1) for n in range(4)])
    both = DeclaredLinks(
        *(np.concatenate(pair) for pair in zip(vars(links).values(), vars(number).values(), strict=True))
    )
    refused = find_refused(both, people({}), never, limits)
    assert refused.at.tolist() == [2] and refused.reasons == ["policy at_most: more than 2 email values within 30 days"]
    assert find_refused(both, people({}, together=([0], [1])), never, []).at.tolist() == []


def partition(links: DeclaredLinks, known: KnownPeople, refused: Refused) -> Numbers:
    kept = np.setdiff1d(np.arange(len(links.record)), refused.at)
    return component_labels(40, links.record[kept], links.value[kept])


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(20, 31), st.sampled_from([4.0, 5.0]), st.integers(1, 3)),
                min_size=1, unique_by=lambda x: x[:2]), st.randoms())  # fmt: skip
def test_no_two_people_meet_and_order_does_not_matter(drawn: list[tuple[int, int, float, int]], random: object) -> None:
    known = people({0: 0, 1: 1, 2: 2}, apart=([5], [6]))
    links = declared(*drawn)
    labels = partition(links, known, find_refused(links, known, never))
    assert len({labels[0], labels[1], labels[2]}) == 3 and labels[5] != labels[6]
    random.shuffle(drawn)  # type: ignore[attr-defined]
    again = declared(*drawn)
    assert np.array_equal(partition(again, known, find_refused(again, known, never)), labels)
