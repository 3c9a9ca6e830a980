"""Propensities of made subscribers with known probabilities, and each trap that ruins such models."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from cdp.core.errors import ContractError, ModelError
from cdp.models import metrics
from cdp.models.propensity import propensity
from cdp.models.propensity.feature_columns import learn_columns
from cdp.models.propensity.feature_matrix import encode
from cdp.models.propensity.propensity import TrainedPropensity, fit_propensity
from cdp.models.propensity.propensity_model import check_scored, score_propensity


def make_people(count: int, *, seed: int, shift: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Subscribers with what one knows of them, and their true probabilities to leave."""
    rng = np.random.default_rng(seed)
    tenure = rng.exponential(20, count).round()
    contract = rng.choice(["monthly", "yearly"], count, p=[0.6, 0.4])
    usage = rng.lognormal(2, 1, count)
    fibre = rng.random(count) < 0.4
    logit = 0.6 + shift - 0.9 * np.log1p(tenure) + 1.2 * (contract == "monthly") - 0.3 * np.log(usage)
    logit += 1.5 * (fibre & (tenure < 12))
    people = pd.DataFrame(
        {
            "person": [f"p{i:05d}" for i in rng.permutation(count)],
            "tenure": tenure.astype(int),
            "contract": contract,
            "usage": usage,
            "fibre": fibre,
            "noise": rng.normal(size=count),
        }
    )
    return people, 1 / (1 + np.exp(-logit))


def labelled(count: int, *, seed: int, shift: float = 0.0) -> pd.DataFrame:
    people, p = make_people(count, seed=seed, shift=shift)
    return people.assign(left=(np.random.default_rng(seed + 1).random(count) < p).astype(int))


def fit(train: pd.DataFrame, label: str = "left") -> TrainedPropensity:
    return fit_propensity(train, label=label, id_column="person")


