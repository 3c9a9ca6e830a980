"""Look-alikes: who among all people resembles a seed audience, ranked, with reasons.

The seed is known, everybody else is unlabelled: some of them are what the seed is. A model of seed against the rest
ranks people all the same, as long as the seed is a fair sample of its kind (Elkan, Noto 2008, "Learning classifiers
from only positive and unlabeled data", KDD). Nobody is scored by a model that has seen him: each fifth of the people
is scored by layers fitted on the other four, so that seed people are no better off than their likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats
from cdp.models.propensity.crossfit import cross_fit
from cdp.models.propensity.feature_columns import learn_columns
from cdp.models.propensity.feature_matrix import FeatureMatrix, encode
from cdp.models.propensity.folds import assign_folds, hash_keys
from cdp.models.propensity.layers import fit_layers
from cdp.models.propensity.leakage import find_leaks, find_rules
from cdp.models.propensity.lookalike_metrics import describe_ranking, nearest_to_seed, share_of_seed_like
from cdp.models.propensity.propensity import MAX_CELLS
from cdp.models.propensity.propensity_choice import Recipe, choose_recipe
from cdp.models.propensity.propensity_metrics import plain
from cdp.models.propensity.propensity_model import CHUNK, read_ids
from cdp.models.propensity.pushes import push_reasons

MIN_SEED = 20  # people of the seed with features
FOLDS = 5


@dataclass(frozen=True)
class Lookalikes:
    """`people`: one row a person: id (text), rank (1 is most alike), score, is_seed, reasons; and the report."""

    people: pd.DataFrame
    report: dict[str, Any]


@dataclass(frozen=True)
class _Audience:
    """Everybody with features, sorted by id; is_seed: 1 or 0."""

    ids: pd.Series
    frame: pd.DataFrame
    is_seed: Floats
    warnings: tuple[str, ...]


def find_lookalikes(
    seed: pd.Series, features: pd.DataFrame, *, id_column: str, on_step: Callable[[float], None] = lambda share: None
) -> Lookalikes:
    """Rank everybody in `features` (one row a person) by likeness to the people whose ids (text) are in `seed`.

    score: the probability to be what the seed is, under the estimated share of such people; equal scores are ranked
    by the model's own order, then by id. The report: counts, recall of unseen seed people in the top shares with
    lift, beside the distance to the seed's mean; the estimated share; method, dropped, warnings. ModelError when
    there is too little seed, or nothing that tells it apart.
    """
    audience = _read_audience(seed, features, id_column)
    plan = learn_columns(audience.frame, exclude=frozenset({id_column}))
    whole = encode(audience.frame, plan)
    leaks, told = find_leaks(whole, audience.is_seed)
    rules = find_rules(whole, audience.is_seed)
    leaks |= rules
    dropped = {**plan.dropped, **leaks}
    matrix = whole.without(set(leaks))
    if not matrix.features:
        raise ModelError(f"no feature is left to compare people by{_told(dropped)}")
    recipe, choice = _choose(matrix, audience, dropped, lambda share: on_step(share * 0.6))
    logits, reasons, folds = _score(matrix, audience, recipe, lambda share: on_step(0.6 + share * 0.4))
    share = share_of_seed_like(logits, audience.is_seed)
    report = {
        **_counts(audience, share),
        **choice,
        "metrics": {
            "model": describe_ranking(logits, audience.is_seed, folds),
            "distance to the seed's mean": describe_ranking(
                nearest_to_seed(matrix, audience.is_seed, folds), audience.is_seed, folds
            ),
        },
        "dropped": dropped,
        "warnings": [
            *audience.warnings,
            *plan.warnings,
            *told,
            *(f"{name} is left out: {why}" for name, why in rules.items()),
        ],
    }
    return Lookalikes(_rank(audience, logits, share, reasons), plain(report))


def _read_audience(seed: pd.Series, features: pd.DataFrame, id_column: str) -> _Audience:
    ids = read_ids(features, id_column)
    warnings = []
    if gone := int(ids.isna().sum()):
        warnings.append(f"{gone} rows without an id were left out")
    order = np.argsort(ids.fillna("").to_numpy(dtype=str), kind="stable")
    order = order[ids.notna().to_numpy()[order]]
    ids, frame = ids.iloc[order].reset_index(drop=True), features.iloc[order].reset_index(drop=True)
    if doubled := int(ids.duplicated().sum()):
        raise ModelError(f"{doubled} rows of the features repeat an id: give one row a person")
    is_seed = ids.isin(set(seed.dropna())).to_numpy(dtype=np.float64)
    found = int(is_seed.sum())
    if found < MIN_SEED:
        raise ModelError(
            f"{found} people of the seed are among the {len(ids)} people with features; {MIN_SEED} are needed, and as "
            "many others. Are both files' ids of one kind?"
        )
    if len(ids) - found < MIN_SEED:
        raise ModelError(
            f"{found} of the {len(ids)} people with features are the seed itself: {MIN_SEED} others are needed to tell "
            "it from. Give the features of everybody, not of the seed alone."
        )
    if unknown := int(seed.nunique()) - found:
        warnings.append(f"{unknown} people of the seed have no features: they were not used")
    return _Audience(ids, frame, is_seed, tuple(warnings))


def _choose(
    matrix: FeatureMatrix, audience: _Audience, dropped: dict[str, str], on_step: Callable[[float], None]
) -> tuple[Recipe, dict[str, Any]]:
    sample = _sample(audience, len(matrix.features))
    label, ids = audience.is_seed[sample], audience.ids[sample]
    crossed = cross_fit(matrix.rows(sample), label, ids, repeats=1, on_step=on_step)
    recipe, report = choose_recipe(crossed, ids)
    if recipe is None or report["settings"]["kept"] < 1:
        why = f"what ranks it first may do so by chance{_told(dropped)}"
        raise ModelError(f"nothing among the features tells the seed apart from the others: {why}")
    return recipe, {name: report[name] for name in ("method", "why", "gain", "settings")}


def _told(dropped: dict[str, str]) -> str:
    return "; left out: " + "; ".join(f"{name} ({why})" for name, why in dropped.items()) if dropped else ""


def _sample(audience: _Audience, features: int) -> np.ndarray:
    """As many of the seed and of the others as can be fitted in minutes, by the hash of their ids."""
    most = max(5_000, MAX_CELLS // features)
    keys = hash_keys(audience.ids, 0)
    chosen = np.zeros(len(keys), dtype=bool)
    for kind in (0.0, 1.0):
        of_kind = audience.is_seed == kind
        chosen |= of_kind & (keys <= np.sort(keys[of_kind])[:most][-1])
    return chosen


def _score(
    matrix: FeatureMatrix, audience: _Audience, recipe: Recipe, on_step: Callable[[float], None]
) -> tuple[Floats, list[list[str]], np.ndarray]:
    """Log-odds and reasons of everybody, by layers fitted on the sampled people of the other folds; and the folds."""
    ids, is_seed, sample = audience.ids, audience.is_seed, _sample(audience, len(matrix.features))
    folds = assign_folds(ids, is_seed, FOLDS, salt=0)
    logits: Floats = np.empty(len(ids))
    reasons: list[list[str]] = [[] for _ in range(len(ids))]
    for fold in range(FOLDS):
        fitted = sample & (folds != fold)
        layers = fit_layers(
            matrix.rows(fitted), is_seed[fitted], ids[fitted], strength=recipe.strength, trees=recipe.trees
        )
        for rows in np.array_split(np.flatnonzero(folds == fold), -(-len(ids) // CHUNK)):
            people = matrix.rows(rows)
            pushes = recipe.stack.pushes(layers.contributions(people))
            logits[rows] = pushes.sum(axis=1)
            for row, told in zip(rows.tolist(), push_reasons(people, pushes[:, :-1]), strict=True):
                reasons[row] = told
        on_step((fold + 1) / FOLDS)
    return logits - _odds_of_sampling(is_seed, sample), reasons, folds


def _odds_of_sampling(is_seed: Floats, sample: np.ndarray) -> float:
    """How much the log-odds of being seed are raised by the sampling."""
    seed, others = sample[is_seed > 0.5].mean(), sample[is_seed < 0.5].mean()
    return float(np.log(seed / others))


def _rank(audience: _Audience, logits: Floats, share: float, reasons: list[list[str]]) -> pd.DataFrame:
    """P(like the seed) = P(in the seed) / P(in the seed | like the seed), at most 1: Elkan, Noto 2008, equation 1."""
    seed, others = audience.is_seed.sum(), len(audience.is_seed) - audience.is_seed.sum()
    labelled = seed / (seed + share * others)
    order = np.argsort(-logits, kind="stable")  # people are sorted by id: equal people in the order of their ids
    people = pd.DataFrame(
        {
            "id": audience.ids.to_numpy(),
            "rank": 0,
            "score": np.minimum(special.expit(logits) / labelled, 1.0),
            "is_seed": audience.is_seed > 0.5,
            "reasons": pd.Series(reasons, dtype=object),
        }
    ).iloc[order]
    return people.assign(rank=np.arange(1, len(people) + 1)).reset_index(drop=True)


def _counts(audience: _Audience, share: float) -> dict[str, Any]:
    return {
        "people": len(audience.ids),
        "seed_people": int(audience.is_seed.sum()),
        "base_rate": float(audience.is_seed.mean()),
        "estimated_share_of_seed_like_people": share,
    }
