"""How fast churn and value are scored with reasons on one core, without Spark: one JSON line.

``bench_score.py [--people N]``. A made shop of regular customers, whose rhythm a purchase model does not know, so that
the model has its boosted correction. `ratio`: beside asking LightGBM for the Shapley values of each row.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import date

os.environ["OMP_NUM_THREADS"] = "1"  # before LightGBM is loaded: one core

import numpy as np
import pandas as pd
from measure import describe_machine

from cdp.core.dates import EPOCH
from cdp.models.forecast.ledger import UNITS, Ledger, Pieces
from cdp.models.gain import GROUPS
from cdp.models.histories import cut_of
from cdp.models.scorer import Scorer
from cdp.models.scoring import ScoringModel, prediction_rows
from cdp.models.train import train_value
from cdp.models.training_data import TrainingData

AS_OF, DAYS, TRAINED, BATCH = date(2026, 1, 5), 728, 8_000, 10_000


def main() -> None:
    """Train, score in batches as Spark gives them, and time LightGBM's own reasons on one batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args().people
    params = train_value(training_data(made_purchases(TRAINED, seed=1)), as_of=AS_OF, horizon_weeks=13).params
    models = {kind: ScoringModel(f"cdp.{kind}", "1", params) for kind in ("churn", "ltv")}
    histories = as_histories(made_purchases(people, seed=2))
    started = time.monotonic()
    scorer = Scorer(params)
    for start in range(0, people, BATCH):
        cut = cut_of(histories.iloc[start : start + BATCH])
        scored = scorer.score(cut, horizon_weeks=13)
        for kind, model in models.items():
            prediction_rows(kind, cut, scored, model, 13)
    seconds = time.monotonic() - started
    line = {"what": "score", "size": people, "seconds": round(seconds, 2), "people_a_second": round(people / seconds)}
    line |= {"method": params.ltv_method, "segments": len(params.segments.names) if params.segments else 0}
    print(json.dumps({**line, **beside_lightgbm(scorer, histories), "machine": describe_machine()}), flush=True)


def beside_lightgbm(scorer: Scorer, histories: pd.DataFrame) -> dict[str, float]:
    """Seconds for the reasons of one batch, ours and LightGBM's; nothing where no correction is taken."""
    cut = cut_of(histories.iloc[:BATCH])
    features = scorer.features(cut, scorer.value(cut))
    if scorer.correction is None or features is None:
        return {}
    seconds = []
    for explain in (scorer.pushes, lambda f: scorer.correction.boosters["any"].predict(f, pred_contrib=True)):  # type: ignore[union-attr]
        started = time.monotonic()
        explain(features)
        seconds.append(time.monotonic() - started)
    return {"peer_seconds": round(seconds[1], 3), "ratio": round(seconds[1] / seconds[0], 1)}


def made_purchases(people: int, *, seed: int) -> pd.DataFrame:
    """Customer, day and amount of customers who buy at gaps of their own, more or less regularly, until they leave."""
    rng = np.random.default_rng(seed)
    gap, regular = rng.gamma(2, 14, people) + 3, rng.integers(1, 12, people)
    start, stays = rng.integers(0, DAYS - 1, people), rng.exponential(300, people)
    most = 60
    steps = rng.gamma(regular[:, None], (gap / regular)[:, None], (people, most))
    days = start[:, None] + np.concatenate([np.zeros((people, 1)), np.cumsum(steps, axis=1)], axis=1)
    came = (days < DAYS) & (days <= (start + stays)[:, None])
    who, _ = np.nonzero(came)
    level = rng.gamma(4, 10, people)
    rows = pd.DataFrame(
        {"customer": who, "day": days[came].astype(np.int64), "amount": rng.gamma(5, level[who] / 5) + 1}
    )
    return rows.groupby(["customer", "day"], as_index=False).sum()


def training_data(purchases: pd.DataFrame) -> TrainingData:
    """Everything known on its day."""
    day = purchases["day"].to_numpy(np.int64) + (AS_OF - EPOCH).days - DAYS
    units = np.round(purchases["amount"].to_numpy() * UNITS).astype(np.int64)
    customer = purchases["customer"].to_numpy(np.int64)
    people = int(customer.max()) + 1
    return TrainingData(Ledger.of_pieces(Pieces(customer, day, day, units)), np.arange(people) % GROUPS, people)


def as_histories(purchases: pd.DataFrame) -> pd.DataFrame:
    """The columns that the models take (histories.py)."""
    groups = purchases.assign(ago=DAYS - 1.0 - purchases["day"]).groupby("customer")
    return pd.DataFrame({"days_ago": groups["ago"].agg(list), "amounts": groups["amount"].agg(list)})


if __name__ == "__main__":
    main()
