"""Train the value model: when it is due, which of the candidates it is, and whether it may become champion."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from cdp.core.dates import EPOCH
from cdp.core.errors import ModelError
from cdp.models.candidates import Candidate, fit_candidates
from cdp.models.evaluate import MIN_HOLDOUT, Evaluation, evaluate_value
from cdp.models.figures import (
    draw_backtest,
    draw_calibration,
    draw_deciles,
    draw_frequency,
    draw_gains,
    draw_importance,
)
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.far_amounts import temper
from cdp.models.forecast.far_days import leave_out
from cdp.models.forecast.history import Cut, equal_histories, iso_day
from cdp.models.forecast.learned import Tested
from cdp.models.gain import Gain, Losses, gains_over, losses_of
from cdp.models.importance import push_sizes
from cdp.models.loyalty import learn_rhythm
from cdp.models.scorer import Scorer
from cdp.models.segments import find_segments
from cdp.models.stability import Reference, reference_of
from cdp.models.training_data import TrainingData
from cdp.models.value import ValueParameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_HORIZON_WEEKS = 13
MIN_HORIZON_WEEKS = 2
MIN_AUC = 0.5
MAX_BIAS = 0.5  # beyond, a new version replaces only a champion that it beats; a first one is taken with a warning
WORSE = 0.01  # by more than this, beyond doubt, a new version may not be worse than a champion that has seen the test


@dataclass(frozen=True)
class TrainedValue:
    """The parameters for scoring (fitted on everything), and how the same form did on later periods.

    `evaluation` and `losses` are those of this form on its later cuts, `layers` and `baseline` the candidates'
    evaluations, `gains` the layers' over the baseline there, `champion_gains` this form's over the champion of before
    (empty without one), `chosen` says in a sentence which form it is and why.
    """

    params: ValueParameters
    evaluation: Evaluation
    layers: Evaluation
    baseline: Evaluation
    losses: Losses
    gains: Mapping[str, Gain]
    champion_gains: Mapping[str, Gain]
    chosen: str
    figures: Mapping[str, Figure]

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics on the later periods (mean, `_sd`), `baseline_*`, the gains with their intervals, segments."""
        figures = dict(self.evaluation.metrics)
        figures |= {f"baseline_{n}": v for n, v in self.baseline.metrics.items() if n.startswith(_COMPARED)}
        for against, gains in (("baseline", self.gains), ("champion", self.champion_gains)):
            for name, gain in gains.items():
                key = f"gain_over_{against}_{name}"
                figures |= {key: gain.mean, f"{key}_low": gain.low, f"{key}_high": gain.high}
        if (segments := self.params.segments) is not None:
            figures |= {"segments_stability": segments.stability, "segments_silhouette": segments.silhouette}
        return figures


BACKTEST = ("churn_auc", "churn_brier", "churn_ece", "purchases_bias", "spend_bias", "spend_rmse")
_COMPARED = ("purchases_bias", "purchases_rmse", "purchases_gini", "spend_bias", "spend_rmse", "spend_gini",
             "spend_coverage", "churn_auc", "churn_brier", "churn_ece")  # fmt: skip


@dataclass(frozen=True)
class DatasetVersion:
    """The table that a training read: name, path or address, and its version, so that it can be read again."""

    name: str
    path: str
    version: int


@dataclass(frozen=True)
class Decision:
    """Whether a new version becomes champion, and why, in one sentence."""

    is_promoted: bool
    reason: str


def is_training_due(last_trained: date | None, as_of: date, *, every_days: int = 7, is_noted: bool = True) -> bool:
    """True before the first training, or when the last is `every_days` old. A date before the last one is not due.

    is_noted: False where a training of this very date was registered and the run was killed before the lake said so:
    then it is due again, finds what was registered and says so.
    """
    if last_trained is None or not is_noted:
        return True
    return (as_of - last_trained).days >= every_days


