"""Segments found by machine: people alike in rhythm, amounts, risk and value, and bands of value and risk.

K-means on five standardised measures. The number of segments is the one with the largest silhouette among those that
come out again when people are drawn anew (adjusted Rand index over bootstraps). They are found once a training and
stored with the version, cut points and names included, so that a person moves only when the person changes; a training
that finds the champion's segments again keeps them.

Rousseeuw 1987, J. Computational and Applied Mathematics 20 (silhouette); Hubert, Arabie 1985, J. Classification 2
(adjusted Rand); Hennig 2007, Computational Statistics & Data Analysis 52 (stability; .75: a pattern is there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.forecast.correction import logit
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.history import Cut

BANDS = 5
FEWEST, MOST = 3, 8  # two would only be the better and the worse half, which the bands tell better
PEOPLE_EACH = 50  # below so many people for each segment, fewer are tried
STABLE = 0.75
SAMPLE, DRAWS = 2_000, 10
TAIL = 0.01  # values beyond these quantiles count as the quantile
NOTICEABLE = 0.4  # standard deviations from the mean, from which a measure names a segment
SURE = 1e-4
#: measure -> what a segment is called that is high in it, and low, beside everybody
WORDS = {
    "silence": ("long silent", "bought lately"),
    "purchases": ("many purchases", "few purchases"),
    "amount": ("large baskets", "small baskets"),
    "churn": ("less likely to buy", "more likely to buy"),
    "value": ("high value", "low value"),
}


@dataclass(frozen=True)
class Segments:
    """Centres in standardised measures (`WORDS`' order) with their names, most valuable first, and how sure they are.

    `low`, `high`, `mean`, `scale`: of each measure. `value_edges`: four cut points between fifths of the people by
    expected spend. `stability`: mean adjusted Rand index of bootstraps; `silhouette`: from -1 to 1, both in training.
    """

    names: tuple[str, ...]
    centres: tuple[tuple[float, ...], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    value_edges: tuple[float, ...]
    stability: float
    silhouette: float

    def numbers(self, cut: Cut, amounts: Amounts) -> Ints:
        """The number of each person's segment: the nearest centre."""
        z = (np.clip(_measures(cut, amounts), self.low, self.high) - self.mean) / self.scale
        return _nearest(z, np.array(self.centres))

    def bands(self, amounts: Amounts) -> tuple[Ints, Ints]:
        """Band of value (1 .. 5, fifths of the training's people) and of risk (1 .. 5, steps of 20 % of churn)."""
        value = 1 + np.searchsorted(self.value_edges, amounts.spend, side="right")
        risk = np.minimum(np.floor((1 - amounts.p_any) * BANDS), BANDS - 1) + 1
        return value.astype(np.int64), risk.astype(np.int64)

    @staticmethod
    def from_dict(raw: Mapping[str, Any]) -> Segments:
        """The inverse of `dataclasses.asdict`, after JSON."""
        lists = {k: tuple(v) for k, v in raw.items() if isinstance(v, Sequence) and k != "centres"}
        return Segments(**{**raw, **lists, "centres": tuple(map(tuple, raw["centres"]))})


def find_segments(cut: Cut, amounts: Amounts, *, before: Segments | None = None) -> Segments:
    """Find them among the people of a training; `before` if these people fall into the same groups by it.

    With too few people, or people too alike, for three segments there is one: everybody.
    """
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    raw = _measures(cut, amounts)
    low, high = np.quantile(raw, (TAIL, 1 - TAIL), axis=0)
    clipped = np.clip(raw, low, high)
    mean, scale = clipped.mean(axis=0), clipped.std(axis=0)
    z = (clipped - mean) / np.where(scale > 0, scale, 1.0)
    part = z[:: -(-len(z) // SAMPLE)]
    with threadpool_limits(1):  # sums in one order: the same centres on every machine, and threads cost more here
        centres, stability, silhouette = _choose(
            part, min(MOST, len(cut) // PEOPLE_EACH, len(np.unique(part, axis=0)) - 1)
        )
    if before is not None:
        same = adjusted_rand_score(before.numbers(cut, amounts), _nearest(z, centres))
        if same >= STABLE:
            return before
    centres = centres[np.argsort(-centres[:, list(WORDS).index("value")], kind="stable")]
    edges = np.quantile(amounts.spend, np.arange(1, BANDS) / BANDS)
    return Segments(
        names=tuple(_names(centres)),
        centres=tuple(map(tuple, centres.tolist())),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        mean=tuple(mean.tolist()),
        scale=tuple(np.where(scale > 0, scale, 1.0).tolist()),
        value_edges=tuple(edges.tolist()),
        stability=stability,
        silhouette=silhouette,
    )


def _measures(cut: Cut, amounts: Amounts) -> Floats:
    columns = (
        np.log1p(7 * (cut.age - cut.t_x)),
        np.log(cut.count),
        np.log(np.maximum(cut.mean, SURE)),
        -logit(np.clip(amounts.p_any, SURE, 1 - SURE)),
        np.log1p(amounts.spend),
    )
    return np.column_stack(columns)


def _choose(z: Floats, most: int) -> tuple[Floats, float, float]:
    """Centres, stability and silhouette of the best number of segments from `FEWEST` to `most`; of one below that."""
    from sklearn.metrics import silhouette_score

    if most < FEWEST:
        return z.mean(axis=0, keepdims=True), 1.0, 0.0
    tried = []
    for count in range(FEWEST, most + 1):
        centres = _cluster(z, count, seed=0)
        stability = _stability(z, centres)
        tried.append((centres, stability, float(silhouette_score(z, _nearest(z, centres)))))
    stable = [t for t in tried if t[1] >= STABLE]
    return max(stable, key=lambda t: t[2]) if stable else max(tried, key=lambda t: t[1])


def _stability(z: Floats, centres: Floats) -> float:
    """How alike the segments of people drawn anew are, on the same people: 1 the same, 0 by chance."""
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(1)
    here = _nearest(z, centres)
    again = [_cluster(z[rng.integers(0, len(z), len(z))], len(centres), seed=i + 1) for i in range(DRAWS)]
    return float(np.mean([adjusted_rand_score(here, _nearest(z, other)) for other in again]))


def _cluster(z: Floats, count: int, *, seed: int) -> Floats:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(count, n_init=2, random_state=seed).fit(z).cluster_centers_)


def _nearest(z: Floats, centres: Floats) -> Ints:
    """The number of the nearest centre; the lower one of two equally near."""
    return np.asarray((centres**2).sum(axis=1) - 2 * (z @ centres.T)).argmin(axis=1)


def _names(centres: Floats) -> list[str]:
    """Each by the two measures that set it apart most from everybody; by more, or a number, where another has these."""
    if len(centres) == 1:
        return ["everybody"]
    words = list(WORDS.values())
    names: list[str] = []
    for centre in centres:
        order = np.argsort(-np.abs(centre), kind="stable")
        told = [words[i][0 if centre[i] > 0 else 1] for i in order if abs(centre[i]) >= NOTICEABLE]
        tries = [", ".join(told[:n]) or "average" for n in range(2, max(len(told), 2) + 1)]
        numbered = [f"{tries[-1]} ({n})" for n in range(2, len(centres) + 1)]
        names.append(next(name for name in [*tries, *numbered] if name not in names))
    return names
