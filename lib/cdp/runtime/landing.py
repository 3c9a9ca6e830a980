"""Append what a night lands to bronze, once each, whatever a killed run left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.core.errors import ConfigError, TransientError
from cdp.ingest.batches import Batch, LandedPart
from cdp.ingest.databases import login_of, read_batch
from cdp.ingest.land import read_records
from cdp.ingest.new_files import KnownFile, LandingPlan
from cdp.ingest.spec import SourceSpec
from cdp.ingest.topics import ask_broker, batch_id, client_settings, find_new, parts_of, read_ranges, split_landed
from cdp.runtime.job import JobContext


def land_files(ctx: JobContext, plan: LandingPlan, sources: dict[str, SourceSpec]) -> None:
    """Append the records of the new files."""
    found = [checked.file for checked in plan.to_read]
    of_files = F.col("source").isin(*{f.source for f in found})
    of_files &= F.col("delivered_on").isin(*{f.delivered_on for f in found})
    _append_new(ctx, read_records(ctx.spark, plan.to_read, sources), {c.file_id for c in plan.to_read}, of_files)


def land_batches(ctx: JobContext, source: SourceSpec, known: Sequence[KnownFile]) -> list[Batch]:
    """Append what one database or topic has new; one that cannot be read fails alone."""
    take = _land_messages if source.kafka else _land_rows
    try:
        batch = take(ctx, source, [file for file in known if file.source == source.name])
    except (ConfigError, TransientError) as error:
        ctx.report_problem(str(error))
        return []
    return [batch] if batch.parts else []


def _land_rows(ctx: JobContext, source: SourceSpec, known: Sequence[KnownFile]) -> Batch:
    """Append the rows of a database past its watermark, but not those of a batch that is there."""
    marks = [(file.landed_at, file.watermark) for file in known if file.watermark is not None]
    since = max(marks)[1] if marks else None
    login = login_of(source)
    batch, rows = read_batch(ctx.spark, source, login, since=since, delivered_on=ctx.run_date, keep=ctx.keep)
    new = tuple(part for part in batch.parts if part.batch_id not in {file.file_id for file in known})
    if not new:
        return replace(batch, parts=())
    landed = _append_new(ctx, rows, {part.batch_id for part in new}, F.col("source") == source.name)
    nights = {batch_id: part.delivered_on for batch_id, part in landed.items()}
    return replace(batch, parts=tuple(replace(p, delivered_on=nights.get(p.batch_id, p.delivered_on)) for p in new))


def _land_messages(ctx: JobContext, source: SourceSpec, known: Sequence[KnownFile]) -> Batch:
    """Append the messages of a topic past the ledger's offsets, but not those that a killed run has landed."""
    client = client_settings(source)
    ranges = find_new(source, ask_broker(ctx.spark, source, client), known, ctx.run_date)
    landed = _landed_parts(ctx, {batch_id(source, r) for r in ranges}, F.col("source") == source.name)
    there, left = split_landed(source, ranges, landed)
    if any(part.start < part.end for part in left):
        messages = read_ranges(ctx.spark, source, client, left)
        try:
            ctx.write(LANDED_RECORDS, _stamped(ctx, messages), keys_are_new=True, keys_are_unique=True)
        except (PySparkException, Py4JJavaError):  # its text may quote a message
            raise TransientError(
                f"source {source.name}: reading the topic broke off; nothing of it was landed, the next run begins "
                "there again (--debug shows Spark's own words)"
            ) from None
    parts = parts_of(source, [*there, *left])
    for part in parts:
        if part.lost:
            ctx.report_problem(f"source {source.name}: {part.path}: {part.lost}")
    return Batch(source.name, "kafka", parts)


def _append_new(ctx: JobContext, records: DataFrame, file_ids: set[str], where: Column) -> dict[str, LandedPart]:
    """Append records, but not again those of files or batches that a killed run has landed already: give these."""
    landed = _landed_parts(ctx, file_ids, where)
    new = records.where(~F.col("file_id").isin(*landed)) if landed else records
    ctx.write(LANDED_RECORDS, _stamped(ctx, new), keys_are_new=True, keys_are_unique=True)
    return landed


def _stamped(ctx: JobContext, records: DataFrame) -> DataFrame:
    """Say which run landed the records, and when; only messages have a key and a time of their own."""
    stamp = {"run_id": F.lit(ctx.run_id), "landed_at": F.lit(ctx.now)}
    none = {name: F.lit(None) for name in ("message_key", "message_at") if name not in records.columns}
    return records.withColumns({**stamp, **none})


def _landed_parts(ctx: JobContext, file_ids: set[str], where: Column) -> dict[str, LandedPart]:
    """What lies in bronze of those files; `where` names the partitions that they are in."""
    if not file_ids or ctx.version(LANDED_RECORDS) < 0:
        return {}
    there = ctx.read_previous(LANDED_RECORDS).where(where & F.col("file_id").isin(*file_ids))
    found = there.groupBy("file_id").agg(F.max("record_no").alias("last"), F.max("delivered_on").alias("night"))
    return {row.file_id: LandedPart(row.last, row.night) for row in found.collect()}
