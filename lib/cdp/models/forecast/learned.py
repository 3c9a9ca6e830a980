"""All that past cuts teach: which model, how much correction, which level, how wide the intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.btyd.btyd import Terms, fit_each, terms_of
from cdp.models.forecast.conformal import COVERAGE, SpendBands, fit_bands
from cdp.models.forecast.correction import Correction, RawScores, logit, logit_shift, sigmoid, train_correction
from cdp.models.forecast.cut_features import features_at
from cdp.models.forecast.cut_plan import CutPlan
from cdp.models.forecast.factors import Amounts, Factors
from cdp.models.forecast.gate import EVALUATION_CUTS, Weights, choose_weights, scores_out_of_fold
from cdp.models.forecast.history import Cut, Purchases, cut_at, equal_histories, outcome_of
from cdp.models.forecast.level import LastYear, Level, least_miss, same_season, settle_level, usual_miss
from cdp.models.forecast.past import BASELINE, PastCut, log_ratio, rows_of
from cdp.models.metrics import coverage as coverage_of

MIN_LEARNERS = 400  # customers at the newest past cut; of fewer nothing is learned
MIN_POSITIVES = 150  # of them with a purchase in the window
YEAR = 364  # days: the same weekday a year before
SEASON_HISTORY_WEEKS = 12.0  # before a cut a year ago, to fit a model there
CLEARLY = 0.9  # of the preferred model's miss: below, another model's total or share of buyers is taken instead
# Of the past cuts, on how many that other model must have been nearer: BG/NBD's total is what people compare with.
MOST_FOR_TOTAL, MOST_FOR_ANY = 0.8, 0.65
LESS, MORE = (0.89, 0.88, 0.87, 0.86), (0.91, 0.92, 0.93, 0.94)  # coverages to ask bands for, the nearest first
# Misses (logs, logits) that are left alone even when all cuts agree: a season unseen weighs more. The value of one
# purchase has hardly a season.
COUNT_TOLERANCE, VALUE_TOLERANCE, ANY_TOLERANCE = 0.06, 0.02, 0.1


@dataclass(frozen=True)
class Levels:
    """Whose totals are taken (`total_of`, `any_of`: models), and how far they are shifted, in logs and in logits."""

    total_of: str
    any_of: str
    purchases: Level
    value: Level
    p_any: Level


@dataclass(frozen=True)
class Learned:
    """The layers over one BTYD model, `correction` being None where none of it is taken."""

    model: str
    plan: CutPlan
    weights: Weights
    correction: Correction | None
    levels: Levels

    def forecast(self, cut: Cut, terms: Mapping[str, Terms], value: Floats, weeks: float) -> Amounts:
        """The forecast of the cut's customers for `weeks`, from the terms of all models."""
        own = terms[self.model]
        raw = RawScores(*(np.zeros(len(cut)) for _ in range(3)))
        if self.correction is not None:
            raw = self.correction.score(features_at(cut, own, value, weeks, self.plan.look_backs))
        return self.assemble(terms, value, raw)

    def assemble(self, terms: Mapping[str, Terms], value: Floats, raw: RawScores) -> Amounts:
        """Shape from the corrected terms, totals from the levels; P(any) is never above the expected purchases."""
        return self.factors(terms, value, raw).apply(*self.corrected(terms, value, raw))

    def corrected(self, terms: Mapping[str, Terms], value: Floats, raw: RawScores) -> tuple[Floats, Floats, Floats]:
        """Purchases, spend and P(any) before their levels."""
        own = terms[self.model]
        return self.weights.corrected(own.expected, value, own.p_any, raw)

    def factors(self, terms: Mapping[str, Terms], value: Floats, raw: RawScores) -> Factors:
        """What puts these customers on the settled levels."""
        levels = self.levels
        count, spend, p_any = self.corrected(terms, value, raw)
        total = terms[levels.total_of].bare * np.exp(levels.purchases.log_factor)
        worth = total * value * np.exp(levels.value.log_factor)
        share = sigmoid(logit(terms[levels.any_of].p_any) + levels.p_any.log_factor).mean()
        return Factors(
            float(np.log(total.sum() / count.sum())),
            float(np.log(worth.sum() / spend.sum())),
            logit_shift(p_any, float(share)),
        )


