"""The contracts of gold.traits and gold.snapshots, made from the trait files, and the check of those files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import SparkSession

from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.model import Column, TableContract
from cdp.core.errors import ConfigError
from cdp.rules.expressions import check_expression
from cdp.rules.measure_checks import check_measures, place
from cdp.rules.measures import SOURCE_TABLES
from cdp.traits.rfm import RFM_COLUMNS, has_rfm
from cdp.traits.spec import TraitSpec, features_of

_KEPT_TYPES = ("STRING", "BOOLEAN", "DATE", "TIMESTAMP")


def traits_contract(specs: Mapping[str, TraitSpec]) -> TableContract:
    """gold.traits as these specs make it: one column per trait, by name, then the RFM columns."""
    traits = tuple(
        Column(name, spec.type.upper(), spec.description, unit=spec.unit, nullable=spec.default is None)
        for name, spec in sorted(specs.items())
    )
    return replace(
        TRAITS,
        purposes=tuple(sorted({spec.purpose for spec in specs.values()})),
        columns=TRAITS.columns + traits + (RFM_COLUMNS if has_rfm(specs) else ()),
    )


def snapshots_contract(specs: Mapping[str, TraitSpec]) -> TableContract:
    """gold.snapshots as these specs make it: the purchase history, then one column per feature, by name.

    Numbers are doubles, whatever the trait's type: models take nothing else, and a null fits in.
    """
    features = features_of(specs)
    columns = tuple(
        Column(name, kind if (kind := spec.type.upper()) in _KEPT_TYPES else "DOUBLE", spec.description, unit=spec.unit)
        for name, spec in features.items()
    )
    purposes = {*SNAPSHOTS.purposes, *(spec.purpose for spec in features.values())}
    return replace(SNAPSHOTS, purposes=tuple(sorted(purposes)), columns=SNAPSHOTS.columns + columns)


def check_specs(spark: SparkSession, specs: Mapping[str, TraitSpec]) -> None:
    """Analyse every trait against its table's contract; :class:`ConfigError` for the first that is wrong.

    Refused: what :func:`check_measures` refuses, an example with a column that does not exist, a name that
    gold.traits (or, of a feature, gold.snapshots) needs itself.
    """
    reserved = {c.name: "gold.traits" for c in TRAITS.columns + RFM_COLUMNS}
    of_snapshots = dict.fromkeys(SNAPSHOTS.column_names, "gold.snapshots")
    for name, spec in sorted(specs.items()):
        if table := (reserved | of_snapshots if spec.is_feature else reserved).get(name):
            raise ConfigError(f"{_file(name)}: {name} is a column of {table} already: name the trait otherwise")
    check_measures(spark, {_file(name): spec for name, spec in specs.items()})
    for name, spec in sorted(specs.items()):
        contract = SOURCE_TABLES[spec.table][0]
        if unknown := sorted({key for row in spec.example.rows for key in row} - set(contract.column_names)):
            frame = spark.createDataFrame([], contract.schema)
            check_expression(frame, f"`{unknown[0]}`", place(_file(name), "example.rows", spec.table))


def _file(name: str) -> str:
    return f"conf/traits/{name}.yaml"
