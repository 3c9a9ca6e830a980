"""What taking events in costs beside plain Spark on the same files: one JSON line a stage, then the ratio.

``python tests/benchmarks/bench_accept.py --events 2000000 --held 10000000`` (``make bench ACCEPT="..."``): so many
messages in Segment's shape come as JSON lines into a lake whose silver.events holds so many already; that size takes
some 15 GB of disk. All in one session of two cores and 4 GB, warmed by a round of the same events into an equal silver:
Java compiles what is hot, and after 100,000 events much of mapping is not yet. Lines
(``what``): plain (Spark reads the files with the schema given and writes Delta, no question asked), land and accept
(the two jobs), parse, check and dedupe (what each adds to reading bronze, its rows thrown away), write (the rest of
accept), taken_in (land and accept, with the ratio to plain). Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.measure import describe_machine, watch_memory

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.core.keys import hashed_key
from cdp.ingest.accept import map_sources, parts_when
from cdp.ingest.decide import decide
from cdp.ingest.fields import collect_fields
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.parse import parse_records
from cdp.ingest.spec import SourceSpec
from cdp.rules.definitions import load_definitions
from cdp.runtime.catalogue import find_job
from cdp.runtime.config import Configuration, load_configuration
from cdp.runtime.job import JobContext
from cdp.runtime.night import utc_now
from cdp.runtime.session import build_session
from cdp.tables.ddl import create_statement
from cdp.tables.store import Lake

DAY = date(2026, 1, 5)
SOURCE = "segment"
FILES = 16
#: One message in so many is broken, sent a second time, or in silver already.
EVERY = 100
SCHEMA = """type STRING, event STRING, name STRING, messageId STRING, anonymousId STRING, userId STRING,
    timestamp TIMESTAMP, originalTimestamp TIMESTAMP, sentAt TIMESTAMP, receivedAt TIMESTAMP,
    context STRUCT<library: STRUCT<name: STRING, version: STRING>, locale: STRING, userAgent: STRING,
        page: STRUCT<path: STRING, referrer: STRING, url: STRING>>,
    properties STRUCT<order_id: STRING, currency: STRING, sku: STRING, price: DOUBLE, path: STRING, title: STRING,
        products: ARRAY<STRUCT<product_id: STRING, name: STRING, price: DOUBLE, quantity: INT>>>,
    traits STRUCT<email: STRING, phone: STRING, plan: STRING>"""
CONTEXT = (
    '"context":{"library":{"name":"analytics.js","version":"2.1"},"locale":"en-GB","userAgent":"Mozilla/5.0 (X11; '
    'Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",'
    '"page":{"path":"%s","referrer":"https://shop.example/","url":"https://shop.example%s"}}'
)
Line = dict[str, Any]


def main() -> None:
    """Warm everything up, measure, and print the lines."""
    parser = argparse.ArgumentParser(description="Events taken in beside plain Spark, one JSON line each.")
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--held", type=int, default=1_000_000, help="events that silver holds already")
    parser.add_argument("--out", metavar="DIR", help="work there (default: the temporary folder)")
    options = parser.parse_args()
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cdp-bench-", dir=options.out) as scratch:
        rounds = [(Path(scratch) / "warm", options.events), (Path(scratch) / "true", options.held)]
        spark = build_session("bench-accept", configure(rounds[0][0]).settings.spark)
        for folder, held in rounds:
            told = bench(spark, folder, options.events, held)
        size = {"events": options.events, "held": options.held}
        for line in told:
            print(json.dumps({**line, **size, "machine": describe_machine()}), flush=True)
        spark.stop()


def configure(home: Path) -> Configuration:
    """The bundled settings with one source, two cores and 4 GB."""
    limits = {"spark.spark.master": "local[2]", "spark.spark.driver.memory": "4g"}
    return load_configuration(overrides={"home": str(home), "sources": f"[{SOURCE}]", **limits})


def bench(spark: SparkSession, folder: Path, events: int, held: int) -> list[Line]:
    """One round: the files, the full silver table, plain Spark, the two jobs and the stages of accept."""
    configuration = configure(folder)
    lake = Lake(spark, configuration.settings.lake)
    deliveries = folder / "input" / SOURCE / str(DAY)
    write_events(deliveries, events)
    fill_silver(lake, held, events)

    def plain() -> None:
        rows = spark.read.schema(SCHEMA).json(str(deliveries))
        rows.write.format("delta").save(str(folder / "plain"))

    def job(name: str) -> None:
        loaded = find_job(name)
        context = JobContext(loaded.job, lake, configuration, DAY, "bench", utc_now())
        loaded.main(context)
        context.release()

    lines = [timed("plain", plain), timed("land", lambda: job("ingest.land_files"))]
    parts = stages(lake, configuration)
    accept = timed("accept", lambda: job("ingest.accept_records"))
    rest = accept["seconds"] - sum(line["seconds"] for line in parts)
    seconds = lines[1]["seconds"] + accept["seconds"]
    whole = {"seconds": round(seconds, 2), "rows_per_second": round(events / seconds)}
    ratio = round(seconds / lines[0]["seconds"], 2)
    write = {"what": "write", "seconds": round(rest, 2)}
    return [*lines, *parts, write, accept, {"what": "taken_in", **whole, "ratio": ratio}]


def stages(lake: Lake, configuration: Configuration) -> list[Line]:
    """Run the stages of accept; a line says what its own stage adds. What is mapped is held, as in accept."""
    source = load_definitions(configuration.definition_folders("sources"), SourceSpec)[SOURCE]
    mappings = load_definitions(configuration.definition_folders("mappings"), MappingSpec)
    mapping = mappings[SOURCE]
    fields = collect_fields(mapping)
    landed = lake.read(LANDED_RECORDS)
    needed = parts_when(mapping, fields)
    parsed = parse_records(landed, source, fields, headers={}, parts_when=needed)
    mapped = map_sources(landed, sources={SOURCE: source}, mappings=mappings, headers={})
    parse = timed("parse", lambda: throw_away(parsed))
    check = timed("check", lambda: throw_away(mapped))
    check["seconds"] = round(check["seconds"] - parse["seconds"], 2)
    return [parse, check, timed("dedupe", lambda: throw_away(decide(mapped, {"events": lake.read(EVENTS)}).rows))]


def throw_away(frame: DataFrame) -> None:
    """Compute every column of every row."""
    frame.write.format("noop").mode("overwrite").save()


def timed(what: str, work: Callable[[], None]) -> Line:
    """Run it once."""
    started = time.monotonic()
    with watch_memory() as memory:
        work()
    return {"what": what, "seconds": round(time.monotonic() - started, 2), "peak_memory_mb": memory.peak_mb}


def fill_silver(lake: Lake, held: int, events: int) -> None:
    """Give silver.events rows of earlier days; one in `EVERY` of the events to come is among them."""
    known = max(1, events // EVERY)
    number = F.col("id")
    message = F.when(number < known, number * EVERY + 1).otherwise(number + events)
    filled = {
        "event_id": hashed_key(F.lit(SOURCE), F.concat(F.lit("m-"), message.cast("string"))),
        "source": F.lit(SOURCE),
        "message_id": F.concat(F.lit("m-"), message.cast("string")),
        "event_type": F.lit("page"),
        "event_at": F.timestamp_seconds(F.lit(1_760_000_000) + number % 7_000_000),
        "received_at": F.timestamp_seconds(F.lit(1_760_000_001) + number % 7_000_000),
        "properties": F.concat(F.lit('{"path":"/'), number.cast("string"), F.lit('"}')),
        "landed_id": F.concat(F.lit("held:"), number.cast("string")),
    }
    columns = [filled.get(c.name, F.lit(None)).cast(c.type).alias(c.name) for c in EVENTS.columns]
    lake.spark.sql(create_statement(EVENTS, lake.path(EVENTS)))
    rows = lake.spark.range(0, held, 1, 16).select(*columns)
    rows.write.format("delta").mode("append").save(lake.path(EVENTS))


def write_events(folder: Path, events: int) -> None:
    """Write so many messages as JSON lines into some files."""
    folder.mkdir(parents=True)
    for number in range(FILES):
        first, last = events * number // FILES, events * (number + 1) // FILES
        with (folder / f"events-{number:02}.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(write_event(n) for n in range(first, last))


def write_event(number: int) -> str:
    """One line: mostly views and pages, some orders and people who tell their name; some defects."""
    if number % EVERY == EVERY - 1:
        return '{"type": "track", "messageId": \n'
    sent_again = number - EVERY // 2 if number % EVERY == EVERY - 2 else number
    second, moment = divmod(number, 1000)
    at = f"2026-01-04T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.{moment:03}Z"
    times = ",".join(f'"{name}":"{at}"' for name in ("timestamp", "originalTimestamp", "sentAt", "receivedAt"))
    person, page = number % 50_000, f"/p/{number % 977}"
    call, told = '"track","event":"Product Viewed"', f'"properties":{{"sku":"{page}","price":19.9}}'
    if number % 20 == 0:
        call = '"identify"'
        told = f'"traits":{{"email":"p{person}@example.com","phone":"+4420794{person:05}","plan":"a"}}'
    elif number % 20 == 1:
        call = '"track","event":"Order Completed"'
        product = f'{{"product_id":"{page}","name":"Pillow","price":19.9,"quantity":2}}'
        told = f'"properties":{{"order_id":"W-{number}","currency":"EUR","products":[{product},{product}]}}'
    elif number % 20 < 8:
        call, told = '"page","name":"Home"', f'"properties":{{"path":"{page}","title":"Pillows and more"}}'
    ids = f'"messageId":"m-{sent_again}","anonymousId":"a-{number % 200_000}","userId":"U{person:06}"'
    return f'{{"type":{call},{ids},{times},{CONTEXT % (page, page)},{told}}}\n'


if __name__ == "__main__":
    main()
