"""The trait files of conf/traits: each keeps its contract and its worked example; wrong ones say what is wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.rules.definitions import load_definitions
from cdp.traits.contract import check_specs, traits_contract
from cdp.traits.example import run_examples
from cdp.traits.rfm import RFM_COLUMNS
from cdp.traits.spec import TraitExample, TraitSpec

FOLDER = Path(__file__).parents[3] / "conf" / "traits"


@pytest.fixture(scope="module")
def specs() -> dict[str, TraitSpec]:
    return load_definitions(FOLDER, TraitSpec)


def test_every_example_gives_its_value(spark: SparkSession, specs: dict[str, TraitSpec]) -> None:
    found = run_examples(spark, specs)
    plain = {n: float(v) if isinstance(v, Decimal) else v for n, v in found.items()}
    assert plain == {name: spec.example.value for name, spec in specs.items()}
    assert len(specs) >= 20


def test_every_file_is_sound_and_makes_the_contract(spark: SparkSession, specs: dict[str, TraitSpec]) -> None:
    check_specs(spark, specs)
    contract = traits_contract(specs)
    names = ["person_id", "as_of", *sorted(specs), *(c.name for c in RFM_COLUMNS)]
    assert contract.column_names == names
    assert [f.name for f in contract.schema] == names
    assert contract.key == ("person_id",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aggregate": "sum(amout)"}, r"conf/traits/mine.yaml: aggregate: .*no column 'amout'; did you mean 'amount'"),
        ({"filter": "is_returned"}, r"mine.yaml: filter: silver.order_lines has no column 'is_returned'.*'is_return'"),
        ({"filter": "amount + 1"}, r"mine.yaml: filter: .*not a condition"),
        ({"filter": "amount >"}, r"mine.yaml: filter: not an SQL expression"),
        ({"aggregate": "amount"}, r"mine.yaml: aggregate: .*calls no aggregate function"),
        ({"aggregate": "sum(upper(order_id) > 1"}, r"mine.yaml: aggregate: not an SQL expression"),
        ({"aggregate": "smu(amount) + sum(amount)"}, r"mine.yaml: aggregate: .*cannot be evaluated"),
        ({"type": "array<int>"}, r"mine.yaml: type: .*cannot be evaluated"),
        (
            {"example": TraitExample(rows=[{"amunt": 1}], as_of=date(2026, 1, 5), value=1)},
            r"mine.yaml: example.rows: .*no column 'amunt'; did you mean 'amount'",
        ),
    ],
)
def test_a_wrong_trait_names_file_key_and_nearest_name(
    spark: SparkSession, specs: dict[str, TraitSpec], change: dict[str, Any], message: str
) -> None:
    wrong = specs["spend_365d"].model_copy(update=change)
    with pytest.raises(ConfigError, match=message):
        check_specs(spark, {"mine": wrong})


def test_a_trait_may_not_take_the_name_of_a_column_that_is_there(
    spark: SparkSession, specs: dict[str, TraitSpec]
) -> None:
    with pytest.raises(ConfigError, match=r"rfm_segment is a column of gold.traits already"):
        check_specs(spark, {"rfm_segment": specs["spend_365d"]})


def test_an_unknown_key_is_refused_with_line_and_nearest_name(tmp_path: Path) -> None:
    text = (FOLDER / "orders_90d.yaml").read_text().replace("window_days:", "windows_days:")
    (tmp_path / "orders_90d.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"orders_90d.yaml:5: unknown key 'windows_days': did you mean 'window_days'"):
        load_definitions(tmp_path, TraitSpec)
