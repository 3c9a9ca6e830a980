"""Which metrics of a champion the page shows, in words, beside the simple rule that needs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdp.reports.facts.identity import IdentityNight
from cdp.reports.facts.scores import ModelFacts
from cdp.reports.words import count, metric, share, signed_share


@dataclass(frozen=True)
class Measure:
    """One line: what is measured, the model's number, and the simple rule's ("" where there is none)."""

    name: str
    value: str
    simple: str = ""


# words, metric of the model, metric of the simple rule, how to write it
_CHURN = (
    ("Ranks a buyer above a non-buyer (AUC, 0.5 is chance)", "churn_auc", "recency_churn_auc", "number"),
    ("Squared error of the probability (Brier)", "churn_brier", "churn_brier_of_base_rate", "number"),
    ("Calibration error", "churn_ece", "", "number"),
    ("Did not buy: predicted", "churn_rate_predicted", "", "share"),
    ("Did not buy: actual", "churn_rate", "", "share"),
)
_VALUE = (
    ("Expected purchases in all, off by", "purchases_bias", "last_period_purchases_bias", "signed"),
    ("Expected spend in all, off by", "spend_bias", "last_period_spend_bias", "signed"),
    ("Mean error per person", "spend_mae", "last_period_spend_mae", "number"),
    ("Order of people by spend (Spearman)", "spend_spearman", "last_period_spend_spearman", "number"),
    ("Concentration found (normalised Gini)", "spend_gini", "last_period_spend_gini", "number"),
    ("Spend found in the upper tenth", "spend_top10_share", "last_period_spend_top10_share", "share"),
    ("Inside the 90 % interval", "spend_coverage", "", "share"),
)

_PROPENSITY = (
    ("Ranks who does it above who does not (AUC, 0.5 is chance)", "auc", "last_period_auc", "number"),
    ("Squared error of the probability (Brier)", "brier", "base_rate_brier", "number"),
    ("Calibration error", "calibration_error", "", "number"),
    ("Did it", "rate", "", "share"),
    ("Expected in all, off by", "bias", "", "signed"),
)
_LIST = (
    ("Order of the items against what was bought (NDCG@10)", "ndcg_at_10_all", "popular_ndcg_at_10_all", "number"),
    ("The same of items new to the customer", "ndcg_at_10_new", "popular_ndcg_at_10_new", "number"),
    ("Bought items found in the first ten", "recall_at_10_all", "popular_recall_at_10_all", "share"),
    ("Calibration error of the chances", "calibration_error", "", "number"),
)

# of ops.model_performance: words, measure, measure of the simple rule, how to write it
_RANKED_LEAVERS = ("Ranked a leaver above a buyer (AUC)", "auc", "", "number")
_RANKED = ("Ranked who did it above who did not (AUC)", "auc", "", "number")
_PROVED = (
    ("Squared error of the probability (Brier)", "brier", "brier_of_base_rate", "number"),
    ("Calibration error", "calibration_error", "", "number"),
    ("Purchases in all, off by", "purchases_bias", "", "signed"),
    ("Spend in all, off by", "spend_bias", "", "signed"),
)


def list_proved(model: ModelFacts) -> list[Measure]:
    """How right the model's newest scoring was whose horizon is over; nothing before the first."""
    found = dict(model.proved.figures) if model.proved else {}
    return _written((_RANKED_LEAVERS if model.is_churn else _RANKED, *_PROVED), found)


def list_measures(model: ModelFacts) -> list[Measure]:
    """The measures of the model that its metrics have; all of them by name where none is known here."""
    found = dict(model.metrics)
    known = _written(_CHURN if model.is_churn else _VALUE, found) or _written(
        _LIST if model.is_list else _PROPENSITY, found
    )
    people = [Measure("People tested", count(found["people"]))] if "people" in found and known else []
    return known + people or [Measure(name.replace("_", " "), metric(value)) for name, value in model.metrics]


def _written(wanted: Sequence[tuple[str, str, str, str]], found: Mapping[str, float]) -> list[Measure]:
    return [
        Measure(words, _write(found[key], how), _write(found[simple], how) if simple in found else "")
        for words, key, simple, how in wanted
        if key in found
    ]


_IDENTITY = (
    ("People of several profile records", "people_of_several", "number"),
    ("Of them with impossible facts", "impossible_share", "share"),
    ("Of them hanging by one link", "one_link_share", "share"),
    ("Records of the largest person", "largest_person", "number"),
    ("Pairs within people, expected right", "expected_precision", "share"),
    ("Pairs of one person that were looked at, estimated", "blocking_recall", "share"),
    ("Links refused by policy, matching or a steward", "links_refused", "number"),
    ("Pairs compared that night", "pairs_scored", "number"),
)


def list_identity(nights: Sequence[IdentityNight]) -> list[Measure]:
    """The measures of the last of the nights, beside those of the one before it."""
    last = dict(nights[-1].measures) if nights else {}
    before = dict(nights[-2].measures) if len(nights) > 1 else {}
    return [
        Measure(words, _write(last[key], how), _write(before[key], how) if key in before else "")
        for words, key, how in _IDENTITY
        if key in last
    ]


def _write(number: float, how: str) -> str:
    if how == "share":
        return share(number, 1)
    return signed_share(number) if how == "signed" else metric(number)
