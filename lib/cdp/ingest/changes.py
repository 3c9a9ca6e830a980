"""Change data: Debezium's events (before, after, op, time, place in the log) read as versions of their rows.

A source with `change_data: debezium` is mapped as its table would be: the mapping names the row's fields. The envelope
(https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events), with or without
Kafka Connect's schema around it, says when the version began, its place among changes of one moment, and whether the
row is gone. Versions are a set, so replays and any order of arrival give the same.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.model import REASONS_TYPE
from cdp.ingest.change_mapping import CHANGE_NO, CHANGED_AT, FAULT, IS_DELETED, IS_TOMBSTONE
from cdp.ingest.codes import reason_sql
from cdp.ingest.columns import FIRST_SECOND, LAST_SECOND
from cdp.ingest.fields import KEPT, TEXT_SUFFIX
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.parse_json import TRIMMED, around_sql, is_alone_sql, read_sql, record_sql

#: Places in the logs of PostgreSQL (lsn), Oracle (scn), MySQL (file, pos, row), SQL Server and MongoDB.
_SOURCE = (
    "STRUCT<ts_ns: BIGINT, ts_us: BIGINT, ts_ms: BIGINT, file: STRING, lsn: STRING, scn: STRING, pos: STRING, "
    "change_lsn: STRING, row: STRING, event_serial_no: STRING, ord: STRING>"
)
_ENVELOPE = (
    "STRUCT<op STRING, before STRING, after STRING, ts_ns BIGINT, ts_us BIGINT, ts_ms BIGINT, payload STRING, "
    f"source {_SOURCE}>"
)
_MOST_MILLIS = 10**15
_IMAGE = "CASE WHEN __event.op = 'd' THEN __event.before ELSE __event.after END"
_EMPTY_EVENT = r'^[{]\\s*"schema"\\s*:\\s*null\\s*,\\s*"payload"\\s*:\\s*null\\s*[}]$'
_IS_TOMBSTONE = f"(__text IN ('', 'null') OR __text RLIKE '{_EMPTY_EVENT}')"


def unwrap_changes(records: DataFrame) -> DataFrame:
    """Put the row's image in the place of the event's text (`__text`), and the envelope's facts beside it.

    The image is `after`, for a delete `before`. Text that is no event stays as it is, for the reader to name its
    defects. Numbers of an image pass through a double: decimals with more digits come as texts
    (`decimal.handling.mode=string`). `__change_fault`: the reasons for which the envelope cannot be read, or null.
    """
    trimmed = records.withColumn("__text", F.expr(TRIMMED))
    parsed = trimmed.withColumn("__read", F.expr(read_sql(around_sql("__text"), _ENVELOPE)))
    outer = parsed.withColumn("__outer", F.expr(f"CASE WHEN {is_alone_sql('__read')} THEN {record_sql('__read')} END"))
    payload = f"coalesce({record_sql(read_sql(around_sql('__outer.payload'), _ENVELOPE))}, __outer)"
    read = outer.withColumn("__event", F.expr(f"CASE WHEN __outer.op IS NULL THEN {payload} ELSE __outer END"))
    return read.select(
        *(F.col(f"__{c}") for c in KEPT),
        "__is_utf8",
        F.expr(f"coalesce({_IMAGE}, IF({_IS_TOMBSTONE}, '{{}}', __text))").alias("__text"),
        F.expr(f"CASE WHEN {_is_time_sql()} THEN timestamp_micros({_micros_sql()}) END").alias(CHANGED_AT),
        F.expr(_order_sql()).alias(CHANGE_NO),
        F.expr("coalesce(__event.op = 'd', false)").alias(IS_DELETED),
        F.expr(_IS_TOMBSTONE).alias(IS_TOMBSTONE),
        F.expr(_fault_sql()).alias(FAULT),
    )


def _micros_sql() -> str:
    """When the change was made in the database, as exactly as the connector says; else when the connector saw it."""
    return f"coalesce({_clock_sql('__event.source')}, {_clock_sql('__event')})"


def _clock_sql(where: str) -> str:
    # No time of ours lies beyond the bound, and within it the product does not overflow.
    beyond = f"{where}.ts_ms NOT BETWEEN -{_MOST_MILLIS}L AND {_MOST_MILLIS}L"
    millis = f"CASE WHEN {beyond} THEN {_MOST_MILLIS}L ELSE {where}.ts_ms END"
    return f"coalesce({where}.ts_ns DIV 1000, {where}.ts_us, ({millis}) * 1000L)"


def _is_time_sql() -> str:
    return f"({_micros_sql()} BETWEEN {FIRST_SECOND * 1_000_000} AND {LAST_SECOND * 1_000_000})"


def _order_sql() -> str:
    """Where the change stands in the database's log, so that texts sort as changes do.

    A source that does not say it is ordered by the connector's clock and then by content: no change is lost.
    """
    place = "lpad(coalesce(__event.source.lsn, __event.source.scn, __event.source.pos), 20, '0')"
    within = "lpad(coalesce(__event.source.row, __event.source.event_serial_no, __event.source.ord), 10, '0')"
    told = f"concat_ws('/', __event.source.file, __event.source.change_lsn, {place}, {within})"
    seen = f"lpad(CAST(coalesce({_clock_sql('__event')}, 0) AS STRING), 20, '0')"
    content = f"left(sha2(concat_ws('|', __event.op, {_IMAGE}), 256), 16)"
    return f"coalesce(nullif({told}, ''), concat({seen}, '~', {content}))"


def _fault_sql() -> str:
    """Reasons for which an event is none; texts that are no JSON object are left to the reader of JSON."""
    found = ", ".join(
        f"CASE WHEN {condition} THEN {reason_sql(field, code)} END"
        for condition, field, code in (
            ("__event.op IS NULL", "op", "missing"),
            ("__event.op NOT IN ('c', 'u', 'd', 'r')", "op", "unknown_call"),
            (f"__event.op = 'd' AND ({_IMAGE}) IS NULL", "before", "missing"),
            (f"__event.op IN ('c', 'u', 'r') AND ({_IMAGE}) IS NULL", "after", "missing"),
            (f"__event.op IS NOT NULL AND {_micros_sql()} IS NULL", "ts_ms", "missing"),
            (f"NOT {_is_time_sql()}", "ts_ms", "bad_time"),
        )
    )
    every = f"nullif(array_compact(array({found})), CAST(array() AS {REASONS_TYPE}))"
    return f"CASE WHEN startswith(__text, '{{') AND NOT ({_IS_TOMBSTONE}) THEN {every} END"


def clear_deleted_rows(parsed: DataFrame, mapping: MappingSpec) -> DataFrame:
    """Keep of a deleted row only the fields that say which one it was, and add the envelope's defects to `__fault`."""
    record = mapping.outputs[0].columns.get("source_record_id")
    paths = [*mapping.key, *([record.field] if record and record.field else [])]
    kept = {path.split(".")[0] for path in paths}
    columns = [
        F.col(f"`{name}`")
        if name.startswith("__") or name.removesuffix(TEXT_SUFFIX) in kept
        else F.when(~F.col(IS_DELETED), F.col(f"`{name}`")).alias(name)
        for name in parsed.columns
        if name not in ("__fault", FAULT)
    ]
    return parsed.select(*columns, F.coalesce("__fault", FAULT).alias("__fault"))
