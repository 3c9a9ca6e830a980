"""What a version looks at: how much each feature of the correction earns in training, in words."""

from __future__ import annotations

import numpy as np

from cdp.models.forecast.correction import Correction
from cdp.models.forecast.cut_features import feature_names
from cdp.models.forecast.history import Cut
from cdp.models.reasons import feature_words
from cdp.models.scorer import Scorer
from cdp.models.value import ValueParameters

SAMPLE = 2_000  # people: a mean of so many does not move any more


def push_sizes(params: ValueParameters, cut: Cut) -> dict[str, float]:
    """Feature in words -> mean absolute Shapley value in the logit of buying, over a fixed part of the people.

    Empty where no correction is taken.
    """
    scorer = Scorer(params)
    features = scorer.features(cut, scorer.value(cut))
    if features is None:
        return {}
    part = features[:: -(-len(features) // SAMPLE)]
    sizes = np.abs(scorer.pushes(part)).mean(axis=0)
    return dict(zip(map(feature_words, feature_names(params.look_backs)), sizes.tolist(), strict=True))


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