def choose_horizon_weeks(first_purchase: date | None, as_of: date, *, longest: int = LONGEST_HORIZON_WEEKS) -> int:
    """The horizon that can be tested: a quarter of the history, at most `longest` weeks.

    Raises ModelError when not even two weeks are left, i.e. with less than eight weeks of history.
    """
    weeks = (as_of - first_purchase).days / 7 if first_purchase else 0.0
    horizon = min(longest, math.floor(weeks / 4))
    if horizon < MIN_HORIZON_WEEKS:
        raise ModelError(
            f"cannot train as of {as_of}: {weeks:.1f} weeks of purchases, {4 * MIN_HORIZON_WEEKS} are needed to keep a "
            "later period for the test. Load a longer history."
        )
    return horizon


def training_fingerprint(
    tags: Mapping[str, str], datasets: Sequence[DatasetVersion], *, as_of: date, horizon_weeks: int
) -> str:
    """Hash of all that decides a training: equal tables, date, horizon, model, form and definition give an equal model.

    `tags`: those of the training's run, which name the model, its form and its definition.
    """
    facts = [*(f"{tag}={tags[tag]}" for tag in sorted(tags)), as_of.isoformat(), str(horizon_weeks)]
    facts += sorted(f"{d.name}|{d.path}|{d.version}" for d in datasets)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def train_value(
    data: TrainingData, *, as_of: date, horizon_weeks: int, champion: ValueParameters | None = None
) -> TrainedValue:
    """Fit both candidates, take the layers where they beat the baseline beyond doubt and the baseline elsewhere.

    `data` is what was known at the start of `as_of`. Raises ModelError when the history is too thin to fit or to test:
    then there is no model, and a champion that exists goes on scoring.
    """
    dated, unlikely_days = leave_out(data.ledger)
    known, unlikely_amounts = temper(dated)
    fitted = fit_candidates(known, as_of=(as_of - EPOCH).days - 1, horizon_weeks=horizon_weeks)
    newest = fitted.layers.tested[0].past.cut
    if len(newest) < MIN_HOLDOUT:
        raise ModelError(
            f"only {len(newest)} people can be tested behind {iso_day(newest.as_of)}; {MIN_HOLDOUT} are needed. "
            "Load more customers or a longer history."
        )
    layers, plain = (_losses(c.tested, data) for c in (fitted.layers, fitted.baseline))
    gains = gains_over(layers, plain)
    is_better = beats(gains)
    chosen, losses = (fitted.layers, layers) if is_better else (fitted.baseline, plain)
    layered, based = (
        evaluate_value(c.tested, window_weeks=fitted.window_weeks) for c in (fitted.layers, fitted.baseline)
    )
    evaluation = layered if is_better else based
    said = Scorer(chosen.params).forecast(fitted.now.cut, horizon_weeks)
    params = replace(
        chosen.params,
        warnings=(*chosen.params.warnings, *unlikely_days, *unlikely_amounts),
        references=references_of(fitted.now.cut, said),
        rhythm=learn_rhythm(fitted.now.cut, chosen.params.bgnbd),
        segments=find_segments(fitted.now.cut, said, before=champion.segments if champion else None),
    )
    return TrainedValue(
        data.describe(params),
        evaluation,
        layered,
        based,
        losses,
        gains,
        gains_over(losses, _losses(_say_again(chosen, champion), data)) if champion else {},
        f"{'the layers beat' if is_better else 'the baseline: the layers did not beat'} BG/NBD with Gamma-Gamma beyond "
        f"doubt ({', '.join(f'{name} {g.low:+.1%} to {g.high:+.1%}' for name, g in gains.items())})",
        _draw(params, evaluation, based, fitted.now.cut),
    )


