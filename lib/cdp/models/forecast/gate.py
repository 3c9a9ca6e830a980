"""How much of the boosted correction is taken: as much as past cuts prove, and nothing where they prove nothing.

The proof is held on the newest past cuts with boosters that were trained on older cuts and on other customers. The
customers apart matter: the windows of neighbouring cuts overlap, so a customer's own outcome would otherwise leak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.forecast.correction import CutRows, RawScores, logit, shift_to, sigmoid, train_correction

FOLDS = 3
EVALUATION_CUTS = 3
PROOF = 2.0  # standard errors by which the loss must fall
AMOUNTS = (0.25, 0.5, 0.75, 1.0)
#: factors on the logit of P(any), for where no booster is proven: customers who buy by the clock are surer than a
#: Poisson process tells, moody ones less (Cox 1958, "Two further applications of a model for binary regression")
SLOPES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
#: shares of the purchase and of the spend booster in the spend, for where the first is proven of the purchases: without
#: it both are led astray by single large orders
SPEND_AMOUNTS = ((0.25, 0.25), (0.5, 0.5), (0.5, 0.0), (1.0, 0.0))
TWEEDIE_POWER = 1.5
FLOOR = 0.02  # of the mean spend, added in the loss: else the few who come back from next to nothing are all of it

W = TypeVar("W")
#: (rows of a cut, their raw scores, how much of them is taken) -> loss of each customer
Loss: TypeAlias = Callable[[CutRows, RawScores, W], Floats]


@dataclass(frozen=True)
class Weights:
    """How much of each raw score is added; all 0 is the BTYD model alone, its logit of P(any) times `any_slope`."""

    purchases: float = 0.0
    spend: tuple[float, float] = (0.0, 0.0)
    any: float = 0.0
    any_slope: float = 1.0

    @property
    def has_boosters(self) -> bool:
        """Whether any raw score is needed."""
        return bool(self.purchases or any(self.spend) or self.any)

    def corrected(
        self, expected: Floats, value: Floats, p_any: Floats, raw: RawScores
    ) -> tuple[Floats, Floats, Floats]:
        """Expected purchases, spend and P(any) with this much correction; their levels are still to be settled."""
        count = expected * np.exp(self.purchases * raw.purchases)
        spend = expected * value * np.exp(self.spend[0] * raw.purchases + self.spend[1] * raw.spend)
        return count, spend, sigmoid(self.any_slope * logit(p_any) + self.any * raw.any)


def scores_out_of_fold(cuts: Sequence[CutRows]) -> list[RawScores]:
    """Raw scores for the newest cuts (`cuts` come newest first) by boosters that saw none of what they score.

    With a single cut the customers apart are all that can be had.
    """
    newest = min(EVALUATION_CUTS, max(len(cuts) - 1, 1))
    older = cuts[newest:] or cuts
    scores = [RawScores(*(np.zeros(len(rows.fold)) for _ in range(3))) for rows in cuts[:newest]]
    for fold in range(FOLDS):
        correction = train_correction([rows.part(rows.fold != fold) for rows in older])
        for rows, out in zip(cuts, scores, strict=False):
            inside = rows.fold == fold
            found = correction.score(rows.features[inside])
            out.purchases[inside], out.spend[inside], out.any[inside] = found.purchases, found.spend, found.any
    return scores


def choose_weights(cuts: Sequence[CutRows], scores: Sequence[RawScores]) -> Weights:
    """The weights with the smallest loss on the scored cuts, of those that are better than none beyond doubt.

    Losses are deviances (Poisson, Tweedie, binary) with every cut's level set to what happened: the level is settled
    apart. Squared errors would let the few largest customers decide.
    """
    pairs = list(zip(cuts, scores, strict=False))

    def purchases(rows: CutRows, raw: RawScores, w: float) -> Floats:
        mean = _level(rows.expected * np.exp(w * raw.purchases), rows.purchases)
        return np.asarray(mean - rows.purchases * np.log(mean))

    def spend(rows: CutRows, raw: RawScores, w: tuple[float, float]) -> Floats:
        mean = _level(rows.expected * rows.value * np.exp(w[0] * raw.purchases + w[1] * raw.spend), rows.spend)
        mean, p = mean + FLOOR * rows.spend.mean(), TWEEDIE_POWER
        return np.asarray(mean ** (2 - p) / (2 - p) - rows.spend * mean ** (1 - p) / (1 - p))

    def any_(rows: CutRows, raw: RawScores, w: tuple[float, float]) -> Floats:
        came = (rows.purchases > 0).astype(np.float64)
        p = shift_to(sigmoid(w[1] * logit(rows.p_any) + w[0] * raw.any), float(came.mean()))
        return np.asarray(-came * np.log(p) - (1 - came) * np.log1p(-p))

    amount_of_purchases = _best(pairs, purchases, 0.0, AMOUNTS)
    none = (0.0, 1.0)
    boosted = _best(pairs, any_, none, [(amount, 1.0) for amount in AMOUNTS])
    amount, slope = boosted if boosted != none else _best(pairs, any_, none, [(0.0, slope) for slope in SLOPES])
    return Weights(
        purchases=amount_of_purchases,
        spend=_best(pairs, spend, (0.0, 0.0), SPEND_AMOUNTS if amount_of_purchases else ()),
        any=amount,
        any_slope=slope,
    )


def _best(pairs: Sequence[tuple[CutRows, RawScores]], loss: Loss[W], nothing: W, amounts: Sequence[W]) -> W:
    base = [loss(rows, raw, nothing) for rows, raw in pairs]
    best, least = nothing, 0.0
    for amount in amounts:
        gains = [loss(rows, raw, amount) - without for (rows, raw), without in zip(pairs, base, strict=True)]
        mean = float(np.mean([g.mean() for g in gains]))
        doubt = float(np.mean([g.std() / np.sqrt(len(g)) for g in gains]))
        if mean < least and mean < -PROOF * doubt:
            best, least = amount, mean
    return best


def _level(mean: Floats, actual: Floats) -> Floats:
    total = float(actual.sum())
    return mean * (total / float(mean.sum())) if total > 0 else mean
