"""Contracts that end by a known hazard: their months, what was known when, and the probabilities."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import special

from cdp.core.errors import ContractError, ModelError
from cdp.models.propensity import churn_models, crossfit, propensity_metrics, subscription
from cdp.models.propensity.contracts import follow, months_between, own_date, read_contracts
from cdp.models.propensity.subscription import forecast_churn

AS_OF = date(2026, 6, 10)
MOST = 120


def make_contracts(count: int, *, seed: int, features: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Contracts of four years; who pays monthly leaves often, all others when a year is over; hazards by tenure."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2022-06-01") + rng.integers(0, 1430, count)
    monthly, price = rng.random(count) < 0.5, np.round(rng.gamma(9, 4, count), 2)
    tenure = np.arange(MOST)
    yearly = np.where(tenure % 12 == 11, 0.25, 0.004)
    hazard = np.where(monthly[:, None], 0.03 + 0.05 * np.exp(-tenure / 6), yearly) * (price / 36)[:, None] ** 0.7
    gone = rng.random((count, MOST)) < hazard
    left_in = np.where(gone.any(axis=1), gone.argmax(axis=1) + 1, MOST)
    end = own_date(start, left_in)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(count)],
            "started_on": start.astype(str),
            "ended_on": np.where(end <= np.datetime64(AS_OF), end.astype(str), ""),
            "plan": np.where(monthly, "monthly", "yearly"),
            "price": price,
            **{f"noise_{i}": rng.normal(size=count) for i in range(features)},
        }
    )
    return frame, hazard


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "REPEATS", 1)
    monkeypatch.setattr(subscription, "CUTS", 1)
    monkeypatch.setattr(crossfit, "FOLDS", 2)
    monkeypatch.setattr(churn_models, "FOLDS", 2)
    monkeypatch.setattr(propensity_metrics, "DRAWS", 50)


def test_own_months_end_on_the_day_of_the_month_or_its_last():
    start = np.array(["2026-01-31", "2026-01-31", "2026-01-15", "2024-02-29"], dtype="datetime64[D]")
    day = np.array(["2026-02-27", "2026-02-28", "2026-01-15", "2025-02-28"], dtype="datetime64[D]")
    assert months_between(start, day).tolist() == [0, 1, 0, 12]
    assert own_date(start, np.array([1, 13, -2, 24])).astype(str).tolist() == [
        "2026-02-28", "2027-02-28", "2025-11-15", "2026-02-28"]  # fmt: skip


def test_each_month_of_a_contract_is_in_one_snapshot_and_nothing_later_is_seen():
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4, 5],
            "started_on": ["2024-04-10", "2024-04-10", "2025-12-24", "2026-05-20", "2027-01-01"],
            "ended_on": [None, "2025-08-01", "2026-06-05", "2026-06-11", None],
            "plan": ["a", "b", "a", "b", "a"],
        }
    )
    contracts = read_contracts(frame, as_of=AS_OF)
    assert contracts.ids.tolist() == ["1", "2", "3", "4"]
    assert contracts.running(np.datetime64(AS_OF)).ids.tolist() == ["1", "4"]  # the end of 4 is a day ahead
    whole, left = contracts.left_in(np.datetime64(AS_OF))
    assert (whole.tolist(), left.tolist()) == ([26, 26, 5, 0], [0, 16, 0, 0])  # 3 left in a month that is not over
    known = follow(contracts, np.datetime64(AS_OF), block=12)
    found = known.frame.assign(months=known.months, left=known.has_left, whole=known.is_whole)
    columns = ["customer_id", "tenure_months", "month_of_contract_year", "months", "left", "whole"]
    assert sorted(map(tuple, found[columns].to_numpy().tolist())) == [
        ("1", 0, 0, 2, False, False), ("1", 2, 2, 12, False, True), ("1", 14, 2, 12, False, True),
        ("2", 0, 0, 2, False, False), ("2", 2, 2, 12, False, True), ("2", 14, 2, 2, True, True),
        ("3", 0, 0, 5, False, False),
    ]  # fmt: skip


def test_probabilities_are_those_of_the_hazard_and_the_spline_logistic_is_beaten():
    frame, hazard = make_contracts(1200, seed=1)
    frame["closed_because"] = np.where(frame["ended_on"] != "", "price", None)  # known only afterwards
    found = forecast_churn(frame, as_of=AS_OF)
    report, people = found.report, found.people.set_index("id")
    assert "leakage" in report["dropped"]["closed_because"]
    assert report["contracts"] == 1200 and report["running"] == len(people) == (frame["ended_on"] == "").sum()
    rows = np.flatnonzero(frame["customer_id"].isin(people.index))
    start = frame["started_on"].to_numpy(dtype="datetime64[D]")[rows]
    tenure = months_between(start, np.full(len(rows), np.datetime64(AS_OF)))
    assert (people["from_on"].to_numpy(dtype="datetime64[D]") == own_date(start, tenure)).all()
    for k in (1, 3, 6, 12):
        months = tenure[:, None] + np.arange(k)
        truth = 1 - np.prod(1 - hazard[rows[:, None], months], axis=1)
        p = people[f"p_left_by_{k}"].to_numpy()
        assert np.corrcoef(p, truth)[0, 1] > 0.7
        assert p.mean() == pytest.approx(truth.mean(), rel=0.25)
        ours, theirs = (report["metrics"][m][f"{k} months"] for m in (report["method"], "spline logistic"))
        assert ours["brier"]["mean"] <= theirs["brier"]["mean"] * 1.02 and len(ours["auc"]["by_day"]) == 1
    assert (np.diff(people.filter(like="p_left_by").to_numpy(), axis=1) >= 0).all()
    assert people["reasons"].str.len().max() == 3


def true_shares(frame: pd.DataFrame, hazard: np.ndarray, people: pd.DataFrame) -> dict[int, float]:
    """Mean probability of who runs to have left by each horizon, where a month's leavers leave evenly over its days."""
    rows = np.flatnonzero(frame["customer_id"].isin(people["id"]))
    start, day = frame["started_on"].to_numpy(dtype="datetime64[D]")[rows], np.datetime64(AS_OF)
    tenure = months_between(start, np.full(len(rows), day))
    begin, end = own_date(start, tenure), own_date(start, tenure + 1)
    there = 1 - hazard[rows, tenure] * ((day - begin) / (end - begin))
    stays = {k: np.prod(1 - hazard[rows[:, None], tenure[:, None] + np.arange(k)], axis=1) for k in (1, 3, 6, 12)}
    return {k: float((1 - stay / there).mean()) for k, stay in stays.items()}


