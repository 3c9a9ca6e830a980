"""Read what a Kafka topic has new, from the offsets in the ledger to the newest ones, as records to land.

Offsets live in the ledger and nowhere else, so that messages and offsets cannot part: a batch of a partition is named
by where it begins, and bronze itself says how far a killed run came. Aborted transactions are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.core.keys import hashed_text
from cdp.ingest.batches import BatchPart, LandedPart
from cdp.ingest.formats import KafkaOptions
from cdp.ingest.land import KnownFile
from cdp.ingest.spec import SourceSpec

PACKAGES = (
    "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
    "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.2.0",
)
#: An answer of the broker takes longer only where it is away or does not know us.
_TIMEOUT_MS = "20000"
_BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"


@dataclass(frozen=True)
class Range:
    """Messages of one partition: offsets from `start` up to, without, `end`; and the night of their landing."""

    partition: int
    start: int
    end: int
    delivered_on: date


def client_settings(source: SourceSpec, environ: Mapping[str, str]) -> dict[str, str]:
    """The client's settings with its secrets from the environment; ConfigError names a variable that is not set."""
    options = _options(source)
    missing = sorted(set(options.secrets.values()) - environ.keys())
    if missing:
        raise ConfigError(f"source {source.name}: set the environment variable {missing[0]}, which its file names")
    secrets = {name: environ[variable] for name, variable in options.secrets.items()}
    return {"bootstrap.servers": options.servers, "isolation.level": "read_committed", **options.options, **secrets}


def find_new(
    spark: SparkSession, source: SourceSpec, client: Mapping[str, str], since: Mapping[int, int], delivered_on: date
) -> tuple[list[Range], tuple[str, ...]]:
    """What each partition has past the offsets of the ledger, and what a person must know of it; no Spark job.

    `since`: partition -> the next offset to read; partitions that it does not have are read from their beginning.
    ConfigError where the broker or the topic does not answer, or the topic is another one than it was.
    """
    topic = _options(source).topic
    first, last = _offsets(spark, source, client, topic)
    ranges, problems = [], []
    for partition, end in sorted(last.items()):
        start = since.get(partition, first[partition])
        if start > end:
            raise ConfigError(
                f"source {source.name}: {topic}/{partition} ends at offset {end}, but was read up to {start}: was the "
                "topic made anew? Give it a source of its own name, so that none of its messages counts as read"
            )
        if start < first[partition]:
            problems.append(
                f"source {source.name}: {topic}/{partition} has lost the messages from offset {start} to "
                f"{first[partition] - 1} before they were read: its retention is shorter than the time between nights"
            )
            start = first[partition]
        if start < end:
            ranges.append(Range(partition, start, end, delivered_on))
    return ranges, tuple(problems)


def batch_id(source: SourceSpec, part: Range) -> str:
    """The name of what is read from a partition at an offset, however far it goes."""
    return hashed_text(source.name, _options(source).topic, str(part.partition), str(part.start), length=16)


def next_offsets(source: SourceSpec, parts: Iterable[BatchPart | KnownFile]) -> dict[int, int]:
    """The offset at which each partition goes on after these parts."""
    found: dict[int, int] = {}
    for part in parts:
        topic, _, partition = part.path.rpartition("/")
        if topic == _options(source).topic and part.watermark is not None:
            found[int(partition)] = max(int(part.watermark), found.get(int(partition), 0))
    return found


def parts_of(source: SourceSpec, ranges: Iterable[Range]) -> tuple[BatchPart, ...]:
    """What the ledger notes of ranges that are in bronze."""
    topic = _options(source).topic
    return tuple(BatchPart(batch_id(source, r), f"{topic}/{r.partition}", str(r.end), r.delivered_on) for r in ranges)


def split_landed(
    source: SourceSpec, ranges: Iterable[Range], landed: Mapping[str, LandedPart]
) -> tuple[list[Range], list[Range]]:
    """Divide ranges into what a killed run has landed without noting it, and what is left to read.

    `landed`: batch id -> what is in bronze of it.
    """
    there, left = [], []
    for part in ranges:
        found = landed.get(batch_id(source, part))
        end = found.last_record + 1 if found else part.start
        if found:
            there.append(replace(part, end=end, delivered_on=found.delivered_on))
        if end < part.end:
            left.append(replace(part, start=end))
    return there, left


def read_ranges(
    spark: SparkSession, source: SourceSpec, client: Mapping[str, str], ranges: Sequence[Range]
) -> DataFrame:
    """The messages of the ranges in the shape of bronze.landed_records without run_id and landed_at, lazily.

    A message without a value, a tombstone, is the JSON text null.
    """
    topic = _options(source).topic
    reader = spark.read.format("kafka").option("assign", json.dumps({topic: [r.partition for r in ranges]}))
    reader = reader.options(**{f"kafka.{name}": value for name, value in client.items()})
    for name, place in (("startingOffsets", "start"), ("endingOffsets", "end")):
        reader = reader.option(name, json.dumps({topic: {str(r.partition): getattr(r, place) for r in ranges}}))
    ids = (F.lit(value) for r in ranges for value in (r.partition, batch_id(source, r)))
    file_id = F.create_map(*ids)[F.col("partition")]
    return reader.load().select(
        F.concat(file_id, F.lit(":"), F.col("offset").cast("string")).alias("landed_id"),
        F.lit(source.name).alias("source"),
        file_id.alias("file_id"),
        F.col("offset").alias("record_no"),
        F.coalesce("value", F.lit(b"null")).alias("raw"),
        F.lit(ranges[0].delivered_on).alias("delivered_on"),
    )


def _options(source: SourceSpec) -> KafkaOptions:
    assert source.kafka is not None
    return source.kafka


def _offsets(
    spark: SparkSession, source: SourceSpec, client: Mapping[str, str], topic: str
) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the next offset of every partition, asked of the broker by its own client."""
    jvm: Any = spark._jvm
    settings = jvm.java.util.Properties()
    for name, value in {**client, "key.deserializer": _BYTES, "value.deserializer": _BYTES}.items():
        settings.put(name, value)
    settings.putIfAbsent("default.api.timeout.ms", _TIMEOUT_MS)
    settings.putIfAbsent("allow.auto.create.topics", "false")
    try:
        consumer = jvm.org.apache.kafka.clients.consumer.KafkaConsumer(settings)
    except TypeError:
        raise ConfigError(
            f"source {source.name}: Spark has no Kafka client; add {', '.join(PACKAGES)} to the setting `packages`"
        ) from None
    except Py4JJavaError as error:
        raise _no_answer(source, error) from None
    try:
        places = jvm.java.util.ArrayList()
        for found in consumer.partitionsFor(topic):
            places.add(jvm.org.apache.kafka.common.TopicPartition(topic, found.partition()))
        return _by_partition(consumer.beginningOffsets(places)), _by_partition(consumer.endOffsets(places))
    except Py4JJavaError as error:
        raise _no_answer(source, error) from None
    finally:
        consumer.close()


def _by_partition(offsets: Any) -> dict[int, int]:
    return {int(place.partition()): int(offset) for place, offset in offsets.items()}


def _no_answer(source: SourceSpec, error: Py4JJavaError) -> ConfigError:
    options = _options(source)
    words = str(error.java_exception.getMessage()).splitlines()[0]
    return ConfigError(
        f"source {source.name}: topic {options.topic} at {options.servers} does not answer ({words}); look at "
        f"`kafka` in conf/sources/{source.name}.yaml"
    )
