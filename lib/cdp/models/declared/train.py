"""Train a declared propensity: chosen on old cuts, proved on the newest, and only then fitted on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.core.errors import ModelError
from cdp.models.declared.cuts import TESTS
from cdp.models.declared.pictures import draw
from cdp.models.declared.proof import (
    CutRows,
    Said,
    figures_of,
    foretell,
    foretell_rate,
    gain_over_rate,
    groups_of,
    losses_of,
)
from cdp.models.declared.score import DeclaredModel
from cdp.models.declared.spec import PropensitySpec
from cdp.models.gain import Gain, Losses, gains_over
from cdp.models.metrics import over_cuts
from cdp.models.propensity.crossfit import cross_fit
from cdp.models.propensity.feature_columns import FeaturePlan, learn_columns
from cdp.models.propensity.feature_matrix import encode
from cdp.models.propensity.folds import fewest_people, hash_keys
from cdp.models.propensity.layers import fit_layers
from cdp.models.propensity.leakage import find_leaks
from cdp.models.propensity.propensity import MIN_OUTCOMES
from cdp.models.propensity.propensity_choice import Recipe, choose_recipe
from cdp.models.propensity.propensity_metrics import base_rate
from cdp.models.propensity.propensity_model import PropensityModel, unusual_shares
from cdp.models.stability import Reference, reference_of
from cdp.models.train import Decision, refuse_worse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORM = "propensity/2"  # change it with the fit or what is stored, so that old runs are neither reused nor misread
ROWS_TO_CHOOSE = 6_000  # of whole people: settings and weights hardly get better with more, and a night is short
_ENDS = {"": "mean", "_low": "low", "_high": "high"}  # of an interval
_NOT_FEATURES = frozenset({"person_id", "as_of", "label", "before"})


@dataclass(frozen=True)
class TrainedDeclared:
    """The model, its figures on the later cuts, and the sentence that says what was chosen and why.

    `metrics`: mean over the later cuts and `_sd`; `base_rate_*` and `last_period_auc` are the simple rules' there,
    `gain_*` the model's over the base rate with the ends of its 95 % interval. `cuts`: day -> figures of what scores,
    `losses` are its losses there, `champion_gains` its gains over the champion of before (empty without one).
    `importance`: feature -> mean absolute push on the log-odds of the newest cut's people, the largest first.
    `candidates`: name -> day -> figures of the base rate and of the model that was proved against it, if there was one.
    """

    declared: DeclaredModel
    as_of: date
    people: int
    rows: int
    metrics: dict[str, float]
    cuts: dict[str, dict[str, float]]
    losses: Losses
    champion_gains: Mapping[str, Gain]
    importance: dict[str, float]
    candidates: dict[str, dict[str, dict[str, float]]]
    figures: Mapping[str, Figure]
    chosen: str
    warnings: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """What a ledger keeps of a training beside its metrics."""
        return {
            "method": self.declared.method,
            "features": ", ".join(self.declared.features),
            "horizon_weeks": self.declared.horizon_weeks,
            "people": self.people,
            "rows": self.rows,
            "warnings": "; ".join(self.warnings)[:5000] or "none",
        }


def train_declared(
    found: pd.DataFrame, *, spec: PropensitySpec, definition: str, as_of: date, champion: DeclaredModel | None = None
) -> TrainedDeclared:
    """Choose on the cuts before the `TESTS` newest, prove on these, fit on all; `found`: see `cuts.collect_cuts`.

    A tested cut is scored by what was fitted on all older ones. Where the chosen model does not rank better than
    chance there, and with less log loss than the base rate, both beyond doubt, everybody gets the base rate. Cuts
    before the label was first seen are left out. Raises ModelError with too few cuts or outcomes: no model then.
    """
    found = without_silent_start(found)
    plan = learn_columns(found, exclude=_NOT_FEATURES)
    rows, leaks, warnings = _encode(found, plan)
    tested = sorted(set(rows.day))[-TESTS:]
    simple = {day: foretell_rate(rows, day) for day in tested}
    proof = _prove(rows, simple, *choose(rows.older(tested[0])))
    recipe, said = proof.recipe, proof.said[proof.method]
    candidates = {
        name: {str(day): figures_of(logits[day], simple[day], rows.at(day)) for day in tested}
        for name, logits in proof.said.items()
    }
    cuts = candidates[proof.method]
    model = _fit(found, plan, leaks, rows, recipe)
    losses = losses_of(said, rows)
    newest, features = rows.at(tested[-1]), tuple(sorted(set(found.columns) - _NOT_FEATURES))
    references, importance = references_of(model, newest), importance_of(model, newest)
    return TrainedDeclared(
        declared=DeclaredModel(model, features, spec.horizon_weeks, proof.method, references, definition),
        as_of=as_of,
        people=found["person_id"].nunique(),
        rows=len(found),
        metrics=over_cuts(cuts) | proof.gains,
        cuts=cuts,
        losses=losses,
        champion_gains=gains_over(losses, losses_of(_say_again(champion, found, tested), rows)) if champion else {},
        importance=importance,
        candidates=candidates,
        figures=draw(candidates, proof.method, groups_of(said, rows) if recipe else [], importance, spec.horizon_weeks),
        chosen=proof.why,
        warnings=(*plan.warnings, *warnings),
    )


def without_silent_start(found: pd.DataFrame) -> pd.DataFrame:
    """The cuts from the first on in which the label happened to anybody; ModelError where too few are left."""
    seen = found.loc[found["label"] > 0, "as_of"]
    if not len(seen):
        raise ModelError("what is to be foretold has never happened to a customer: nothing can be learned yet")
    found = found[found["as_of"] >= seen.min()].reset_index(drop=True)
    if (cuts := found["as_of"].nunique()) <= TESTS:
        raise ModelError(
            f"what is to be foretold is first seen behind {seen.min()}: {cuts} past days can be learned from, "
            f"{TESTS + 1} are needed"
        )
    return found


def choose(old: CutRows) -> tuple[Recipe | None, str]:
    """Settings, stack and method by cross-validation on whole people of the old cuts; None: the base rate."""
    if not old.matrix.features:
        return None, "the base rate for everybody: no feature is left"
    keys = hash_keys(old.ids, 0)
    part = old.where(keys <= np.quantile(keys, min(1.0, ROWS_TO_CHOOSE / len(old.label))))
    if fewest_people(part.ids, part.label) < MIN_OUTCOMES:
        part = old
    crossed = cross_fit(part.matrix, part.label, part.ids, repeats=1, on_step=lambda share: None)
    recipe, report = choose_recipe(crossed, part.ids)
    return recipe, f"{'' if recipe else 'the base rate for everybody: '}{report['why']}"


def decide(trained: TrainedDeclared) -> Decision:
    """A new version becomes champion unless it is worse than the champion beyond doubt (train.WORSE)."""
    if refused := refuse_worse(trained.champion_gains):
        return refused
    auc = trained.metrics.get("auc")
    told = f"AUC {auc:.3f}, " if auc is not None and trained.declared.model.layers else ""
    return Decision(True, f"{told}calibration error {trained.metrics['calibration_error']:.3f}; {trained.chosen}")


def references_of(model: PropensityModel, newest: CutRows) -> dict[str, Reference]:
    """Of the numbers among the features, and of the score (""), over the people of the newest cut."""
    numbers = {f.name: newest.matrix.values[:, i] for i, f in enumerate(newest.matrix.features) if f.kind == "number"}
    known = {name: values[~np.isnan(values)] for name, values in numbers.items()}
    known[""] = special.expit(model.logits(newest.matrix))
    return {name: reference_of(values) for name, values in known.items() if len(values)}


def importance_of(model: PropensityModel, newest: CutRows) -> dict[str, float]:
    """Feature -> mean absolute push on the log-odds, the largest first; empty where the base rate scores."""
    sizes = np.abs(model.pushes(newest.matrix)[:, :-1]).mean(axis=0)
    found = zip((f.name for f in newest.matrix.features), sizes.tolist(), strict=False)
    return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))


def _encode(found: pd.DataFrame, plan: FeaturePlan) -> tuple[CutRows, frozenset[str], list[str]]:
    """The rows without leaks, which are looked for where models are chosen; the leaks; what a person should see."""
    label, before = (found[name].to_numpy(np.float64) for name in ("label", "before"))
    rows = CutRows(encode(found, plan), label, before, found["person_id"], found["as_of"].to_numpy())
    old = rows.older(sorted(set(rows.day))[-TESTS])
    if fewest_people(old.ids, old.label) < MIN_OUTCOMES:
        raise ModelError(
            f"fewer than {MIN_OUTCOMES} customers of the older cuts had, or had not, what is to be foretold: "
            "nothing can be learned yet"
        )
    leaks, warnings = find_leaks(old.matrix, old.label)
    kept = CutRows(rows.matrix.without(set(leaks)), label, before, rows.ids, rows.day)
    return kept, frozenset(leaks), warnings


@dataclass(frozen=True)
class _Proof:
    """What scores (None: the base rate), what each candidate says of the tested cuts, the model's gains, and why."""

    recipe: Recipe | None
    said: dict[str, Said]
    gains: dict[str, float]
    why: str

    @property
    def method(self) -> str:
        """The name of the candidate that scores."""
        return _method(self.recipe)


