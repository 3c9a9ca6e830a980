"""Propensities of made subscribers with known probabilities: level, calibration, labels, and who is scored."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import special
from tests.unit.models.propensity.conftest import fit, labelled, make_people, score

from cdp.core.errors import ContractError, ModelError
from cdp.models import metrics
from cdp.models.propensity.propensity_choice import kept_share
from cdp.models.propensity.propensity_model import check_scored, score_propensity
from cdp.models.propensity.stack import Stack

pytestmark = pytest.mark.usefixtures("quick")


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
    assert report["settings"]["kept"] == 1 and "kept" not in report["why"]
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


def test_labels_of_pure_chance_get_the_base_rate_or_hardly_more():
    """One draw in ten or so looks better than chance by more than a standard error: what it says is shrunk."""
    people, rng = labelled(300, seed=10), np.random.default_rng(5)
    trained = [fit(people.assign(left=rng.permutation(np.arange(300) % 6 == 0))) for _ in range(6)]
    scores = [score(t, people)["probability"] for t in trained]
    methods = [t.report["method"] for t in trained]
    assert [s.nunique() == 1 for s in scores] == [method == "base rate" for method in methods]
    assert methods.count("base rate") == 5
    assert max(s.std() for s in scores) < 0.01, "unshrunk it is 0.04"
    told = next(t.report for t in trained if t.report["method"] != "base rate")
    kept, figures = told["settings"]["kept"], told["metrics"]
    assert 0 < kept < 0.42 and f"{kept:.0%} of its log-odds are kept" in told["why"]
    assert figures[told["method"]]["log_loss"]["mean"] < figures["base rate"]["log_loss"]["mean"]


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [(0.001, 0.3, 1.0), (0.0, 0.2, 0.4143), (-0.01, 0.21, 0.2913), (-0.05, 0.2, 0.0), (-0.3, -0.1, 0.0)],
)
def test_all_is_kept_beyond_doubt_and_nothing_where_luck_explains_the_ranking(low, high, kept):
    """Worked by hand: a bootstrap's standard error is (high - low) / 3.92, luck 1.5 of them."""
    assert kept_share({"mean": (low + high) / 2, "low": low, "high": high}) == pytest.approx(kept, abs=1e-4)


def test_a_shrunk_stack_keeps_the_level():
    rng = np.random.default_rng(3)
    layers, label = rng.normal(size=(500, 2)), (rng.random(500) < 0.1).astype(float)
    stack = Stack(-1.0, np.array([0.5, 1.5]))
    for kept in (0.0, 0.3, 1.0):
        shrunk = stack.shrunk(kept, layers, label)
        assert shrunk.weights == pytest.approx(kept * stack.weights)
        assert special.expit(shrunk.logits(layers)).mean() == pytest.approx(label.mean(), abs=1e-9)


def test_unknown_values_are_scored_and_told(trained):
    people, _ = make_people(100, seed=57)
    other = people.assign(contract="lifetime")
    scored = score(trained, other)
    assert scored["probability"].between(0, 1, inclusive="neither").all()
    assert any("contract: 100%" in w for w in check_scored(trained.model, other, id_column="person"))


def test_what_training_never_had_counts_as_not_known(trained):
    people, _ = make_people(2000, seed=62)
    known = score(trained, people)["probability"].mean()
    for blind in ({"contract": "lifetime"}, {"contract": None}, {"tenure": np.nan}, {"tenure": None, "fibre": None}):
        assert score(trained, people.assign(**blind))["probability"].mean() == pytest.approx(known, abs=0.03), blind
    nothing = people.assign(tenure=None, contract=None, usage=None, fibre=None, noise=None)
    scored = score(trained, nothing)
    assert scored["probability"].to_numpy() == pytest.approx(trained.report["base_rate"], abs=0.03)
    assert not any(scored["reasons"])
    model = trained.model
    matrix = model.encode(pd.concat([people.head(50), nothing.head(50)], ignore_index=True))
    np.testing.assert_allclose(model.logits(matrix), model.pushes(matrix).sum(axis=1), atol=1e-9)


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
