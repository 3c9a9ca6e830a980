"""Read what a Kafka topic has new, from the offsets in the ledger to the newest ones, as records to land.

Offsets live in the ledger and nowhere else, so that messages and offsets cannot part: a batch of a partition is named
by where it begins, and bronze itself says how far a killed run came. Aborted transactions are left out. The ledger also
has the id that the broker gave the topic: one that was deleted and made anew begins anew.
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
from cdp.ingest.new_files import KnownFile
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
    """Messages of one partition: offsets from `start` up to, without, `end`; and the night of their landing.

    `noted`: what the ledger must say of those before `start`, which were never read.
    """

    partition: int
    start: int
    end: int
    delivered_on: date
    topic_id: str = ""
    noted: str | None = None


@dataclass(frozen=True)
class Offsets:
    """What the broker has of a topic: its id (empty where the broker gives none), the first and next offsets."""

    topic_id: str
    first: Mapping[int, int]
    last: Mapping[int, int]


def client_settings(source: SourceSpec) -> dict[str, str]:
    """The client's settings with its secrets; ConfigError where one is not at its place."""
    options = _options(source)
    places = sorted(options.secrets.items())
    secrets = {name: place.read(f"source {source.name}, {name}").decode() for name, place in places}
    return {"bootstrap.servers": options.servers, "isolation.level": "read_committed", **options.options, **secrets}


def find_new(
    source: SourceSpec, offsets: Offsets, known: Sequence[BatchPart | KnownFile], delivered_on: date
) -> list[Range]:
    """What each partition has past the offsets of the ledger, and which messages were gone before they were read.

    Partitions that the ledger does not have, and all of a topic that was made anew, are read from their beginning. A
    range with a note may be empty. ConfigError where a partition ends before the place up to which it was read.
    """
    since = {**next_offsets(source, known, ""), **next_offsets(source, known, offsets.topic_id)}
    is_anew = _is_anew(source, offsets, known)
    found = []
    for partition, end in sorted(offsets.last.items()):
        first, noted = offsets.first[partition], None
        start = first if is_anew else since.get(partition, first)
        if is_anew:
            noted = "the topic was made anew, and is read from its beginning; what the old one got last is lost"
        elif start < first:
            noted = (
                f"the messages from offset {start} to {first - 1} were deleted before they were read: the topic keeps "
                "them for a shorter time than lies between two nights"
            )
        elif start > end:
            raise ConfigError(
                f"source {source.name}: {_options(source).topic}/{partition} ends at offset {end}, but was read up to "
                f"{start}: were its messages deleted? Give it a source of its own name, so that none counts as read"
            )
        if noted or start < end:
            found.append(Range(partition, max(start, first), end, delivered_on, offsets.topic_id, noted))
    return found


def _is_anew(source: SourceSpec, offsets: Offsets, known: Sequence[BatchPart | KnownFile]) -> bool:
    """Whether the ledger has an older topic of the same name only. Without ids, offsets beyond the end tell one."""
    if not offsets.topic_id or next_offsets(source, known, offsets.topic_id):
        return False
    without_id = next_offsets(source, known, "")
    return any(offset > offsets.last.get(partition, 0) for partition, offset in without_id.items()) or (
        not without_id and bool(next_offsets(source, known, None))
    )


def batch_id(source: SourceSpec, part: Range) -> str:
    """The name of what is read from a partition at an offset, however far it goes."""
    name = (source.name, _options(source).topic, str(part.partition), str(part.start))
    return hashed_text(*name, *([part.topic_id] if part.topic_id else []), length=16)


def next_offsets(source: SourceSpec, parts: Iterable[BatchPart | KnownFile], topic_id: str | None) -> dict[int, int]:
    """The offset at which each partition of the topic with that id goes on after these parts; None: of any id."""
    found: dict[int, int] = {}
    for part in parts:
        topic, _, partition = part.path.rpartition("/")
        offset, _, of_topic = (part.watermark or "").partition("@")
        if topic == _options(source).topic and offset and topic_id in (None, of_topic):
            found[int(partition)] = max(int(offset), found.get(int(partition), 0))
    return found


def parts_of(source: SourceSpec, ranges: Iterable[Range]) -> tuple[BatchPart, ...]:
    """What the ledger notes of ranges that are in bronze, and of messages that were never read."""
    parts = []
    for r in ranges:
        path, of_topic = f"{_options(source).topic}/{r.partition}", f"@{r.topic_id}" if r.topic_id else ""
        if r.noted:
            name = f"{batch_id(source, r)}-before"
            parts.append(BatchPart(name, path, f"{r.start}{of_topic}", r.delivered_on, r.noted))
        if r.start < r.end:
            parts.append(BatchPart(batch_id(source, r), path, f"{r.end}{of_topic}", r.delivered_on))
    return tuple(parts)


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
        if end < part.end or not found:
            left.append(replace(part, start=end, noted=None if found else part.noted))
    return there, left


def read_ranges(
    spark: SparkSession, source: SourceSpec, client: Mapping[str, str], ranges: Sequence[Range]
) -> DataFrame:
    """The messages of the ranges in the shape of bronze.landed_records without run_id and landed_at, lazily.

    A message without a value, a tombstone, is the JSON text null.
    """
    topic = _options(source).topic
    ranges = [r for r in ranges if r.start < r.end]
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
        F.col("key").alias("message_key"),
        F.col("timestamp").alias("message_at"),
    )


def _options(source: SourceSpec) -> KafkaOptions:
    assert source.kafka is not None
    return source.kafka


def ask_broker(spark: SparkSession, source: SourceSpec, client: Mapping[str, str]) -> Offsets:
    """The topic's id, and the first and the next offset of every partition, by Kafka's own client; no Spark job.

    ConfigError where the broker or the topic does not answer.
    """
    jvm: Any = spark._jvm
    topic = _options(source).topic
    settings = jvm.java.util.Properties()
    for name, value in {**client, "key.deserializer": _BYTES, "value.deserializer": _BYTES}.items():
        settings.put(name, value)
    settings.putIfAbsent("default.api.timeout.ms", _TIMEOUT_MS)
    settings.putIfAbsent("request.timeout.ms", _TIMEOUT_MS)
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
        first, last = consumer.beginningOffsets(places), consumer.endOffsets(places)
        return Offsets(_topic_id(jvm, settings, topic), _by_partition(first), _by_partition(last))
    except Py4JJavaError as error:
        raise _no_answer(source, error) from None
    finally:
        consumer.close()


def _topic_id(jvm: Any, settings: Any, topic: str) -> str:
    """The id that the broker gave the topic when it was made; empty where it gives none."""
    admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(settings)
    try:
        names = jvm.java.util.ArrayList()
        names.add(topic)
        found = admin.describeTopics(names).allTopicNames().get().get(topic).topicId()
        return "" if found.equals(jvm.org.apache.kafka.common.Uuid.ZERO_UUID) else str(found.toString())
    finally:
        admin.close()


def _by_partition(offsets: Any) -> dict[int, int]:
    return {int(place.partition()): int(offset) for place, offset in offsets.items()}


def _no_answer(source: SourceSpec, error: Py4JJavaError) -> ConfigError:
    options = _options(source)
    words = str(error.java_exception.getMessage()).splitlines()[0]
    return ConfigError(
        f"source {source.name}: topic {options.topic} at {options.servers} does not answer ({words}); look at "
        f"`kafka` in conf/sources/{source.name}.yaml"
    )
