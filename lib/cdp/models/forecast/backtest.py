"""How the layers and plain BG/NBD with Gamma-Gamma did on past cuts, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cdp.models import metrics as m
from cdp.models.arrays import Floats
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.history import iso_day
from cdp.models.forecast.learned import Tested, bands_of, covered
from cdp.models.forecast.past import BASELINE, PastCut
from cdp.models.metrics import finite

DRAWS = 1000
MAX_BOOTSTRAP = 20_000  # customers; the interval of the gain is good to two digits


def backtest(tested: Sequence[Tested], *, has_amounts: bool) -> dict[str, object]:
    """Metrics per past cut (newest first), their mean and standard deviation, and the gain over the baseline.

    Purchases and P(any) always, spend where amounts are known. The corrections tested were trained on older cuts and
    other customers; each cut's coverage is that of bands from the other cuts; the levels were settled on all cuts.
    """
    ours = [_figures(t, t.amounts, has_amounts) | _coverage(tested, i, has_amounts) for i, t in enumerate(tested)]
    theirs = [_figures(t, baseline_amounts(t.past), has_amounts) for t in tested]
    newest = tested[0]
    return {
        "cuts": [{"as_of": iso_day(t.past.cut.as_of), **figures} for t, figures in zip(tested, ours, strict=True)],
        "mean": _over_cuts(ours, np.mean),
        "spread": _over_cuts(ours, np.std),
        "baseline_mean": _over_cuts(theirs, np.mean),
        "gain_of_newest_cut": {
            name: _rmse_gain(getattr(newest.amounts, name), getattr(baseline_amounts(newest.past), name), actual)
            for name, actual in (("purchases", newest.past.outcome.purchases), ("spend", newest.past.outcome.spend))
            if name == "purchases" or has_amounts
        },
    }


def baseline_amounts(past: PastCut) -> Amounts:
    """BG/NBD with Gamma-Gamma alone."""
    terms = past.terms[BASELINE]
    return Amounts(terms.expected, terms.expected * past.value, terms.p_any)


def _figures(tested: Tested, said: Amounts, has_amounts: bool) -> dict[str, float]:
    outcome = tested.past.outcome
    came = (outcome.purchases > 0).astype(np.float64)
    figures = {
        "customers": float(len(came)),
        "purchases_rmse": m.rmse(said.purchases, outcome.purchases),
        "purchases_gini": m.normalised_gini(said.purchases, outcome.purchases),
        "purchases_bias": m.aggregate_bias(said.purchases, outcome.purchases),
        "any_auc": m.auc(said.p_any, came),
        "any_brier": m.brier(said.p_any, came),
        "any_ece": m.expected_calibration_error(said.p_any, came),
    }
    if has_amounts:
        figures |= {
            "spend_rmse": m.rmse(said.spend, outcome.spend),
            "spend_gini": m.normalised_gini(said.spend, outcome.spend),
            "spend_bias": m.aggregate_bias(said.spend, outcome.spend),
        }
    return finite(figures)


def _coverage(tested: Sequence[Tested], i: int, has_amounts: bool) -> dict[str, float]:
    others = [*tested[:i], *tested[i + 1 :]]
    if not has_amounts or not others:
        return {}
    return {"spend_coverage": covered(tested[i], bands_of(others))}


def _over_cuts(figures: Sequence[dict[str, float]], fold) -> dict[str, float]:  # type: ignore[no-untyped-def]
    names = [name for name in figures[0] if all(name in f for f in figures)]
    return {name: float(fold([f[name] for f in figures])) for name in names}


def _rmse_gain(ours: Floats, theirs: Floats, actual: Floats) -> dict[str, float]:
    """By which share the RMSE is below the baseline's, with the 95 % interval of a paired bootstrap over customers."""
    step = -(-len(actual) // MAX_BOOTSTRAP)
    ours_sq, theirs_sq = (np.square((said - actual)[::step]) for said in (ours, theirs))
    rng, n = np.random.default_rng(1), len(ours_sq)
    draws = [np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(DRAWS)]
    gains = [1 - float(np.sqrt(float(w @ ours_sq) / max(float(w @ theirs_sq), 1e-300))) for w in draws]
    low, high = np.quantile(gains, (0.025, 0.975))
    whole = 1 - m.rmse(ours, actual) / max(m.rmse(theirs, actual), 1e-150)
    return {"rmse": float(whole), "low": float(low), "high": float(high)}
