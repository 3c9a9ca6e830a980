"""Orders that are told again at every change: their lines are taken from one of the bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.ingest.mapping_spec import MappingSpec

_ORDER = ["source", "order_id"]


def sources_told_again(mappings: Mapping[str, MappingSpec]) -> list[str]:
    """The sources (source -> its mapping) whose mapping has an output with `once`."""
    return sorted(name for name, mapping in mappings.items() if any(output.once for output in mapping.outputs))


def lines_once(lines: DataFrame, sources: Iterable[str], seen: DataFrame | None) -> DataFrame:
    """Leave out lines of orders whose lines are there already, and of bodies that a later one of the batch replaces.

    The last body is that received last (ties: greatest landed_id). Lines of other sources stay as they are.
    """
    told_again = F.col("source").isin(*sources)
    body = F.max_by("landed_id", F.struct("received_at", "landed_id")).alias("_body")
    last = lines.where(told_again).groupBy(*_ORDER).agg(body)
    if seen is not None:
        last = last.join(seen.where(told_again).select(*_ORDER), on=_ORDER, how="left_anti")
    kept = lines.join(last, on=_ORDER, how="left").where(~told_again | (F.col("landed_id") == F.col("_body")))
    return kept.select(*lines.columns)