def make_leavers_on_any_day(hazard: np.ndarray, start: np.ndarray, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    gone = rng.random(hazard.shape) < hazard
    month = np.where(gone.any(axis=1), gone.argmax(axis=1), MOST - 1)
    begin, after = own_date(start, month), own_date(start, month + 1)
    end = begin + np.ceil(rng.random(len(start)) * (after - begin).astype(int)).astype(int)
    ids = [f"c{i:06d}" for i in range(len(start))]
    ended_on = np.where(end <= np.datetime64(AS_OF), end.astype(str), "")
    return pd.DataFrame({"customer_id": ids, "started_on": start.astype(str), "ended_on": ended_on})


def test_who_is_still_there_in_the_running_month_has_outstayed_a_part_of_it(monkeypatch):
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    start = np.datetime64("2022-06-01") + np.random.default_rng(4).integers(0, 1430, 1500)
    hazard = np.full((1500, MOST), 0.05)
    frame = make_leavers_on_any_day(hazard, start, seed=4)
    found = forecast_churn(frame, as_of=AS_OF)
    for k, truth in true_shares(frame, hazard, found.people).items():
        assert found.people[f"p_left_by_{k}"].mean() == pytest.approx(truth, rel=0.15), k
    bias = found.report["metrics"]["survival"]["1 months"]["bias"]["mean"]
    assert abs(bias) < 0.5


def test_the_last_year_counts_for_more_where_years_differ(monkeypatch):
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    start = np.datetime64("2021-06-01") + np.random.default_rng(5).integers(0, 1790, 1500)
    day = start[:, None] + 30 * np.arange(MOST)
    hazard = np.where(day < np.datetime64("2025-04-01"), 0.02, 0.07)
    frame = make_leavers_on_any_day(hazard, start, seed=5)
    found = forecast_churn(frame, as_of=AS_OF)
    assert found.report["last_year"] > 1.3
    for k, truth in true_shares(frame, hazard, found.people).items():
        assert found.people[f"p_left_by_{k}"].mean() == pytest.approx(truth, rel=0.15), k


def test_what_changed_for_one_plan_alone_in_the_last_year_is_seen():
    rng = np.random.default_rng(9)
    start = np.datetime64("2021-06-01") + rng.integers(0, 1790, 1500)
    is_old = rng.random(1500) < 0.5
    is_dearer = is_old[:, None] & (start[:, None] + 30 * np.arange(MOST) > np.datetime64("2025-06-10"))
    hazard = np.where(is_dearer, 0.08, 0.02)
    frame = make_leavers_on_any_day(hazard, start, seed=9).assign(plan=np.where(is_old, "old", "new"))
    contracts = read_contracts(frame, as_of=AS_OF)
    day = np.datetime64(AS_OF)
    models = churn_models.fit_models(contracts, day, repeats=1, on_step=lambda share: None)
    running = contracts.running(day)
    logits, reasons = models.score(running, day)
    p, gap, true_gap = special.expit(logits["survival"][12]), [], []
    for plan in ("old", "new"):
        rows = running.features["plan"] == plan
        gap.append(special.logit(p[rows].mean()))
        true_gap.append(special.logit(true_shares(frame, hazard, pd.DataFrame({"id": running.ids[rows]}))[12]))
    assert gap[0] - gap[1] > 0.5 * (true_gap[0] - true_gap[1])
    assert not reasons.explode().astype(str).str.contains("years").any()


def test_what_only_some_who_ended_have_is_left_out(monkeypatch):
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    frame, _ = make_contracts(300, seed=6)
    said = (frame["ended_on"] != "") & (np.arange(300) % 2 == 0)
    frame["why"] = np.where(said, "price", "")
    frame["voucher"] = np.where(np.arange(300) % 2 == 0, "spring", "")
    report = forecast_churn(frame, as_of=AS_OF).report
    assert "leakage" in report["dropped"]["why"] and "voucher" not in report["dropped"]
    assert any(w.startswith("why is left out: leakage") for w in report["warnings"])


def test_a_feature_may_have_any_name(monkeypatch):
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    frame, _ = make_contracts(150, seed=7)
    frame = frame.rename(columns={"price": "months_seen"})
    contracts = read_contracts(frame, as_of=AS_OF)
    models = churn_models.fit_models(contracts, np.datetime64(AS_OF), repeats=1, on_step=lambda share: None)
    assert "months_seen" in {c.name for c in models.survival.hazard.plan.columns}


def test_a_row_that_is_there_twice_counts_once():
    frame, _ = make_contracts(100, seed=8)
    other = frame[:1].assign(plan="another")
    read = read_contracts(pd.concat([frame, frame[:20], other], ignore_index=True), as_of=AS_OF)
    assert len(read) == 101
    assert "20 contracts with a row that was there before were left out" in read.warnings


def test_a_file_older_than_the_day_and_a_tenure_of_its_own_are_told():
    frame, _ = make_contracts(100, seed=8)
    assert not read_contracts(frame, as_of=AS_OF).warnings
    told = read_contracts(frame.assign(tenure_months=3), as_of=date(2027, 3, 10)).warnings
    assert told[0] == "column tenure_months is left out: it is counted from started_on"
    assert told[1].startswith("no contract began or ended in the ") and "up to 2027-03-10" in told[1]


def test_no_order_of_the_rows_matters(monkeypatch):
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    frame, _ = make_contracts(150, seed=2)
    first = forecast_churn(frame, as_of=AS_OF).people.set_index("id").sort_index()
    again = forecast_churn(frame.sample(frac=1, random_state=1), as_of=AS_OF).people.set_index("id").sort_index()
    pd.testing.assert_frame_equal(first, again)


def test_of_very_many_a_part_is_learned_from_and_all_are_scored(monkeypatch):
    frame, _ = make_contracts(300, seed=3)
    monkeypatch.setattr(crossfit, "MIN_FOR_TREES", 1_000_000)
    monkeypatch.setattr(subscription, "MAX_MONTHS", 2000)
    found = forecast_churn(frame, as_of=AS_OF)
    assert found.report["contracts"] == 300 and len(found.people) == (frame["ended_on"] == "").sum()
    assert any(w.startswith("learned from a fixed part of the contracts") for w in found.report["warnings"])


def contracts(**columns: object) -> pd.DataFrame:
    usual = {"customer_id": ["a", "b"], "started_on": ["2024-01-01"] * 2, "ended_on": [None, "2025-01-01"]}
    return pd.DataFrame({**usual, "plan": ["x", "y"], **columns})


@pytest.mark.parametrize(
    ("frame", "error", "told"),
    [
        (contracts().drop(columns="ended_on"), ContractError, "no column 'ended_on'"),
        (contracts(started_on=[None, "soon"]), ContractError, "2 contracts with no readable started_on"),
        (
            contracts(started_on=["0001-01-01", "1900-01-01"]),
            ContractError,
            "2 contracts with a started_on more",
        ),
        (contracts(started_on=["2027-01-01"] * 2, ended_on=None), ContractError, "none of 2 had started"),
        (contracts(ended_on=None), ModelError, "none of them has ended"),
        (contracts(ended_on="2025-01-01"), ModelError, "none runs"),
        (
            contracts(started_on="2026-06-01", ended_on=["2026-06-05", None]),
            ModelError,
            "no contract is a month old on 2026-06-10",
        ),
        (contracts()[:1], ModelError, "1 contracts as of 2026-06-10, and none of them has ended"),
    ],
)
def test_bad_contracts_are_refused(frame, error, told):
    with pytest.raises(error, match=told):
        forecast_churn(frame, as_of=AS_OF)


def test_few_contracts_get_the_base_rate_and_bad_rows_are_told():
    frame = pd.concat([contracts()] * 20, ignore_index=True)
    frame["customer_id"] = frame["customer_id"] + frame.index.astype(str)
    frame.loc[0, "ended_on"], frame.loc[2, "customer_id"] = "2023-01-01", None
    found = forecast_churn(frame, as_of=AS_OF)
    assert found.people["p_left_by_12"].between(0, 1).all() and len(found.people) == 18
    assert {"1 contracts with no customer_id were left out", "1 contracts with ended_on before started_on were left out"
            } <= set(found.report["warnings"])  # fmt: skip


@pytest.mark.parametrize(
    ("ended", "never"),
    [
        ("2025-01-01", "9999-12-31"),
        ("01.01.2025", "31.12.9999"),
        (date(2025, 1, 1), date(9999, 12, 31)),
        (np.datetime64("2025-01-01", "us"), np.datetime64("9999-12-31", "us")),
    ],
)
def test_an_end_in_the_year_9999_is_none(ended, never):
    frame = pd.DataFrame({"customer_id": list("abcd"), "started_on": "2024-01-01", "ended_on": [ended, *[never] * 3]})
    read = read_contracts(frame, as_of=AS_OF)
    assert not read.warnings and np.isnat(read.end).tolist() == [False, True, True, True]
