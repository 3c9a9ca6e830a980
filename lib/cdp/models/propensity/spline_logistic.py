"""Logistic regression on splines: the model that is hard to beat on people under contract, and the baseline of all.

Each number enters as itself (long tails squeezed) and as a cubic spline with knots at its quantiles, each category as
its values, each gap as a flag; one ridge penalty holds all of it. Eilers, Marx 1996, "Flexible smoothing with B-splines
and penalties", Statistical Science 11(2). A person's log-odds are a sum over features: the reasons are exact.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer
from threadpoolctl import threadpool_limits

from cdp.models.arrays import Floats
from cdp.models.propensity.feature_columns import FeatureColumn
from cdp.models.propensity.feature_matrix import FeatureMatrix

KNOTS = 5
MAX_SPLINES = 60  # a table with more numbers gets straight lines: the normal equations grow with the square
TAIL = 0.001  # values beyond these quantiles of the training rows count as the quantile
MAX_CELLS = 40_000_000  # of the design, 320 MB: some hundred coefficients do not get better with more rows


@dataclass(frozen=True)
class NumberTerm:
    """How one number becomes columns: clipped, centred, squeezed, bent."""

    low: float
    high: float
    centre: float
    width: float
    mean: float
    scale: float
    spline: SplineTransformer | None
    has_gaps: bool

    def columns(self, values: Floats) -> Floats:
        """people x columns; a gap is 0 in all but its flag."""
        missing = np.isnan(values)
        clipped = np.clip(np.where(missing, self.centre, values), self.low, self.high)
        z = (np.arcsinh((clipped - self.centre) / self.width) - self.mean) / self.scale
        parts = [z[:, None]]
        if self.spline is not None:
            parts.append(self.spline.transform(z[:, None]))
        found = np.hstack(parts)
        found[missing] = 0.0
        return np.hstack([found, missing[:, None]]) if self.has_gaps else found

    def unheard(self, values: Floats) -> NDArray[np.bool_]:
        """Where training had nothing of the kind: gaps, if it had none."""
        return np.isnan(values) & (not self.has_gaps)


@dataclass(frozen=True)
class CategoryTerm:
    """One column for each level, one for other values and, where training had gaps, one for gaps."""

    levels: int
    has_gaps: bool
    has_others: bool

    def columns(self, values: Floats) -> Floats:
        """people x levels, zeros and ones."""
        codes = np.where(np.isnan(values), self.levels + 1, values).astype(int)
        return np.eye(self.levels + 2)[codes][:, : self.levels + 1 + self.has_gaps]

    def unheard(self, values: Floats) -> NDArray[np.bool_]:
        """Where training had nothing of the kind: gaps or other values, if it had none."""
        return (np.isnan(values) & (not self.has_gaps)) | ((values == self.levels) & (not self.has_others))


Term = NumberTerm | CategoryTerm


@dataclass(frozen=True)
class SplineLogistic:
    """A fitted model: terms, their coefficients, mean and variance of each feature's contribution in training."""

    terms: tuple[Term, ...]
    coefficients: tuple[Floats, ...]
    intercept: float
    means: Floats
    variances: Floats

    def contributions(self, matrix: FeatureMatrix) -> Floats:
        """people x (features + 1) log-odds against the average training person; the last column is that person's."""
        found = np.empty((len(matrix), len(self.terms) + 1))
        for i, (term, beta) in enumerate(zip(self.terms, self.coefficients, strict=True)):
            found[:, i] = term.columns(matrix.values[:, i]) @ beta - self.means[i]
        found[:, -1] = self.intercept + self.means.sum()
        return found

    def logits(self, matrix: FeatureMatrix) -> Floats:
        """Log-odds of each person."""
        return np.asarray(self.contributions(matrix).sum(axis=1))

    def unheard(self, matrix: FeatureMatrix) -> NDArray[np.bool_]:
        """people x features: where training had nothing of the kind, so that the contribution means nothing."""
        found = [term.unheard(matrix.values[:, i]) for i, term in enumerate(self.terms)]
        return np.column_stack(found) if found else np.zeros((len(matrix), 0), dtype=bool)


def fit_path(matrix: FeatureMatrix, label: Floats, strengths: tuple[float, ...]) -> list[SplineLogistic]:
    """One model for each strength C (the variance that coefficients are expected to have), from strict to loose."""
    terms = learn_terms(matrix, is_bent=sum(f.kind != "category" for f in matrix.features) <= MAX_SPLINES)
    width = sum(t.columns(matrix.values[:1, i]).shape[1] for i, t in enumerate(terms))
    step = -(-len(matrix) * width // MAX_CELLS) or 1
    matrix, label = matrix.rows(np.arange(0, len(matrix), step)), label[::step]
    blocks = [t.columns(matrix.values[:, i]) for i, t in enumerate(terms)]
    design = np.hstack(blocks) if blocks else np.empty((len(matrix), 0))
    ends = np.cumsum([b.shape[1] for b in blocks])[:-1]
    estimator = LogisticRegression(solver="newton-cholesky", warm_start=True, tol=1e-6, max_iter=50)
    models = []
    # One thread: on designs of this size several wait for each other, by spinning, longer than they work.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # a path's loose end may be flat: it is not chosen then
        for strength in strengths:
            estimator.set_params(C=strength).fit(design, label)
            parts = tuple(np.split(estimator.coef_[0].copy(), ends))
            pushes = [b @ c for b, c in zip(blocks, parts, strict=True)]
            means, variances = (np.array([f(p) for p in pushes]) for f in (np.mean, np.var))
            models.append(SplineLogistic(terms, parts, float(estimator.intercept_[0]), means, variances))
    return models


def learn_terms(matrix: FeatureMatrix, *, is_bent: bool) -> tuple[Term, ...]:
    """How each feature becomes columns, in units of its own spread; with splines where `is_bent`."""
    return tuple(_learn_term(matrix.values[:, i], f, is_bent) for i, f in enumerate(matrix.features))


def _learn_term(values: Floats, feature: FeatureColumn, is_bent: bool) -> Term:
    has_gaps = bool(np.isnan(values).any())
    if feature.kind == "category":
        return CategoryTerm(len(feature.levels), has_gaps, bool((values == len(feature.levels)).any()))
    known = values[~np.isnan(values)]
    if not len(known):
        return NumberTerm(0.0, 0.0, 0.0, 1.0, 0.0, 1.0, None, has_gaps)
    low, high = (float(v) for v in np.quantile(known, (TAIL, 1 - TAIL)))
    clipped = np.clip(known, low, high)
    first, centre, third = (float(v) for v in np.quantile(clipped, (0.25, 0.5, 0.75)))
    width = (third - first) or float(clipped.std()) or 1.0
    z = np.arcsinh((clipped - centre) / width)
    mean, scale = float(z.mean()), float(z.std()) or 1.0
    z = (z - mean) / scale
    knots = np.unique(np.quantile(z, np.linspace(0, 1, KNOTS)))
    spline = None
    if is_bent and len(knots) > 2:
        spline = SplineTransformer(degree=3, knots=knots[:, None], extrapolation="constant", include_bias=False)
        spline.fit(knots[:2, None])
    return NumberTerm(low, high, centre, width, mean, scale, spline, has_gaps)
