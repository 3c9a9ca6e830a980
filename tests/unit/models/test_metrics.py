"""Metrics against hand-made cases and another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.models import metrics as m

P = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.9])
Y = np.array([0, 0, 1.0, 1, 1, 0])


def test_auc_counts_ties_half_and_agrees_with_sklearn():
    sklearn = pytest.importorskip("sklearn.metrics")
    assert m.auc(P, Y) == pytest.approx(sklearn.roc_auc_score(Y, P))
    rng = np.random.default_rng(0)
    p, y = rng.integers(0, 20, 500).astype(float), rng.integers(0, 2, 500).astype(float)
    assert m.auc(p, y) == pytest.approx(sklearn.roc_auc_score(y, p))
    assert m.brier(P, Y) == pytest.approx(sklearn.brier_score_loss(Y, P))
    assert np.isnan(m.auc(P, np.ones(6)))


def test_gini_is_one_for_the_truth_and_zero_for_a_constant_in_any_row_order():
    spend = np.array([0, 0, 5, 1, 30, 2.0])
    assert m.normalised_gini(spend, spend) == pytest.approx(1)
    assert m.normalised_gini(-spend, spend) == pytest.approx(-1)
    for order in (np.arange(6), np.arange(6)[::-1]):
        assert m.normalised_gini(np.ones(6), spend[order]) == pytest.approx(0, abs=1e-12)


def test_bias_errors_and_groups():
    predicted, actual = np.arange(20.0), np.arange(20.0) * 2
    assert m.aggregate_bias(predicted, actual) == -0.5
    assert m.rmse(predicted, predicted + 3) == 3 and m.mae(predicted, predicted - 2) == 2
    groups = m.groups_by_prediction(predicted, actual)
    assert groups[0] == (2, 0.5, 1.0) and groups[-1] == (2, 18.5, 37.0)
    assert m.decile_mape(predicted, actual) == 0.5
    assert m.top_share(predicted, actual) == pytest.approx((36 + 38) / 380)
    assert m.spearman(predicted, actual) == pytest.approx(1) and np.isnan(m.spearman(np.ones(20), actual))


def test_calibration_error_is_zero_for_true_probabilities_and_the_shift_for_shifted_ones():
    happened = np.tile([0.0, 0, 0, 1], 250)
    assert m.expected_calibration_error(np.full(1000, 0.25), happened) == pytest.approx(0, abs=0.02)
    assert m.expected_calibration_error(np.full(1000, 0.45), happened) == pytest.approx(0.2, abs=0.02)


def test_groups_of_tied_predictions_do_not_hang_on_the_order_of_the_rows():
    predicted, happened = np.repeat([0.2, 0.6], 25), np.tile([1.0, 0, 0, 0, 1], 10)
    order = np.lexsort((happened, predicted))
    there, back = (predicted[order], happened[order]), (predicted[order][::-1], happened[order][::-1])
    assert np.array(m.groups_by_prediction(*there)) == pytest.approx(np.array(m.groups_by_prediction(*back)))
    assert m.expected_calibration_error(*there) == pytest.approx(0.2) == m.expected_calibration_error(*back)
    assert m.top_share(*there, 0.1) == pytest.approx(5 * 0.4 / 20) == m.top_share(*back, 0.1)
    assert m.expected_calibration_error(np.full(50, 0.45), happened) == pytest.approx(0.05)


def test_coverage_counts_the_ends():
    assert m.coverage(np.array([0.0, 1, 2]), np.array([1.0, 2, 3]), np.array([1.0, 1, 9])) == pytest.approx(2 / 3)
