"""Propensity on four kinds of made subscribers: one JSON line each.

``bench_propensity.py [--people N]``. Lines (``what``): propensity (one a kind: AUC, Brier and calibration error on
20,000 further people, with the differences to a plain spline logistic of scikit-learn and to plain LightGBM), fit and
score (seconds, people a second with reasons). Nothing is asserted: read them beside those of your last release.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from cdp.models import metrics
from cdp.models.propensity.propensity import fit_propensity
from cdp.models.propensity.propensity_model import score_propensity

sys.path.insert(0, str(Path(__file__).parent))
from measure import describe_machine

TESTED = 20_000
Made = tuple[pd.DataFrame, np.ndarray]
Drawn = tuple[pd.DataFrame, pd.DataFrame, np.ndarray, np.ndarray]


def main() -> None:
    """All kinds at one size, then speed."""
    parser = argparse.ArgumentParser(description="Quality and speed of cdp propensity, one JSON line each.")
    parser.add_argument("--people", type=int, default=5000, help="people to train on")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for kind, make in KINDS.items():
        emit(bench_kind(kind, make, options.people))
    for line in bench_speed(50_000):
        emit(line)


def emit(line: dict[str, object]) -> None:
    """One JSON line."""
    print(json.dumps(line), flush=True)


def bench_kind(kind: str, make: Callable[[np.random.Generator, int], Made], people: int) -> dict[str, object]:
    """Train on `people`, test on others of the same kind, beside the two plain methods."""
    train, test, y, y_test = drawn(make, people)
    trained = fit_propensity(train.assign(label=y), label="label", id_column="person")
    scores = score_propensity(trained.model, test, id_column="person")["probability"].to_numpy()
    line: dict[str, object] = {"what": "propensity", "kind": kind, "people": people, "positives": int(y.sum())}
    line |= {"method": trained.report["method"], **figures(scores, y_test)}
    for name, fit in (("spline_logistic", fit_plain_logistic), ("lightgbm", fit_plain_lightgbm)):
        rival = fit(train.drop(columns="person"), y, test.drop(columns="person"))
        ours, theirs = figures(scores, y_test), figures(rival, y_test)
        line |= {f"{key}_minus_{name}": round(ours[key] - theirs[key], 5) for key in ours}
    return line


def bench_speed(people: int) -> list[dict[str, object]]:
    """Seconds to train on `people`, and people a second scored with reasons."""
    train, _, y, _ = drawn(make_telco, people)
    started = time.monotonic()
    trained = fit_propensity(train.assign(label=y), label="label", id_column="person")
    fitted = time.monotonic()
    score_propensity(trained.model, train, id_column="person")
    scored = time.monotonic()
    common = {"people": people, "features": train.shape[1] - 1, **describe_machine()}
    return [
        {"what": "fit", "seconds": round(fitted - started, 1), **common},
        {"what": "score", "people_a_second": round(people / (scored - fitted)), **common},
    ]


def drawn(make: Callable[[np.random.Generator, int], Made], people: int) -> Drawn:
    """People to train on and to test on, with labels drawn from their true log-odds."""
    rng = np.random.default_rng(2026)
    frame, logits = make(rng, people + TESTED)
    label = (rng.random(len(frame)) < 1 / (1 + np.exp(-logits))).astype(float)
    frame.insert(0, "person", [f"p{i}" for i in range(len(frame))])
    return frame[:people], frame[people:].reset_index(drop=True), label[:people], label[people:]


def figures(p: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """AUC, Brier score, calibration error."""
    return {
        "auc": round(metrics.auc(p, label), 5),
        "brier": round(metrics.brier(p, label), 5),
        "calibration_error": round(metrics.expected_calibration_error(p, label), 5),
    }


def fit_plain_logistic(train: pd.DataFrame, label: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    """Cubic splines with five knots and one-hot categories at scikit-learn's default penalty."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler(), SplineTransformer(n_knots=5, degree=3))
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=3000)).fit(train, label).predict_proba(test)[:, 1]


def fit_plain_lightgbm(train: pd.DataFrame, label: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    """LightGBM as it comes."""
    kinds = {c: pd.CategoricalDtype(sorted(train[c].unique())) for c in train if train[c].dtype == object}
    model = lightgbm.LGBMClassifier(verbose=-1).fit(train.astype(kinds), label)
    return np.asarray(model.predict_proba(test.astype(kinds)))[:, 1]


def make_telco(rng: np.random.Generator, n: int) -> Made:
    """A contract, a tenure, services; nearly additive; a quarter leaves."""
    contract, service = rng.choice(["month", "year", "two years"], n, p=[0.55, 0.2, 0.25]), rng.choice(list("dfn"), n)
    tenure = np.minimum(rng.exponential(np.where(contract == "month", 18, 45)), 72).round()
    extras, senior = rng.binomial(5, 0.4, n), rng.random(n) < 0.16
    charge = 20 + 30 * (service == "d") + 50 * (service == "f") + 5 * extras + rng.normal(0, 3, n)
    logits = 1.3 - 0.9 * np.log1p(tenure) + 1.1 * (contract == "month") - (contract == "two years") + 0.3 * senior
    logits += 0.9 * (service == "f") - 0.25 * extras + 0.5 * ((service == "f") & (tenure < 12)) - 0.4
    frame = pd.DataFrame({"contract": contract, "service": service, "tenure": tenure, "extras": extras})
    return frame.assign(senior=senior.astype(int), charge=charge.round(2), total=(charge * tenure).round(2)), logits


def make_usage(rng: np.random.Generator, n: int) -> Made:
    """Heavy tails, ratios, thresholds and interactions; one in ten leaves."""
    usage, plan = rng.lognormal(2, 1, n), rng.choice(list("abcd"), n)
    last, silent, failed = usage * rng.lognormal(0, 0.6, n), rng.exponential(12, n), rng.poisson(0.15, n)
    logits = -2.6 - np.tanh(2 * np.log(last / usage)) + 0.9 * (silent > 30) + (failed > 0) * (plan != "d")
    return pd.DataFrame({"usage": usage, "last": last, "silent": silent, "failed": failed, "plan": plan}), logits


def make_rare(rng: np.random.Generator, n: int) -> Made:
    """As `make_usage`, two in a hundred."""
    frame, logits = make_usage(rng, n)
    return frame, logits - 2.0


def make_latent(rng: np.random.Generator, n: int) -> Made:
    """A hidden satisfaction behind noisy measures with gaps; many regions that do not matter; one in five."""
    mood = rng.normal(size=n)
    score = np.where(rng.random(n) < 0.6, np.nan, np.round(7 + 2 * mood + rng.normal(0, 1.5, n)))
    frame = pd.DataFrame({"score": score, "logins": rng.poisson(np.exp(1.5 + 0.5 * mood))})
    frame["minutes"], frame["calls"] = rng.lognormal(3 + 0.4 * mood, 0.8), rng.poisson(np.exp(-0.5 - 0.4 * mood))
    frame["region"] = [f"r{i}" for i in rng.integers(0, 40, n)]
    return frame, -1.9 - 1.1 * mood


KINDS = {"telco": make_telco, "usage": make_usage, "rare": make_rare, "latent": make_latent}

if __name__ == "__main__":
    main()
