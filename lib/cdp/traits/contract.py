"""The contract of gold.traits, made from the trait files, and the check of those files against silver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.model import Column, TableContract
from cdp.core.errors import ConfigError
from cdp.rules.expressions import Place, check_expression, expression_types, filter_aggregates
from cdp.traits.compute import row_condition
from cdp.traits.rfm import RFM_COLUMNS, has_rfm
from cdp.traits.spec import SOURCE_TABLES, TraitSpec


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


def check_specs(spark: SparkSession, specs: Mapping[str, TraitSpec]) -> None:
    """Analyse every trait against its table's contract; :class:`ConfigError` for the first that is wrong.

    Refused: a column that does not exist, a filter that is no condition, an aggregate that aggregates
    nothing, a type or a default that does not fit, a name that gold.traits needs itself.
    """
    reserved = {c.name for c in TRAITS.columns + RFM_COLUMNS}
    for name in sorted(specs):
        if name in reserved:
            raise ConfigError(
                f"conf/traits/{name}.yaml: {name} is a column of gold.traits already: name the trait otherwise"
            )
    for table, (contract, _) in SOURCE_TABLES.items():
        frame = spark.createDataFrame([], contract.schema)
        of_table = {name: spec for name, spec in sorted(specs.items()) if spec.table == table}
        if not _are_sound(frame, of_table.values()):
            for name, spec in of_table.items():
                _check_spec(frame, name, spec)


def _are_sound(frame: DataFrame, specs: Iterable[TraitSpec]) -> bool:
    """Whether nothing is wrong, in two analyses instead of three a trait; what is wrong, :func:`_check_spec` says."""
    filtered = [(spec, _filtered(spec)) for spec in specs]
    if any(aggregate == plain or set().union(*spec.example.rows) - set(frame.columns)
           for spec, (plain, aggregate) in filtered):  # fmt: skip
        return False
    conditions = expression_types(frame, [spec.filter for spec, _ in filtered])
    values = [f"CAST({aggregate} AS {spec.type})" for spec, (_, aggregate) in filtered]
    is_right = conditions is not None and all(kind.simpleString() == "boolean" for kind in conditions)
    return is_right and expression_types(frame, values, aggregate=True) is not None


def _check_spec(frame: DataFrame, name: str, spec: TraitSpec) -> None:
    file = f"conf/traits/{name}.yaml"
    place = Place(file, "filter", spec.table)
    if check_expression(frame, spec.filter, place).simpleString() != "boolean":
        raise ConfigError(f"{place}: {spec.filter!r} is not a condition (true or false)")
    aggregate, filtered = _filtered(spec)
    place = Place(file, "aggregate", spec.table)
    if filtered == aggregate:
        raise ConfigError(f"{place}: {spec.aggregate!r} calls no aggregate function, e.g. sum, count, max")
    check_expression(frame, filtered, place, aggregate=True)
    place = Place(file, "type", spec.table)
    check_expression(frame, f"CAST({filtered} AS {spec.type})", place, aggregate=True)
    unknown = sorted({key for row in spec.example.rows for key in row} - set(frame.columns))
    if unknown:
        check_expression(frame, f"`{unknown[0]}`", Place(file, "example.rows", spec.table))


def _filtered(spec: TraitSpec) -> tuple[str, str]:
    """The aggregate as of the example's date, without and with the rows' condition in it."""
    aggregate = spec.aggregate.replace(":as_of", f"DATE'{spec.example.as_of}'")
    return aggregate, filter_aggregates(aggregate, row_condition(spec, spec.example.as_of))
