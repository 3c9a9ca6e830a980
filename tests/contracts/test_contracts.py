"""Every table contract: documented, keyed, typed, and safe for the Delta log."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from cdp.contracts.catalog import catalog_json, catalog_markdown
from cdp.contracts.find import all_contracts
from cdp.contracts.model import TableContract
from cdp.tables.ddl import create_statement

CONTRACTS = list(all_contracts().values())


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.full_name)
def test_a_contract_is_whole(contract: TableContract, spark: SparkSession) -> None:
    names = contract.column_names
    assert len(names) == len(set(names))
    assert set(contract.key) <= set(names) and contract.key
    assert set(contract.partitioned_by) | set(contract.clustered_by) <= set(names)
    assert contract.doc.endswith(".") and all(c.doc.endswith(".") for c in contract.columns)
    assert contract.subject in names or (contract.subject is None and contract.subject_note)
    assert contract.schema.fieldNames() == names
    assert not [c.name for c in contract.columns if c.type.upper().startswith("MAP")], "hashes cannot hold maps"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.full_name)
def test_names_tell_the_kind(contract: TableContract) -> None:
    for column in contract.columns:
        if column.type == "BOOLEAN":
            assert column.name.startswith(("is_", "has_")), column.name
        if column.type == "TIMESTAMP":
            assert column.name.endswith(("_at", "_from", "_to")), column.name


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.full_name)
def test_no_personal_data_in_statistics_or_paths(contract: TableContract) -> None:
    personal = {c.name for c in contract.columns if c.pii in ("direct", "sensitive")}
    assert not personal & set(contract.stats_columns)
    assert not personal & set(contract.partitioned_by)
    statement = create_statement(contract, "/lake/x")
    assert f"'delta.dataSkippingStatsColumns' = '{','.join(contract.stats_columns)}'" in statement
    assert set(contract.clustered_by) <= set(contract.stats_columns)


def test_the_catalog_names_every_table_and_column() -> None:
    text = catalog_markdown(CONTRACTS)
    for contract in CONTRACTS:
        assert f"## {contract.full_name}" in text
    assert {t["name"] for t in catalog_json(CONTRACTS)} == {c.name for c in CONTRACTS}
