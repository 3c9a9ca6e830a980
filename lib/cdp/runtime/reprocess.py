"""Make one source's silver rows again from bronze, with the mapping as it is now."""

from __future__ import annotations

import uuid
from datetime import date

from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.ops.files import FILES
from cdp.core.errors import ConfigError
from cdp.core.hold import hold, release
from cdp.ingest.accept import accept_records
from cdp.ingest.ledger import accepted_frame, counts_frame, headers_of, newest_states
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources
from cdp.ingest.targets import SILVER
from cdp.rules.definitions import load_definitions
from cdp.runtime.config import Configuration
from cdp.runtime.night import utc_now
from cdp.tables.store import Lake


def reprocess_source(lake: Lake, configuration: Configuration, source: str, run_date: date) -> dict[str, int]:
    """Decide again on all landed records of ``source`` delivered up to ``run_date``; gives table -> rows of it now.

    Each table is changed in one commit that replaces the source's rows, so readers never see it half done; run again
    after a kill, it gives the same. The ledger gets a new row per file with the new counts.
    """
    specs = load_definitions(configuration.definition_folders("sources"), SourceSpec)
    chosen = chosen_sources(specs, (source,))
    mappings = load_definitions(configuration.definition_folders("mappings"), MappingSpec)
    files = newest_states(lake.read(FILES)).where(
        (F.col("source") == source)
        & F.col("state").isin("landed", "accepted")
        & (F.col("delivered_on") <= F.lit(run_date))
    )
    files = hold(files)
    headers = {row.file_id: row.header for row in files.select("file_id", "header").collect()}
    if not headers:
        raise ConfigError(f"no file of source {source} delivered up to {run_date} is in the lake: nothing to reprocess")
    landed = lake.read(LANDED_RECORDS).where((F.col("source") == source) & F.col("file_id").isin(*headers))
    result = accept_records(landed, sources=chosen, mappings=mappings, headers=headers_of(headers), seen={})
    run_id, now = uuid.uuid4().hex, utc_now()
    counts: dict[str, int] = {}
    for table in SILVER:
        counts[table.full_name] = lake.replace_rows(table, getattr(result, table.name), {"source": source}).rows
    stamp = {"run_id": F.lit(run_id), "refused_at": F.lit(now)}
    counts[REFUSED_RECORDS.full_name] = lake.replace_rows(
        REFUSED_RECORDS, result.refused.withColumns(stamp), {"source": source}
    ).rows
    decided = accepted_frame(files, counts_frame(lake.spark, result.counts), {"run_id": run_id, "accepted_at": now})
    lake.replace_rows(FILES, decided, {"source": source, "state": "accepted"})
    release(files)
    return {name: rows for name, rows in counts.items() if rows}
