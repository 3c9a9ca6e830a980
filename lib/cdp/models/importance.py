"""What a version looks at, in words: the features of the correction, else the purchase model's three statistics."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.btyd.btyd import terms_of
from cdp.models.forecast.correction import Correction, logit
from cdp.models.forecast.cut_features import feature_names
from cdp.models.forecast.history import Cut
from cdp.models.reasons import feature_words
from cdp.models.scorer import Scorer
from cdp.models.value import ValueParameters

SAMPLE = 2_000  # people: a mean of so many does not move any more
STATISTICS = ("how many purchase days", "the silence since the last", "the length of the relation")
_SHAPLEY = (1 / 3, 1 / 6, 1 / 3)  # of one of three, by how many of the other two are there already


def push_sizes(params: ValueParameters, cut: Cut) -> dict[str, float]:
    """Feature in words -> mean absolute Shapley value in the logit of buying, over a fixed part of the people.

    The features are those of the correction where it has a say in that, else the purchase model's `STATISTICS`.
    """
    scorer = Scorer(params)
    features = scorer.features(cut, scorer.value(cut))
    if features is None or not params.weights.any:
        sizes = np.abs(statistics_pushes(params, cut)).mean(axis=0)
        return dict(zip(STATISTICS, sizes.tolist(), strict=True))
    part = features[:: -(-len(features) // SAMPLE)]
    sizes = np.abs(scorer.pushes(part)).mean(axis=0)
    return dict(zip(map(feature_words, feature_names(params.look_backs)), sizes.tolist(), strict=True))


def statistics_pushes(params: ValueParameters, cut: Cut) -> Floats:
    """What each of `STATISTICS` adds to the logit of buying by the purchase model: a fixed part of the people x three.

    Exact Shapley values against the middle person (the median of each): a person's sum is the distance from that one.
    """
    part = slice(None, None, -(-len(cut) // SAMPLE))
    own = np.stack([cut.x, cut.age - cut.t_x, cut.age])[:, part]
    middle = np.median(own, axis=1, keepdims=True)
    said = {}
    for taken in product((False, True), repeat=len(own)):
        x, silence, age = np.where(np.array(taken)[:, None], own, middle)
        t_x = np.where(x > 0, np.maximum(age - silence, 0.0), 0.0)
        mixed = replace(cut, customer=cut.customer[part], x=x, t_x=t_x, age=age)
        said[taken] = logit(terms_of(params.model, mixed, params.window_weeks).p_any)
    pushes = np.zeros(own.shape)
    for taken, without in said.items():
        for i in np.flatnonzero(~np.array(taken)).tolist():
            pushes[i] += _SHAPLEY[sum(taken)] * (said[(*taken[:i], True, *taken[i + 1 :])] - without)
    return params.weights.any_slope * pushes.T


def importance_of(params: ValueParameters) -> dict[str, dict[str, float]]:
    """Booster (purchases, spend, any) -> feature in words -> its share of the gain in training, the largest first.

    Empty where no correction is taken: then the purchase model alone decides, by how often, how long ago and since when
    a person bought, and the value by the mean amount.
    """
    if not params.boosters:
        return {}
    found = {}
    for name, booster in Correction.from_text(params.boosters).boosters.items():
        gains = booster.feature_importance("gain")
        total = max(float(gains.sum()), 1e-300)
        pairs = zip(map(feature_words, feature_names(params.look_backs)), gains.tolist(), strict=True)
        found[name] = {words: gain / total for words, gain in sorted(pairs, key=lambda p: (-p[1], p[0])) if gain}
    return found
