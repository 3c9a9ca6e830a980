"""Deletions that nobody tells: records that a whole load of their table no longer has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.ingest.spec import SourceSpec

#: Sorts after the empty place of the version that it ends.
_CHANGE_NO = "deleted"


def sources_loaded_whole(sources: Mapping[str, SourceSpec]) -> list[str]:
    """The sources whose file says that a row which is missing from a load was deleted."""
    return sorted(n for n, s in sources.items() if s.database and s.database.missing_rows == "deleted")


def deleted_versions(decided: DataFrame, sources: Iterable[str], seen: DataFrame | None) -> DataFrame:
    """End the records that the newest load of each source does not have.

    Gives rows of silver.customer_records, with the columns that they state. `decided`: one row per landed record (see
    accept_records); `seen`: silver.customer_records as it is. The version begins on the night of the load, but not
    before the one that it ends. A load with a refused record ends nothing: it may be the very record.
    """
    rows = decided.where(F.col("source").isin(*sources))
    load = F.struct("delivered_on", "file_id")
    newest = rows.groupBy("source").agg(F.max(load).alias("load"))
    present = rows.join(newest, on="source", how="inner").where(load == F.col("load"))
    whole = (
        present.groupBy("source", "load")
        .agg(F.count_if(F.col("status") == "refused").alias("n_refused"))
        .where("n_refused = 0")
        .select("source", "load.*")
    )
    gone = _current(rows, seen, sources).join(present.select("record_id"), on="record_id", how="left_anti")
    night = F.col("delivered_on").cast("timestamp")
    stated = {
        "valid_from": F.greatest(night, "valid_from"),
        "change_no": F.lit(_CHANGE_NO),
        "is_deleted": F.lit(True),
        "identifiers": F.array().cast(CUSTOMER_RECORDS.column("identifiers").type),
        "received_at": night,
        "landed_id": F.col("file_id"),
    }
    return gone.join(whole, on="source", how="inner").select(
        "record_id", "source", "source_record_id", *(column.alias(name) for name, column in stated.items())
    )


def _current(rows: DataFrame, seen: DataFrame | None, sources: Iterable[str]) -> DataFrame:
    """(record_id, source, source_record_id, valid_from) of the records that are not deleted."""
    versions = rows.select(F.inline("customer_records"))
    if seen is not None:
        versions = versions.unionByName(seen.where(F.col("source").isin(*sources)))
    told = F.struct("source", "source_record_id", "valid_from", "is_deleted")
    newest = F.max_by(told, F.struct("valid_from", "change_no", "landed_id")).alias("version")
    current = versions.groupBy("record_id").agg(newest).select("record_id", "version.*")
    return current.where(~F.coalesce("is_deleted", F.lit(False))).drop("is_deleted")