@dataclass(frozen=True)
class Tested:
    """A past cut with the forecast that the layers, not knowing its outcome, give for it."""

    past: PastCut
    amounts: Amounts


def learn(past: Sequence[PastCut], plan: CutPlan, model: str, levels: Levels) -> tuple[Learned, list[Tested]]:
    """Train the correction, decide how much of it is taken, and forecast the newest past cuts as if they were now."""
    rows = [rows_of(p, model, plan) for p in past]
    newest = rows[0]
    if len(newest.fold) >= MIN_LEARNERS and np.count_nonzero(newest.purchases) >= MIN_POSITIVES:
        scores = scores_out_of_fold(rows)
    else:
        scores = [RawScores(*(np.zeros(len(r.fold)) for _ in range(3))) for r in rows[:EVALUATION_CUTS]]
    weights = choose_weights(rows, scores)
    correction = train_correction(rows) if weights.has_boosters else None
    learned = Learned(model, plan, weights, correction, levels)
    tested = [Tested(p, learned.assemble(p.terms, p.value, s)) for p, s in zip(past, scores, strict=False)]
    return learned, tested


def bands_of(tested: Sequence[Tested]) -> SpendBands:
    """Intervals of spend that hold on these past cuts: on each by the bands of the others, nine in ten on average.

    Nine in ten of all cuts together is more or less than that where the cuts differ, as under a season, or where a cut
    is small.
    """
    if len(tested) < 2:
        return _pooled_bands(tested, COVERAGE)

    def excess(asked: float) -> float:
        left_out = [_pooled_bands([*tested[:i], *tested[i + 1 :]], asked) for i in range(len(tested))]
        return float(np.mean([covered(t, b) for t, b in zip(tested, left_out, strict=True)])) - COVERAGE

    found = {COVERAGE: excess(COVERAGE)}
    for asked in LESS if found[COVERAGE] > 0 else MORE:  # what is covered grows with what is asked for
        found[asked] = excess(asked)
        if found[asked] * found[COVERAGE] <= 0:
            break
    return _pooled_bands(tested, min(found, key=lambda asked: abs(found[asked])))


def covered(tested: Tested, bands: SpendBands) -> float:
    """Share of the cut's customers whose actual spend lies inside the bands."""
    low, high = bands.interval(tested.amounts.purchases, tested.amounts.spend)
    return coverage_of(low, high, tested.past.outcome.spend)


def _pooled_bands(tested: Sequence[Tested], coverage: float) -> SpendBands:
    return fit_bands(
        np.concatenate([t.amounts.purchases for t in tested]),
        np.concatenate([t.amounts.spend for t in tested]),
        np.concatenate([t.past.outcome.spend for t in tested]),
        coverage,
    )


def settle_levels(past: Sequence[PastCut], plan: CutPlan, model: str, season: LastYear) -> Levels:
    """The levels for a forecast: see level.py.

    The total is BG/NBD's and the share of buyers the chosen model's, unless another was clearly nearer to what happened
    on the past cuts. `season` is what the year before says of the weeks that are forecast.
    """
    names = [name for name in past[0].terms if all(name in p.terms for p in past)]
    totals = {name: [p.ratio(name) for p in past] for name in (BASELINE, model)}
    shifts = {name: [_logit_shift(p.terms[name].p_any, p.outcome.purchases) for p in past] for name in names}
    total_of, any_of = _nearest(totals, BASELINE, MOST_FOR_TOTAL), _nearest(shifts, model, MOST_FOR_ANY)
    values = [p.value_ratio(total_of) for p in past]
    span_weeks = (past[0].cut.as_of - past[-1].cut.as_of) / 7.0
    settle = partial(settle_level, span_weeks=span_weeks, window_weeks=plan.window_weeks)
    counts = settle(totals[total_of], tolerance=COUNT_TOLERANCE, last_year=season)
    is_told_apart = span_weeks >= plan.window_weeks and (
        counts.log_factor != 0 or least_miss(totals[total_of]) <= COUNT_TOLERANCE
    )
    return Levels(
        total_of,
        any_of,
        counts,
        settle(values, tolerance=VALUE_TOLERANCE),
        _level_of_any(settle, shifts[any_of], totals[total_of], season, is_told_apart=is_told_apart),
    )


