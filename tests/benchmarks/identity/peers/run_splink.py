"""Splink on DuckDB, as its documentation does it: comparisons by kind of column, EM, components at .95."""

from __future__ import annotations

import logging

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI
from tidy import read_command, write_people

THRESHOLD = 0.95  # the one of its introduction
_EXACT_WITH_FREQUENCY = ("city", "region", "occupation", "birth_place", "organisation_name", "employer", "country")
_IDENTIFIERS = ("national_id", "email", "phone", "phone_2", "account_id")


def main() -> None:
    """Train, predict, cluster, write."""
    logging.disable(logging.WARNING)
    records, out = read_command()
    have = [c for c in records.columns if records[c].notna().any()]
    api = DuckDBAPI(duckdb.connect())
    if {"given_name", "family_name"} <= set(have):
        records["name_concat"] = records["given_name"] + " " + records["family_name"]
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons(have), blocking_rules_to_generate_predictions=blocking(have),
        retain_matching_columns=False,
    )  # fmt: skip
    linker = Linker(api.register(records, dataset_display_name="records"), settings)
    sure = [
        block_on("given_name", "family_name", *([i] if i != "" else []))
        for i in ("birth_date", "email", "national_id")
        if i in have
    ]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for keys in training(have):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*keys))
    pairs = linker.inference.predict(threshold_match_weight=-10)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, THRESHOLD)
    found = clusters.as_pandas_dataframe()[["unique_id", "cluster_id"]].set_index("unique_id")["cluster_id"]
    write_people(records, found.loc[records["unique_id"]], out)


def comparisons(have: list[str]) -> list:
    """One comparison a column, each of its library's recommended kind."""
    made = [cl.ForenameSurnameComparison("given_name", "family_name", forename_surname_concat_col_name="name_concat")]
    for name in have:
        if name == "birth_date":
            made.append(cl.DateOfBirthComparison(name, input_is_string=True))
        elif name == "email":
            made.append(cl.EmailComparison(name).configure(term_frequency_adjustments=True))
        elif name in ("national_id", "phone", "phone_2", "account_id", "postcode", "street_number"):
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
    keys = [(i,) for i in _IDENTIFIERS if i in have]
    keys += [("given_name", "family_name"), ("family_name", "birth_date"), ("given_name", "birth_date"),
             ("birth_date", "postcode"), ("family_name", "postcode"), ("given_name", "postcode"),
             ("substr(given_name,1,3)", "substr(family_name,1,4)")]  # fmt: skip
    return [block_on(*k) for k in keys if all(c.startswith("substr") or c in have for c in k)]


def training(have: list[str]) -> list[tuple[str, ...]]:
    """Blocks for EM: each leaves the other columns to be learned, and holds few but one person's records."""
    keys = (("given_name", "family_name"), ("birth_date",), ("email",), ("national_id",))
    return [k for k in keys if all(c in have for c in k)]


if __name__ == "__main__":
    pd.set_option("mode.copy_on_write", True)
    main()
