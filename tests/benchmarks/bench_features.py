"""How long point-in-time features take on two cores and 4 GB: JSON lines.

``bench_features.py [--people N] [--rows N]``. Made e-mails, visits and order lines of two years in Delta. `night`: all
traits of conf/traits and the purchase history of everybody as of one date, written. `training`: features and label of
conf/models/email_click.yaml on seven dates (a fixed part of the people, see `cuts.MAX_ROWS`), on the driver. `ratio`:
beside Spark counting the same rows for each person by the same join.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from baseline import SETTINGS
from measure import describe_machine, watch_memory
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.feedback import FEEDBACK
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.declared.cuts import collect_history
from cdp.models.declared.spec import PropensitySpec, chosen_features
from cdp.models.snapshots import add_features, build_snapshots
from cdp.rules.definitions import load_definitions
from cdp.rules.measures import measure_people
from cdp.runtime.session import build_session
from cdp.traits.contract import snapshots_contract
from cdp.traits.spec import TraitSpec, features_of

AS_OF = date(2026, 1, 5)
CONF = Path(__file__).parents[2] / "conf"
NAMES = ("Email Sent", "Email Opened", "Email Clicked", "Product Viewed", "Products Searched", "Product Added")
EVENTS_SQL = {
    "event_id": "CAST(id AS STRING)",
    "source": "'made'",
    "message_id": "CAST(id AS STRING)",
    "record_id": "CONCAT('r', CAST(pow(u, 2) * {people} AS BIGINT))",  # some are busy
    "event_name": f"element_at(array{NAMES}, 1 + CAST(v * {len(NAMES)} AS INT))",
    "event_type": f"IF(v < 3 / {len(NAMES)}, 'email', 'track')",
    "channel": f"IF(v < 3 / {len(NAMES)}, 'email', 'web')",
    "event_at": "{at}",
    "received_at": "{at}",
    "is_bot": "false",
}
LINES_SQL = {
    "order_line_id": "CAST(id AS STRING)",
    "order_id": "CAST(id DIV 3 AS STRING)",
    "source": "'made'",
    "record_id": "CONCAT('r', CAST(pow(u, 2) * {people} AS BIGINT))",
    "line_no": "1",
    "product_id": "CONCAT('p', CAST(pow(v, 3) * 2000 AS INT))",
    "category": "CONCAT('c', CAST(pow(v, 3) * 20 AS INT))",
    "quantity": "1",
    "amount": "5 + 50 * v",
    "is_return": "false",
    "is_cancelled": "false",
    "channel": "IF(v < 0.4, 'web', 'store')",
    "ordered_at": "{at}",
    "received_at": "{at}",
}


def made_table(
    spark: SparkSession, contract: TableContract, sql: dict[str, str], *, rows: int, people: int, folder: str
) -> DataFrame:
    """A table of the contract with these columns filled, on disk."""
    at = f"timestamp_seconds(unix_timestamp(DATE'{AS_OF}') - CAST(w * 730 * 86400 AS BIGINT))"
    drawn = spark.range(rows).select("id", F.rand(1).alias("u"), F.rand(2).alias("v"), F.rand(3).alias("w"))
    filled = [
        F.expr(sql.get(f.name, "NULL").format(people=people, at=at)).cast(f.dataType).alias(f.name)
        for f in contract.schema
    ]
    path = f"{folder}/{contract.name}"
    drawn.select(*filled).write.format("delta").save(path)
    return spark.read.format("delta").load(path)


def timed(work: Callable[[], None]) -> float:
    """Seconds."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def main() -> None:
    """Makes the tables, counts them, then both kinds of features."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=5_000_000)
    options = parser.parse_args()
    spark = build_session("bench_features", SETTINGS)
    traits = load_definitions(CONF / "traits", TraitSpec)
    spec = load_definitions(CONF / "models", PropensitySpec)["email_click"]
    with tempfile.TemporaryDirectory() as folder, watch_memory() as memory:
        lines_of_all = options.rows // 5
        sizes = {"people": options.people, "folder": folder}
        events = made_table(spark, EVENTS, EVENTS_SQL, rows=options.rows - lines_of_all, **sizes)
        lines = made_table(spark, ORDER_LINES, LINES_SQL, rows=lines_of_all, **sizes)
        feedback = spark.createDataFrame([], FEEDBACK.schema)
        tables = {EVENTS.full_name: events, ORDER_LINES.full_name: lines, FEEDBACK.full_name: feedback}
        ids = spark.range(options.people).selectExpr("concat('r', id) AS record_id", "concat('p', id) AS person_id")
        ids.withColumn("joined_on", F.lit(date(2020, 1, 1))).write.format("delta").save(f"{folder}/records")
        records = spark.read.format("delta").load(f"{folder}/records")

        def count() -> None:
            both = events.select("record_id").unionByName(lines.select("record_id"))
            counted = both.join(records, on="record_id").groupBy("person_id").count()
            counted.write.format("delta").save(f"{folder}/counts")

        def night() -> None:
            contract = snapshots_contract(traits)
            measured = measure_people(records, tables, measures=traits, as_of_dates=[AS_OF])
            measured.write.format("delta").save(f"{folder}/traits")
            history = build_snapshots(lines, records, as_of_dates=[AS_OF])
            found = add_features(history, spark.read.format("delta").load(f"{folder}/traits"), contract=contract)
            found.write.format("delta").save(f"{folder}/snapshots")

        def train() -> None:
            features = chosen_features(spec, features_of(traits))
            asked = {"features": features, "outcome": spec.outcome, "horizon_weeks": spec.horizon_weeks}
            snapshots = spark.read.format("delta").load(f"{folder}/snapshots")
            collect_history(snapshots, records, tables, as_of=AS_OF, **asked)

        counting = timed(count)
        told = {"people": options.people, "rows": options.rows, "count_seconds": round(counting, 1)}
        for what, work in (("night", night), ("training", train)):
            seconds = timed(work)
            line = {"what": f"features: {what}", **told, "seconds": round(seconds, 1)}
            print(json.dumps(line | {"ratio": round(seconds / counting, 1)}))
    print(json.dumps({"what": "features: memory", "peak_memory_mb": memory.peak_mb, **describe_machine()}))


if __name__ == "__main__":
    main()