def _draw(params: ValueParameters, evaluation: Evaluation, baseline: Evaluation, cut: Cut) -> dict[str, Figure]:
    weeks, buyers, spend = params.horizon_weeks, evaluation.churn_groups, evaluation.spend_groups
    return {
        "calibration.png": draw_calibration(
            buyers, of="buyers", title=f"Bought within {weeks} weeks, ten groups of people"
        ),
        "gains.png": draw_gains({"buyers": buyers, "spend": spend}, of="people"),
        "deciles.png": draw_deciles(
            spend, of="mean spend, in the orders' currency", title=f"Spent within {weeks} weeks, ten groups of people"
        ),
        "backtest.png": draw_backtest({"baseline": baseline.cuts, "chosen": evaluation.cuts}, measures=BACKTEST),
        "frequency.png": draw_frequency(equal_histories(cut), params.bgnbd),
        "importance.png": draw_importance(
            push_sizes(params, cut),
            title=f"What the {'correction' if params.weights.any else 'purchase model'} looks at",
        ),
    }


def references_of(cut: Cut, said: Amounts) -> dict[str, Reference]:
    """How the measures of drift.py are spread over the people of a training and what is `said` of them."""
    measures = {
        "purchase_days": cut.count.astype(np.float64),
        "days_since_purchase": np.round(7 * (cut.age - cut.t_x)) + 1,  # to the start of the as-of date, as in snapshots
        "last_amount": cut.days.amount[cut.start + cut.count - 1],
        "churn": 1 - said.p_any,
        "ltv": said.spend,
    }
    return {name: reference_of(values) for name, values in measures.items()}


def beats(gains: Mapping[str, Gain]) -> bool:
    """Better in one measure at least and worse in none, as far as the intervals tell."""
    return any(g.low > 0 for g in gains.values()) and all(g.high >= 0 for g in gains.values())


def decide_promotion(trained: TrainedValue, *, has_champion: bool) -> Decision:
    """Floors that a version must reach unless it beats the champion, and not worse than the champion on later periods.

    The champion has seen part of these periods, which favours it: a new version may be `WORSE` by a little.
    """
    auc = trained.metrics.get("churn_auc")
    biases = {
        name: bias for name in ("purchases", "spend") if (bias := trained.metrics.get(f"{name}_bias")) is not None
    }
    if auc is not None and auc < MIN_AUC:
        return Decision(False, f"refused: AUC {auc:.3f} on later periods is below {MIN_AUC}")
    if "purchases" not in biases:
        return Decision(not has_champion, "nobody bought in the later periods, so the level could not be tested")
    for name, bias in biases.items():
        if abs(bias) > MAX_BIAS:
            text = f"expected {name} off by {bias:+.0%} on later periods (limit {MAX_BIAS:.0%})"
            if not has_champion:
                return Decision(True, f"first version, though {text}")
            if beats(trained.champion_gains):
                return Decision(True, f"better than the champion beyond doubt, though {text}")
            return Decision(False, f"refused: {text}")
    if refused := refuse_worse(trained.champion_gains):
        return refused
    told = f"AUC {auc:.3f}, purchases" if auc is not None else "purchases"
    return Decision(True, f"{told} {biases['purchases']:+.1%} on later periods; {trained.chosen}")


def refuse_worse(champion_gains: Mapping[str, Gain]) -> Decision | None:
    """The refusal of a version that is worse than the champion in a measure by more than `WORSE`, beyond doubt."""
    for name, gain in champion_gains.items():
        if gain.high < -WORSE:
            return Decision(False, f"refused: {name} {-gain.mean:.1%} worse than the champion's on later periods")
    return None


def _losses(tested: Sequence[Tested], data: TrainingData) -> Losses:
    return losses_of(
        [(iso_day(t.past.cut.as_of + 1), t.amounts, t.past.outcome, data.group[t.past.cut.customer]) for t in tested]
    )


def _say_again(chosen: Candidate, champion: ValueParameters) -> list[Tested]:
    scorer, window = Scorer(champion), chosen.params.window_weeks
    return [Tested(t.past, scorer.forecast(t.past.cut, window)) for t in chosen.tested]