def score(trained: TrainedPropensity, people: pd.DataFrame) -> pd.DataFrame:
    return score_propensity(trained.model, people, id_column="person")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traps need no three repeats."""
    monkeypatch.setattr(propensity, "REPEATS", 1)


@pytest.fixture(scope="module")
def trained() -> TrainedPropensity:
    return fit(labelled(2000, seed=1))


def test_probabilities_come_near_the_truth_and_stay_calibrated(trained):
    people, truth = make_people(4000, seed=50)
    p = score(trained, people)["probability"].to_numpy()
    assert np.corrcoef(p, truth)[0, 1] > 0.93
    assert metrics.expected_calibration_error(p, truth) < 0.03


def test_a_rare_label_keeps_its_level():
    trained = fit(labelled(3000, seed=3, shift=-2.5))
    people, truth = make_people(4000, seed=51, shift=-2.5)
    p = score(trained, people)["probability"].to_numpy()
    assert truth.mean() < 0.06
    assert p.mean() == pytest.approx(truth.mean(), rel=0.2)


def test_the_report_is_json_with_figures_gains_and_choice(trained):
    report = json.loads(json.dumps(trained.report, allow_nan=False))
    assert report["rows"] == 2000 and report["method"] in ("stack", "spline logistic")
    assert report["metrics"]["spline logistic"]["auc"]["mean"] > 0.7
    assert report["gain"]["stack over spline logistic"]["brier"].keys() == {"mean", "low", "high"}
    assert next(iter(report["features"])) == "tenure"


def test_reasons_are_exact_and_name_the_strongest_pushes(trained):
    people, _ = make_people(200, seed=52)
    scored = score(trained, people)
    pushes = trained.model.pushes(trained.model.encode(people))
    logits = np.log(scored["probability"] / (1 - scored["probability"]))
    np.testing.assert_allclose(pushes.sum(axis=1), logits, atol=1e-9)
    first = scored["reasons"][0][0]
    i = int(np.abs(pushes[0, :-1]).argmax())
    assert first.startswith(trained.model.encode(people).features[i].name + " = ")
    assert first.endswith(f"{'raises' if pushes[0, i] > 0 else 'lowers'} ({pushes[0, i]:+.2f})")


def test_a_stored_model_scores_alike(trained):
    people, _ = make_people(50, seed=61)
    again = pickle.loads(pickle.dumps(trained.model))
    pd.testing.assert_frame_equal(score_propensity(again, people, id_column="person"), score(trained, people))


def test_neither_rows_nor_columns_need_an_order():
    train = labelled(400, seed=4)
    people, _ = make_people(50, seed=53)
    shuffled = train.sample(frac=1, random_state=1)[list(reversed(train.columns))]
    pd.testing.assert_frame_equal(score(fit(train), people), score(fit(shuffled), people))


def test_text_gives_what_types_give():
    train = labelled(400, seed=5)
    text = train.astype(str).assign(fibre=train["fibre"].map({True: "true", False: "false"}))
    people, _ = make_people(50, seed=54)
    as_typed, as_text = (
        score(fit(train), people),
        score(fit(text), people.astype(str)),  # True beside true
    )
    np.testing.assert_allclose(as_typed["probability"], as_text["probability"], atol=1e-6)


@pytest.mark.parametrize(
    "words", [("yes", "no"), ("TRUE", "False"), (True, False), ("1", "0"), (1.0, 0.0), ("1.0", "0.0"), ("Y", "n")]
)
def test_labels_in_any_writing(words):
    train = labelled(300, seed=6)
    assert (
        fit(train.assign(left=train["left"].map({1: words[0], 0: words[1]}))).report["positives"] == train["left"].sum()
    )


def test_a_label_of_other_words_is_refused_without_guessing():
    train = labelled(100, seed=6)
    with pytest.raises(ContractError, match="neither yes nor no"):
        fit(train.assign(left=train["left"].map({1: "gone", 0: "here"})))


def test_rows_without_a_label_are_left_out_and_counted():
    train = labelled(300, seed=7).astype({"left": "Int64"})
    train.loc[:29, "left"] = pd.NA
    report = fit(train).report
    assert report["rows"] == 270
    assert "30 rows without label were left out of the training" in report["warnings"]


def test_equal_labels_are_an_error():
    with pytest.raises(ModelError, match="all with the same label"):
        fit(labelled(100, seed=8).assign(left=0))


def test_a_few_positives_give_the_base_rate():
    train = labelled(300, seed=9)
    train["left"] = 0
    train.loc[:4, "left"] = 1
    trained = fit(train)
    assert trained.report["method"] == "base rate" and "only 5 people" in trained.report["why"]
    scored = score(trained, train)
    assert scored["probability"].tolist() == pytest.approx([5.5 / 301] * 300) and not any(scored["reasons"])


def test_five_people_are_scored_by_the_base_rate():
    assert fit(labelled(5, seed=2).assign(left=[1, 0, 0, 1, 0])).report["method"] == "base rate"


def test_a_label_of_pure_chance_is_not_predicted():
    train = labelled(500, seed=10)
    train["left"] = np.random.default_rng(5).integers(0, 2, 500)
    trained = fit(train)
    assert trained.report["method"] == "base rate"
    assert score(trained, train)["probability"].nunique() == 1


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


def test_unknown_values_are_scored_and_told(trained):
    people, _ = make_people(100, seed=57)
    other = people.assign(contract="lifetime")
    scored = score(trained, other)
    assert scored["probability"].between(0, 1, inclusive="neither").all()
    assert any("contract: 100%" in w for w in check_scored(trained.model, other, id_column="person"))


def test_absent_and_further_columns(trained):
    people, _ = make_people(100, seed=58)
    less = people.drop(columns=["usage"]).assign(unheard_of=1)
    assert score(trained, less)["probability"].notna().all()
    assert check_scored(trained.model, less, id_column="person") == [
        "column usage is absent: it counts as missing for everybody"
    ]
    with pytest.raises(ContractError, match="none of the 5 features"):
        check_scored(trained.model, people[["person"]], id_column="person")
    with pytest.raises(ContractError, match="no column 'who'"):
        score_propensity(trained.model, people, id_column="who")


def test_what_lies_outside_the_training_is_told(trained):
    people, _ = make_people(100, seed=60)
    later = people.assign(tenure=people["tenure"] + 500)
    assert check_scored(trained.model, later, id_column="person") == [
        "column tenure: 100% of the people lie outside the training's range"
    ]
    assert check_scored(trained.model, people, id_column="person") == []


def test_ids_stay_text_and_rows_stay_rows(trained):
    people, _ = make_people(4, seed=59)
    scored = score(trained, people.assign(person=[7.0, 8.0, np.nan, 7.0]))
    assert scored["id"].tolist() == ["7", "8", "7"]
    told = check_scored(trained.model, people.assign(person=[7.0, 8.0, np.nan, 7.0]), id_column="person")
    assert told == ["1 rows without an id were not scored", "1 rows repeat an id: each row was scored"]


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


def test_a_date_in_the_year_9999_is_a_gap():
    frame = pd.DataFrame({"left_on": ["2024-01-02", "2024-01-05", *["9999-12-31"] * 8]})
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


def test_rows_of_one_person_stay_in_one_fold():
    train = labelled(300, seed=17)
    twice = pd.concat([train, train, train])
    twice["fingerprint"] = twice["noise"] * 3.7  # the same in all rows of a person: it must not pay
    report = fit(twice).report
    assert report["people"] == 300 and report["rows"] == 900
    assert report["metrics"]["spline logistic"]["auc"]["mean"] < metrics.auc(*_truth_of(train)) + 0.03


def test_positives_of_one_person_are_one_positive():
    train = labelled(200, seed=17).assign(left=0)
    leaver = pd.concat([train.iloc[:1].assign(left=1)] * 30)
    assert "only 1 people" in fit(pd.concat([train, leaver])).report["why"]


def _truth_of(train: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    _, p = make_people(300, seed=17)
    return p, train["left"].to_numpy(float)


def test_lists_and_structures_are_left_out():
    train = labelled(300, seed=18)
    train["tags"] = [["a", "b"]] * 300
    assert fit(train).report["dropped"]["tags"].startswith("not a plain value")
