"""Drift: the index of equal and of other people, in Spark as in training, and the bound that stops scoring."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from tests.unit.models.conftest import AS_OF, data_of, made_purchases

from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.core.dates import EPOCH
from cdp.core.errors import ModelError
from cdp.models.drift import measure_drift, refuse_drift
from cdp.models.forecast.history import cut_at
from cdp.models.scoring import ScoringModel, score_snapshots
from cdp.models.stability import reference_of, stability_index


def test_the_index_is_that_of_the_formula_and_ties_are_one_bin():
    reference = reference_of(np.array([1.0] * 60 + [2.0] * 30 + [3.0] * 10))
    assert reference.edges == (2.0, 3.0) and reference.shares == (0.6, 0.3, 0.1)
    assert stability_index(reference, [60, 90], 100) == 0
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    assert stability_index(reference, [20, 50], 100) == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert np.isfinite(stability_index(reference, [0, 0], 100))
    assert reference_of(np.ones(5)).edges == ()


def test_people_of_the_training_do_not_drift_and_others_do(trained, rows):
    cut = cut_at(data_of(made_purchases()).ledger, (AS_OF - EPOCH).days - 1)
    people = []
    for i in range(len(cut)):
        days = cut.days.day[cut.start[i] : cut.start[i] + cut.count[i]]
        amounts = cut.days.amount[cut.start[i] : cut.start[i] + cut.count[i]]
        people.append(
            {
                "person_id": f"p{i}",
                "as_of": AS_OF,
                "purchase_days": int(cut.count[i]),
                "recency_weeks": float(cut.t_x[i]),
                "age_weeks": float(cut.age[i] + 1 / 7),
                "purchase_dates": [EPOCH + timedelta(days=int(d)) for d in days],
                "purchase_amounts": amounts.tolist(),
            }
        )
    models = {k: ScoringModel(f"cdp.{k}", "3", trained.params) for k in ("churn", "ltv")}
    others = [{**p, "purchase_amounts": [a * 9 for a in p["purchase_amounts"]]} for p in people]
    found = []
    for some in (people, others):
        snapshots = rows(SNAPSHOTS, some)
        drift = measure_drift(snapshots, score_snapshots(snapshots, models, as_of=AS_OF), models, as_of=AS_OF)
        found.append({(r["model"], r["measure"]): r["psi"] for r in drift})
        assert {r["people"] for r in drift} == {len(cut)}
    assert len(found[0]) == 8 and max(found[0].values()) < 1e-3
    assert found[1]["cdp.ltv", "last_amount"] > 1 and found[1]["cdp.ltv", "ltv"] > 1
    assert found[1]["cdp.churn", "churn"] < 1e-3
    refuse_drift(drift, None)
    with pytest.raises(ModelError, match=r"nobody was scored.*last_amount .* limit 0\.25.*--set models\.max_psi=1000"):
        refuse_drift(drift, 0.25)
    assert measure_drift(snapshots, snapshots, {}, as_of=AS_OF) == []
