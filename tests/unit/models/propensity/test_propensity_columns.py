"""Which columns a propensity learns from, and each trap among them that ruins such models."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from tests.unit.models.propensity.conftest import fit, labelled, make_people, score

from cdp.core.errors import ContractError
from cdp.models import metrics
from cdp.models.propensity.crossfit import choose_strength
from cdp.models.propensity.feature_columns import as_text, learn_columns
from cdp.models.propensity.feature_matrix import encode
from cdp.models.propensity.layers import fit_layers

pytestmark = pytest.mark.usefixtures("quick")


def test_text_gives_what_types_give():
    train = labelled(400, seed=5)
    text = train.astype(str).assign(fibre=train["fibre"].map({True: "true", False: "false"}))
    people, _ = make_people(50, seed=54)
    typed, texts = (
        score(fit(train), people),
        score(fit(text), people.astype(str)),  # True beside true
    )
    np.testing.assert_allclose(typed["probability"], texts["probability"], atol=1e-6)


def test_an_id_is_one_text_whatever_its_type():
    kinds = [7, 7.0, Decimal("7.00"), b" 7 ", "7", np.int64(7)]
    assert [as_text(pd.Series([kind, None], dtype=object))[0] for kind in kinds] == ["7"] * 6
    huge = Decimal("1" * 40 + ".00")  # more digits than a context of decimals keeps
    assert as_text(pd.Series([huge, Decimal("7.50")])).tolist() == ["1" * 40, "7.50"]


def test_the_label_in_disguise_is_left_out_with_a_warning():
    train = labelled(600, seed=11)
    train["left_on"] = np.where(train["left"] == 1, "2026-01-05", None)
    train["status"] = np.where(train["left"] == 1, "gone", np.where(train["tenure"] < 3, "new", "kept"))
    train["copy"] = train["left"]
    report = fit(train).report
    for name in ("left_on", "status", "copy"):
        assert report["dropped"][name].startswith("leakage") and name not in report["features"]
        assert any(name in w and "leakage" in w for w in report["warnings"])


def test_a_feature_that_ranks_too_well_is_told():
    train = labelled(600, seed=11)
    train["balance"] = train["left"] * 100.0 + train["noise"]
    assert any("leakage? balance" in w for w in fit(train).report["warnings"])


def test_ids_constants_and_free_text_are_no_features():
    train = labelled(600, seed=12).sort_values("left")
    train["account_no"] = range(7000, 7600)
    train["email_address"] = [f"a{i}@example.org" for i in range(600)]
    train["country"] = "NL"
    train["empty"] = None
    dropped = fit(train).report["dropped"]
    assert dropped["account_no"].startswith("a running number")
    assert dropped["email_address"].startswith("an id")
    assert dropped["country"] == "the same value for everybody" and dropped["empty"] == "empty"


def test_a_column_without_a_name_in_text_is_refused():
    with pytest.raises(ContractError, match=r"1 columns have a name that is no text \(the first: 0\): give them names"):
        learn_columns(pd.DataFrame({"age": [1.0, 2.0], 0: [3.0, 4.0]}), exclude=frozenset())


def test_numbers_so_far_off_that_they_are_fillers_count_as_missing_and_are_told():
    values = np.r_[np.arange(500.0), 1e12]  # a large order is a large order
    plain = learn_columns(pd.DataFrame({"spend": values, "label": 0}), exclude=frozenset({"label"}))
    assert plain.warnings == ()
    frame = pd.DataFrame({"spend": np.r_[values, -1e200, 1.7e308, np.inf], "rare": np.r_[np.zeros(503), 1e200]})
    plan = learn_columns(frame, exclude=frozenset())
    assert plan.warnings == (
        "column spend: 1 values are no finite number and count as missing",
        "column spend: 2 values lie so far from all others (such as 1.7e+308) that they count as missing",
    )
    spend = encode(frame, plan).values[:, [c.name for c in plan.columns].index("spend")]
    np.testing.assert_array_equal(spend, np.r_[values, [np.nan] * 3])
    assert np.isnan(encode(pd.DataFrame({"spend": [1e200], "rare": [0]}), plain).values).all()


def test_gaps_also_in_whole_numbers_are_information():
    train = labelled(2000, seed=13).astype({"tenure": "Int64"})
    gone = np.random.default_rng(1).random(2000) < np.where(train["left"] == 1, 0.6, 0.05)
    train.loc[gone, "tenure"] = pd.NA
    trained = fit(train)
    people, _ = make_people(100, seed=55)
    with_gap = people.astype({"tenure": "Int64"}).assign(tenure=pd.NA)
    assert (score(trained, with_gap)["probability"] > score(trained, people)["probability"]).mean() > 0.9
    assert "tenure = missing raises" in str(score(trained, with_gap)["reasons"][0])


def test_many_categories_do_not_give_the_label_away():
    train = labelled(1500, seed=14)
    train["shop"] = [f"s{i}" for i in np.random.default_rng(2).integers(0, 300, 1500)]
    trained = fit(train)
    report = trained.report
    assert report["features"]["shop"]["kind"] == "category"
    assert list(report["features"]).index("shop") > 1  # it is noise: a rate from one's own row would come first
    people, truth = make_people(2000, seed=56)
    p = score(trained, people.assign(shop="s1"))["probability"].to_numpy()
    assert metrics.auc(p, (truth > 0.5) * 1.0) > 0.93


def test_many_values_count_for_what_they_add_to_the_other_features():
    rng = np.random.default_rng(7)
    effect = rng.normal(0, 1.5, 150)
    town = np.repeat(np.arange(150), 24)
    plan = rng.random(3600) < 1 / (1 + np.exp(2 * effect[town]))  # few have the plan where people leave anyway
    left = (rng.random(3600) < 1 / (1 + np.exp(-(effect[town] + 3 * plan - 2.5)))) * 1.0
    people = pd.DataFrame({"town": [f"t{i}" for i in town], "plan": plan})
    matrix = encode(people, learn_columns(people, exclude=frozenset()))
    ids = pd.Series([f"p{i}" for i in range(3600)])
    rows, others = np.arange(3600) % 2 == 0, np.arange(3600) % 2 == 1
    layers = fit_layers(matrix.rows(rows), left[rows], ids[rows], strength=1.0, trees=0)
    assert metrics.auc(layers.paths(matrix.rows(others))[0][:, 0], left[others]) > 0.72  # by rates .69


def test_a_rare_value_that_decides_is_not_shrunk_away():
    rng = np.random.default_rng(8)
    products = rng.choice([1, 2, 3, 4], 2500, p=[0.5, 0.46, 0.03, 0.01])
    label = (rng.random(2500) < np.array([0.0, 0.2, 0.06, 0.9, 0.9])[products]) * 1.0
    people = pd.DataFrame({"products": products, "age": rng.normal(size=2500)})
    matrix = encode(people, learn_columns(people, exclude=frozenset()))
    ids = pd.Series([f"p{i}" for i in range(2500)])
    folds = np.arange(2500) % 5
    assert choose_strength(matrix, label, ids, folds) >= 10


def test_dates_and_what_lies_between_them():
    rng = np.random.default_rng(3)
    train = labelled(1500, seed=15)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, 1500), unit="D")
    gap = rng.integers(0, 60, 1500)
    train["left"] = (rng.random(1500) < np.where(gap > 40, 0.7, 0.1)).astype(int)
    train["started_on"] = start.strftime("%Y-%m-%d")
    train["last_seen_at"] = start + pd.to_timedelta(gap, unit="D")
    report = fit(train).report
    assert next(iter(report["features"])) == "days from last_seen_at to started_on"
    assert report["features"]["started_on"]["kind"] == "date"


@pytest.mark.parametrize("kind", [object, "datetime64[us]", "datetime64[us, UTC]"])
def test_a_date_in_the_year_9999_is_a_gap(kind):
    frame = pd.DataFrame({"left_on": ["2024-01-02", "2024-01-05", *["9999-12-31"] * 8]}).astype(kind)
    plan = learn_columns(frame, exclude=frozenset())
    assert plan.columns[0].kind == "date" and not plan.warnings
    assert np.isnan(encode(frame, plan).values[:, 0]).tolist() == [False, False, *[True] * 8]


def test_huge_numbers_and_infinities_do_no_harm():
    train = labelled(600, seed=16)
    train["odd"] = np.where(np.arange(600) % 7 == 0, 1e308, np.where(np.arange(600) % 5 == 0, -1e308, train["noise"]))
    train.loc[:5, "odd"] = np.inf
    scored = score(fit(train), train)
    assert scored["probability"].between(0, 1, inclusive="neither").all()


def test_infinity_counts_as_missing_and_a_comma_is_told():
    frame = pd.DataFrame(
        {"ratio": np.r_[np.full(20, np.inf), np.arange(80) / 7], "price": [f"{i},5" for i in range(100)]}
    )
    plan = learn_columns(frame, exclude=frozenset())
    assert [(c.name, c.kind) for c in plan.columns if c.name == "ratio"] == [("ratio", "number")]
    assert learn_columns(frame.astype(str), exclude=frozenset()).columns == plan.columns
    assert any("price" in told and "1234.5" in told for told in plan.warnings)


def test_lists_and_structures_are_left_out():
    train = labelled(300, seed=18)
    train["tags"] = [["a", "b"]] * 300
    assert fit(train).report["dropped"]["tags"].startswith("not a plain value")
