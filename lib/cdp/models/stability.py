"""How a measure was spread over the people of a training, and how far tonight's people are from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats

BINS = 10
FLOOR = 1e-4  # of a share: an empty bin has a logarithm


@dataclass(frozen=True)
class Reference:
    """Edges between bins that were equally large in training (fewer where values repeat), and the bins' shares."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def reference_of(values: Floats) -> Reference:
    """The reference of one measure; one bin where all values are the same."""
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="higher"))
    edges = edges[edges > values.min()]
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return Reference(tuple(edges.tolist()), tuple((counts / len(values)).tolist()))


def stability_index(reference: Reference, below: Sequence[int], people: int) -> float:
    """The population stability index, SUM (p - q) ln(p / q); `below`: how many of `people` lie below each edge.

    Customary readings: under .1 the same people, above .25 others.
    """
    counts = np.diff([0, *below, people])
    p = np.maximum(counts / max(people, 1), FLOOR)
    q = np.maximum(np.array(reference.shares), FLOOR)
    return float(np.sum((p - q) * np.log(p / q)))
