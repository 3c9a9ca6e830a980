"""Measures without truth: what hangs by one link is found as by taking each link away."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdp.identity.linkage.clusters import Clustering, component_labels
from cdp.identity.linkage.quality import bridged, pairs_by_weight


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda p: p[0] < p[1]), unique=True))
def test_people_that_hang_by_one_link(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array([p[side] for p in sorted(pairs)], np.int64) for side in (0, 1))
    label = component_labels(9, left, right)
    weight = np.linspace(1, 9, len(pairs)).astype(np.float32)
    linked = SimpleNamespace(clusters=Clustering(label, left, right, weight, []), threshold=0.0)
    whole = len(np.unique(label))
    expected = set()
    for at in range(len(pairs)):
        rest = np.arange(len(pairs)) != at
        falls_apart = len(np.unique(component_labels(9, left[rest], right[rest]))) > whole
        if falls_apart and (label == label[left[at]]).sum() > 2:
            expected.add(int(label[left[at]]))
    assert set(bridged(linked).tolist()) == expected  # type: ignore[arg-type]


def test_pairs_are_counted_by_weight() -> None:
    counted = pairs_by_weight(np.array([-9.0, -0.5, 0.0, 4.9, 5.0, 40.0], np.float32))
    assert (counted[-10], counted[-5], counted[0], counted[5], counted[30], sum(counted.values())) == (1, 1, 2, 1, 1, 6)
