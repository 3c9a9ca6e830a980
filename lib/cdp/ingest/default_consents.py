"""Consents that come with the data themselves: what a source's licence grants for every record of it."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.silver.consents import CONSENTS
from cdp.core.keys import hashed_key
from cdp.ingest.spec import ConsentDefault, SourceSpec
from cdp.ingest.targets import TARGETS
from cdp.rules.consent import SOURCE_DEFAULT_BASIS


def default_consents(
    accepted: DataFrame, sources: Mapping[str, SourceSpec], seen: Mapping[str, DataFrame]
) -> DataFrame | None:
    """Give the consents that a source's licence brings: one row per new record and purpose."""
    with_default = {n: s.consent_default for n, s in sorted(sources.items()) if s.consent_default is not None}
    if not with_default:
        return None
    main = {t: F.get(t, F.lit(0)) for t in TARGETS}
    rows_said = [
        F.when(
            F.col("main_table") == t,
            F.struct(
                row["record_id"].alias("record_id"),
                row[TARGETS[t].time].alias("valid_from"),
                row["received_at"].alias("received_at"),
                "landed_id",
                row["identifiers"].alias("identifiers"),
            ),
        )
        for t, row in main.items()
    ]
    records = accepted.where(F.col("source").isin(*with_default)).select("source", F.coalesce(*rows_said).alias("said"))
    first = (
        records.where(F.col("said.record_id").isNotNull())
        .groupBy("source", F.col("said.record_id").alias("record_id"))
        .agg(
            F.min(F.struct("said.valid_from", "said.received_at", "said.landed_id", "said.identifiers")).alias("first")
        )
    )
    stated = F.create_map(*(c for n, default in with_default.items() for c in (F.lit(n), _stated(default))))
    rows = first.select("source", "record_id", "first.*", F.explode(stated[F.col("source")]).alias("stated"))
    filled = rows.select(
        "*",
        "stated.*",
        F.lit(None).cast("string").alias("proof"),
        hashed_key("source", "record_id", "stated.purpose").alias("consent_id"),
    )
    new = filled.select(*CONSENTS.column_names)
    if "consents" in seen:
        new = new.join(seen["consents"].select("consent_id"), on="consent_id", how="left_anti")
    return new.select(*CONSENTS.column_names)


def _stated(default: ConsentDefault) -> Column:
    """Write what a default says, purpose by purpose; the basis begins with the mark of a default."""
    basis = F.lit(f"{SOURCE_DEFAULT_BASIS}: {default.basis}").alias("basis")
    state = F.lit(default.state).alias("state")
    return F.array(*(F.struct(F.lit(purpose).alias("purpose"), state, basis) for purpose in default.purposes))