def _prove(rows: CutRows, simple: Said, recipe: Recipe | None, why: str) -> _Proof:
    if recipe is None:
        return _Proof(None, {_method(None): simple}, {}, why)
    said = {day: foretell(rows, day, recipe) for day in simple}
    candidates = {_method(recipe): said, _method(None): simple}
    over = gain_over_rate(said, simple, rows)
    gains = {f"gain_{name}{end}": g[key] for name, g in over.items() for end, key in _ENDS.items()}
    low, high = gains["gain_log_loss_low"], gains["gain_log_loss_high"]
    told = f"on {len(simple)} later cuts its log loss is {low:+.4f} to {high:+.4f} better than the base rate's"
    if low > 0 and gains["gain_auc_low"] > 0:
        return _Proof(recipe, candidates, gains, f"{_method(recipe)}: {why}; {told}")
    why = f"the base rate for everybody: the {_method(recipe)} is not better beyond doubt ({told})"
    return _Proof(None, candidates, gains, why)


def _method(recipe: Recipe | None) -> str:
    return "base rate" if recipe is None else "stack" if recipe.trees else "spline logistic"


def _fit(
    found: pd.DataFrame, plan: FeaturePlan, leaks: frozenset[str], rows: CutRows, recipe: Recipe | None
) -> PropensityModel:
    unusual = unusual_shares(encode(found, plan))
    if recipe is None:
        return PropensityModel(plan, leaks, None, None, base_rate(rows.label), unusual)
    layers = fit_layers(rows.matrix, rows.label, rows.ids, strength=recipe.strength, trees=recipe.trees)
    return PropensityModel(plan, leaks, layers, recipe.stack, base_rate(rows.label), unusual)


def _say_again(champion: DeclaredModel, found: pd.DataFrame, tested: Sequence[date]) -> dict[date, np.ndarray]:
    """What the champion says of the tested cuts; it has seen part of them, which favours it."""
    model = champion.model
    return {day: model.logits(model.encode(found[(found["as_of"] == day).to_numpy()])) for day in tested}
