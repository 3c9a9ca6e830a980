"""The labelled sets that benches of identity are made of."""

import pandas as pd
import pytest
import yaml
from tests.benchmarks.identity import KINDS
from tests.benchmarks.identity.dice import Dice
from tests.benchmarks.identity.homes import make_home


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_is_whole_and_the_same_again(kind, tmp_path):
    made, again, other = KINDS[kind](1, 400), KINDS[kind](1, 400), KINDS[kind](2, 400)
    paths = made.write(tmp_path)

    read = pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False) for p in paths])
    schema = yaml.safe_load((tmp_path / "schema.yaml").read_text())
    truth = pd.read_csv(tmp_path / "truth.csv", dtype=str, keep_default_na=False)
    assert len(read) == len(truth) == 400
    assert set(schema["columns"]) <= set(read.columns)
    source = read[schema["source"]] if "source" in schema else pd.Series("", index=read.index)
    assert set(zip(source, read[schema["record_id"]], strict=True)) == set(
        zip(truth["source"], truth["record_id"], strict=True)
    )
    assert 1 < truth["person"].value_counts().max() < 40 and truth["person"].nunique() > 50
    assert truth.groupby("person")["household"].nunique().max() == 1
    assert all(made.files[name].equals(again.files[name]) for name in made.files)
    assert not truth["person"].equals(other.truth["person"])


def test_records_of_one_person_differ_and_homes_share():
    made = KINDS["register"](3, 600)
    records = made.files["records"].drop(columns="rec_id")
    per_person = records.groupby(made.truth["person"].to_numpy())["given_name"].nunique()
    assert (per_person > 1).mean() > 0.1
    persons_at_home = made.truth.groupby("household")["person"].nunique()
    assert (persons_at_home > 1).mean() > 0.3


def test_a_home_does_not_depend_on_what_was_drawn_before():
    first = make_home(Dice(5, 10, 7), 7)
    make_home(Dice(5, 10, 6), 6)
    assert make_home(Dice(5, 10, 7), 7) == first
    assert make_home(Dice(5, 10, 8), 8) != first
