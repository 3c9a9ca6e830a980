"""Orders that are told again at every change: their lines are taken from one of the bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.ingest.mapping_spec import MappingSpec

_ORDER = ["source", "order_id"]
_OF_SALES = ("landed_id", "is_cancelled", "record_id", "identifiers")


def sources_told_again(mappings: Mapping[str, MappingSpec]) -> list[str]:
    """The sources (source -> its mapping) whose mapping has an output with `once`."""
    return sorted(name for name, mapping in mappings.items() if any(output.once for output in mapping.outputs))


def lines_once(lines: DataFrame, sources: Iterable[str], seen: DataFrame | None) -> DataFrame:
    """Leave out lines of orders whose lines are there already, and of bodies that a later one of the batch replaces.

    The last body is that received last (ties: greatest landed_id). Returns are told once by their source, and stay:
    those that name nobody are of whom the order is of, and those of an order whose lines are cancelled are cancelled
    too, since what was not sold cannot come back. Lines of other sources stay as they are.
    """
    told_again, is_sale = F.col("source").isin(*sources), ~F.col("is_return")
    orders = _sales(lines.where(told_again))
    if seen is not None:
        before = _sales(seen.where(told_again).join(orders.select(*_ORDER), on=_ORDER, how="left_semi"))
        orders = orders.join(
            before.withColumnsRenamed({f"_{c}": f"_old_{c}" for c in _OF_SALES}), on=_ORDER, how="left"
        )
        is_new = F.col("_old_landed_id").isNull()
        held = {f"_{c}": F.coalesce(f"_old_{c}", f"_{c}") for c in _OF_SALES}
        orders = orders.withColumns({**held, "_landed_id": F.when(is_new, F.col("_landed_id"))})
    kept = lines.join(orders, on=_ORDER, how="left").where(
        ~told_again | ~is_sale | (F.col("landed_id") == F.col("_landed_id"))
    )
    is_void = F.col("is_cancelled") | (~is_sale & F.coalesce("_is_cancelled", F.lit(False)))
    of_nobody = ~is_sale & F.col("record_id").isNull()
    whose = {c: F.when(of_nobody, F.coalesce(f"_{c}", c)).otherwise(F.col(c)) for c in ("identifiers", "record_id")}
    return kept.withColumns({"is_cancelled": is_void, **whose}).select(*lines.columns)


def _sales(lines: DataFrame) -> DataFrame:
    """What the last body of each order says of its lines; null for an order of which only returns are there."""
    last = "max_by({0}, struct(received_at, landed_id)) FILTER (WHERE NOT is_return) AS _{0}"
    return lines.groupBy(*_ORDER).agg(*(F.expr(last.format(column)) for column in _OF_SALES))