def _level_of_any(
    settle: Callable[..., Level],
    shifts: Sequence[float],
    ratios: Sequence[float],
    season: LastYear,
    *,
    is_told_apart: bool,
) -> Level:
    """The level of P(any) from its own misses and, where these are season or tell nothing, from what is beside it.

    A season moves purchases and buyers together. What is left of the shift of P(any) without that of the purchases
    comes of how regularly people buy, and stays, if `is_told_apart`: the cuts do not all share one window, and not all
    of them missed the purchases on one side, which may be no season.
    """
    whole = settle(shifts, tolerance=ANY_TOLERANCE, last_year=season)
    is_bias = whole.log_factor != 0 and whole.log_factor != season.log_factor
    beside = 0.0 if is_bias or not is_told_apart else usual_miss([s - r for s, r in zip(shifts, ratios, strict=True)])
    if not beside:
        return whole
    why = "past cuts had more buyers, or fewer, for as many purchases"
    return Level(whole.log_factor + beside, f"{whole.reason}; {why}" if whole.log_factor else why)


def season_of(past: Sequence[PastCut], plan: CutPlan, known: Purchases, *, as_of: int, weeks: float) -> LastYear:
    """What the same season of the year before says of the `weeks` after `as_of`."""
    return same_season(*_year_before(past, plan, known, as_of, weeks))


def _nearest(misses: Mapping[str, Sequence[float]], preferred: str, most: float) -> str:
    """The model with the smallest mean miss of those that were nearer than `preferred` clearly and on `most` cuts.

    NaN: not measured.
    """
    measured = np.isfinite(np.array(list(misses.values()))).all(axis=0)
    if not measured.any():
        return preferred
    size = {name: np.abs(values)[measured] for name, values in misses.items()}
    own = size[preferred]
    nearer = [n for n, s in size.items() if s.mean() < CLEARLY * own.mean() and (s < own).mean() >= most]
    return min(nearer, key=lambda name: (float(size[name].mean()), name), default=preferred)


def _year_before(
    past: Sequence[PastCut], plan: CutPlan, known: Purchases, as_of: int, weeks: float
) -> tuple[float, list[tuple[float, float]]]:
    """BG/NBD's ratio a year before `now`, and (ratio, ratio a year before) of the past cuts; NaN, [] where unknown."""
    if 7 * weeks > YEAR or len(known.day) == 0:
        return float("nan"), []
    current = _ratio_at(known, as_of - YEAR, weeks)
    if not np.isfinite(current):
        return current, []
    before = [(p.ratio(BASELINE), _ratio_at(known, p.cut.as_of - YEAR, plan.window_weeks)) for p in past]
    return current, [pair for pair in before if np.isfinite(pair).all()]


def _ratio_at(known: Purchases, day: int, weeks: float) -> float:
    if (day - int(known.day.min())) / 7.0 < SEASON_HISTORY_WEEKS:
        return float("nan")
    cut = cut_at(known, day)
    fits, _ = fit_each(equal_histories(cut), only=(BASELINE,))
    if BASELINE not in fits:
        return float("nan")
    return log_ratio(outcome_of(known, cut, weeks).purchases, terms_of(fits[BASELINE].model, cut, weeks).bare)


def _logit_shift(p_any: Floats, purchases: Floats) -> float:
    came = float((purchases > 0).mean())
    return logit_shift(p_any, came) if 0 < came < 1 else float("nan")
