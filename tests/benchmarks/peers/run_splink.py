"""Splink on DuckDB, as its documentation does it: comparisons by kind of column, EM, components at .95."""

from __future__ import annotations

import logging

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI
from splink.internals.exceptions import EMTrainingException
from tidy import read_command, write_people

THRESHOLD = 0.95  # the one of its introduction
_NAMES = ("given_name", "family_name")
_EXACT_WITH_FREQUENCY = ("city", "region", "occupation", "birth_place", "organisation_name", "employer", "country")
_IDENTIFIERS = ("national_id", "email", "phone", "phone_2", "account_id", "device_id")
_PLACES = ("postcode", "street_address", "street", "city")


def main() -> None:
    """Train, predict, cluster, write."""
    logging.disable(logging.WARNING)
    records, out = read_command()
    have = [c for c in records.columns if records[c].notna().any()]
    if set(_NAMES) <= set(have):
        records["name_concat"] = records["given_name"] + " " + records["family_name"]
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons(have), blocking_rules_to_generate_predictions=blocking(have),
        retain_matching_columns=False,
    )  # fmt: skip
    linker = Linker(DuckDBAPI(duckdb.connect()).register(records, dataset_display_name="records"), settings)
    train(linker, have)
    pairs = linker.inference.predict(threshold_match_weight=-10)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, THRESHOLD)
    found = clusters.as_pandas_dataframe()[["unique_id", "cluster_id"]].set_index("unique_id")["cluster_id"]
    write_people(records, found.loc[records["unique_id"]], out)


def comparisons(have: list[str]) -> list:
    """One comparison a column, each of its library's recommended kind."""
    made = []
    if set(_NAMES) <= set(have):
        made.append(cl.ForenameSurnameComparison(*_NAMES, forename_surname_concat_col_name="name_concat"))
    else:
        made += [cl.NameComparison(name) for name in _NAMES if name in have]
    for name in have:
        if name == "birth_date":
            made.append(cl.DateOfBirthComparison(name, input_is_string=True))
        elif name == "email":
            made.append(cl.EmailComparison(name).configure(term_frequency_adjustments=True))
        elif name in _IDENTIFIERS or name in ("postcode", "street_number"):
            made.append(cl.LevenshteinAtThresholds(name, [1, 2]).configure(term_frequency_adjustments=True))
        elif name in ("street", "street_address"):
            made.append(cl.JaroWinklerAtThresholds(name, [0.9, 0.7]).configure(term_frequency_adjustments=True))
        elif name in _EXACT_WITH_FREQUENCY:
            made.append(cl.ExactMatch(name).configure(term_frequency_adjustments=True))
        elif name in ("sex", "name_suffix"):
            made.append(cl.ExactMatch(name))
    return made


def blocking(have: list[str]) -> list:
    """Identifiers, and pairs of the other strong columns."""
    keys = [(i,) for i in _IDENTIFIERS]
    keys += [_NAMES, ("family_name", "birth_date"), ("given_name", "birth_date")]
    keys += [(other, place) for place in ("postcode", "birth_place") for other in ("birth_date", *_NAMES)]
    made = [block_on(*k) for k in keys if set(k) <= set(have)]
    if set(_NAMES) <= set(have):
        made.append(block_on("substr(given_name,1,3)", "substr(family_name,1,4)"))
    if "email" in have:
        made.append(block_on("split_part(email,'@',1)"))
    return made


def train(linker: Linker, have: list[str]) -> None:
    """The prior from rules that are nearly sure, u from random pairs, m by EM over several blocks."""
    linker.training.estimate_probability_two_random_records_match(sure(have), recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    for keys in training(have):
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*keys))
        except (EMTrainingException, ValueError):
            # no two records agree on these keys, or a level never comes up and EM runs out of floating point: what
            # this block would teach the others do
            continue


def sure(have: list[str]) -> list:
    """Rules that seldom join two people: an identity number or a mailbox, the names with one more thing."""
    names = [n for n in _NAMES if n in have]
    keys = [("national_id",), ("email",), *[(*names, other) for other in ("birth_date", *_IDENTIFIERS, *_PLACES)]]
    return [block_on(*k) for k in keys if set(k) <= set(have)] or [block_on(*names)]


def training(have: list[str]) -> list[tuple[str, ...]]:
    """Blocks for EM: each leaves the other columns to be learned, and holds few but one person's records."""
    names = tuple(n for n in _NAMES if n in have)
    strong = [c for c in ("birth_date", "email", "national_id", "phone", "account_id") if c in have]
    return [k for k in (names, *[(c,) for c in strong or _PLACES if c in have]) if k]


if __name__ == "__main__":
    pd.set_option("mode.copy_on_write", True)
    main()
