"""Decide on landed records: accepted into silver, seen before, or refused with every reason.

Every record gets exactly one of the three, so read = accepted + duplicate + refused holds file by file.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.core.hold import cut
from cdp.ingest.changes import clear_deleted_rows
from cdp.ingest.default_consents import default_consents
from cdp.ingest.fields import FieldTree, collect_fields, is_both
from cdp.ingest.mapping import TABLES, map_records, version_key
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.missing_rows import deleted_versions, sources_loaded_whole
from cdp.ingest.parse import parse_records
from cdp.ingest.spec import SourceSpec, mapping_of
from cdp.ingest.targets import TARGETS
from cdp.ingest.whole_orders import lines_once, sources_told_again

#: Sources that are planned at the same time: planning is work of the driver, on one core each.
_PLANNERS = 4
ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"


@dataclass(frozen=True)
class AcceptResult:
    """What came of a batch of landed records.

    One frame per silver table in its contract's shape; `refused` as bronze.refused_records without run_id and
    refused_at; `counts` one row per file (file_id, rows_read, rows_accepted, rows_duplicate,
    rows_refused; rows_resumed: accepted ones that the tables hold already, from a run that was killed; n_<table>:
    rows that the file gives to a silver table). `uncounted`: tables that get more than that, by a licence or because a
    record is missing from a whole load. All are read from `decided`, one row per landed record, which is computed
    once and kept by Spark until nobody refers to it.
    """

    events: DataFrame
    order_lines: DataFrame
    customer_records: DataFrame
    feedback: DataFrame
    consents: DataFrame
    refused: DataFrame
    counts: DataFrame
    decided: DataFrame
    uncounted: frozenset[str]


def accept_records(
    landed: DataFrame,
    *,
    sources: Mapping[str, SourceSpec],
    mappings: Mapping[str, MappingSpec],
    headers: Mapping[str, list[str]],
    seen: Mapping[str, DataFrame],
) -> AcceptResult:
    """Parse, check, de-duplicate and map landed records of all the given sources.

    `headers`: file_id -> column names of CSV files. `seen`: the silver tables as they are, by name (events, ...):
    a record whose main row is there is a duplicate; within the batch the earliest delivery wins, then the
    smaller file id, then the record number. Records of sources that are not given are not looked at.
    """
    # Cut off from its long plan: each of the writes that follow would plan all of it again.
    decided = cut(decide(map_sources(landed, sources=sources, mappings=mappings, headers=headers), seen))
    accepted = decided.where(F.col("status") == ACCEPTED)
    tables = {t: accepted.where(F.size(t) > 0).select(F.inline(t)) for t in TABLES}
    told_again = sources_told_again({name: mapping_of(source, mappings) for name, source in sources.items()})
    if told_again:
        tables["order_lines"] = lines_once(tables["order_lines"], told_again, seen.get("order_lines"))
    loaded_whole = sources_loaded_whole(sources)
    if loaded_whole:
        ended = deleted_versions(decided, loaded_whole, seen.get("customer_records"))
        tables["customer_records"] = tables["customer_records"].unionByName(ended, allowMissingColumns=True)
    defaults = default_consents(accepted, sources, seen)
    uncounted = [t for t, has in (("consents", defaults is not None), ("customer_records", loaded_whole)) if has]
    consents = tables["consents"] if defaults is None else tables["consents"].unionByName(defaults)
    refused = decided.where(F.col("status") == REFUSED).select(
        "landed_id", "source", "file_id", "record_no", "raw", "reasons", "delivered_on"
    )
    return AcceptResult(
        events=tables["events"],
        order_lines=tables["order_lines"],
        customer_records=tables["customer_records"],
        feedback=tables["feedback"],
        consents=consents,
        refused=refused,
        counts=_count(decided),
        decided=decided,
        uncounted=frozenset(uncounted),
    )


def writing_waves(mappings: Mapping[str, MappingSpec]) -> list[list[str]]:
    """Say which silver tables may be written at the same time, wave after wave.

    What a killed run has written is seen through the main row of its records, so a table waits for the main
    tables of all mappings that give it further rows.
    """
    before: dict[str, set[str]] = {t: set() for t in TABLES}
    for mapping in mappings.values():
        main, *others = (output.table for output in mapping.outputs)
        for table in others:
            before[table].add(main)
    waves: list[list[str]] = []
    left = list(TABLES)
    while left:
        # Tables that wait for each other go one by one, in the order of TABLES.
        free = [t for t in left if not before[t] & set(left)] or left[:1]
        waves.append(free)
        left = [t for t in left if t not in free]
    return waves


def map_sources(
    landed: DataFrame,
    *,
    sources: Mapping[str, SourceSpec],
    mappings: Mapping[str, MappingSpec],
    headers: Mapping[str, list[str]],
) -> DataFrame:
    """Parse and map every source's records into one frame: one row per landed record."""
    if not sources:
        raise ConfigError("no source is defined: add a file to conf/sources/")
    work = [(source, mapping_of(source, mappings)) for _, source in sorted(sources.items())]
    if len(work) == 1:
        return _map_source(landed, *work[0], headers)

    def prepare(pair: tuple[SourceSpec, MappingSpec]) -> DataFrame:
        # This plans and compiles one source by itself, and runs nothing. One plan of all sources costs many times
        # the sum of theirs, because every rule of the optimiser walks all of it again and again.
        return cut(_map_source(landed, *pair, headers))

    with ThreadPoolExecutor(max_workers=_PLANNERS) as pool:
        return _unite(list(pool.map(prepare, work)))


def _map_source(
    landed: DataFrame, source: SourceSpec, mapping: MappingSpec, headers: Mapping[str, list[str]]
) -> DataFrame:
    fields = collect_fields(mapping)
    parsed = parse_records(landed, source, fields, headers=headers, parts_when=parts_when(mapping, fields))
    if source.change_data:
        parsed = clear_deleted_rows(parsed, mapping)
    try:
        return map_records(parsed, source, mapping, fields)
    except AnalysisException as error:
        # The rest of Spark's message is the whole plan.
        problem = str(error).split("SQLSTATE")[0].strip()
        raise ConfigError(
            f"conf/mappings/{mapping.name}.yaml: an expression does not fit the raw fields: {problem} "
            "Fields that only sql uses must stand in `fields`."
        ) from None


def _unite(frames: list[DataFrame]) -> DataFrame:
    """Unite frames pairwise: a chain would have its first frame analysed once for every frame after it."""
    if len(frames) == 1:
        return frames[0]
    middle = len(frames) // 2
    return _unite(frames[:middle]).union(_unite(frames[middle:]))


def parts_when(mapping: MappingSpec, fields: FieldTree) -> dict[str, str]:
    """Say when the parts of a field that is also wanted whole are needed: when an output that uses them is made.

    Fields that keys, identifiers or unconditional outputs use in parts are always parsed.
    """
    needed: dict[str, list[str]] = {}
    always = {p.split(".")[0] for p in [*mapping.key, *mapping.versions, *mapping.fields] if "." in p}
    always |= {p.split(".")[0] for p in mapping.required}
    always |= {i.field.split(".")[0] for i in mapping.identifiers if i.field and "." in i.field}
    for output in mapping.outputs:
        columns = [*output.columns.values(), *output.attributes.values()]
        paths = [*(c.field for c in columns if c.field), *([output.explode] if output.explode else [])]
        for top in {p.split(".")[0] for p in paths if "." in p}:
            needed.setdefault(top, []).append(output.when or "true")
    return {
        name: " OR ".join(f"coalesce({w}, false)" for w in needed.get(name, ["true"]))
        for name, node in fields.children.items()
        if is_both(node) and name not in always
    }


def decide(mapped: DataFrame, seen: Mapping[str, DataFrame]) -> DataFrame:
    """Add `status`: refused if there are reasons, duplicate if the main row exists or came earlier in the batch."""
    is_refused = F.size("__reasons") > 0
    group = F.when(is_refused, F.col("__landed_id")).otherwise(F.col("__key"))
    order = ("__delivered_on", "__file_id", "__record_no", "__landed_id")
    # The bytes of a record that is not refused would only make the shuffle that follows larger.
    slim = mapped.withColumn("__raw", F.when(is_refused, F.col("__raw")))
    numbered = slim.withColumn("__group", group).withColumn(
        "__nth", F.row_number().over(Window.partitionBy("__group").orderBy(*order))
    )
    known = _seen_keys(mapped, seen)
    joined = numbered.join(known, on="__group", how="left")
    # A killed run may have written this very record: that makes it accepted (and resumed), not a duplicate.
    is_own = F.col("__seen_landed_id") == F.col("__landed_id")
    is_duplicate = F.col("__key").isNull() | (F.col("__nth") > 1) | (F.col("__seen_landed_id").isNotNull() & ~is_own)
    status = F.when(is_refused, REFUSED).when(is_duplicate, DUPLICATE).otherwise(ACCEPTED)
    kept = [
        F.col(f"__{c}").alias(c) for c in ("landed_id", "source", "file_id", "record_no", "delivered_on", "reasons")
    ]
    rows = [
        F.when(status == ACCEPTED, F.col(t)).otherwise(F.array().cast(mapped.schema[t].dataType)).alias(t)
        for t in TABLES
    ]
    return joined.select(
        *kept,
        F.col("__raw").alias("raw"),
        status.alias("status"),
        F.col("__table").alias("main_table"),
        F.get("customer_records", F.lit(0))["record_id"].alias("record_id"),
        (F.coalesce(is_own, F.lit(False)) & (status == ACCEPTED)).alias("is_resumed"),
        *rows,
    )


def _seen_keys(mapped: DataFrame, seen: Mapping[str, DataFrame]) -> DataFrame:
    keys = [
        frame.select(
            (version_key() if table == "customer_records" else F.col(TARGETS[table].id_column)).alias("__group"),
            F.col("landed_id").alias("__seen_landed_id"),
        )
        for table, frame in sorted(seen.items())
    ]
    if not keys:
        return mapped.sparkSession.createDataFrame([], "__group STRING, __seen_landed_id STRING")
    return reduce(DataFrame.unionByName, keys)


def _count(decided: DataFrame) -> DataFrame:
    def n(status: str) -> Column:
        return F.count_if(F.col("status") == status).alias(f"rows_{status}")

    return decided.groupBy("file_id").agg(
        F.count("*").alias("rows_read"),
        n(ACCEPTED),
        n(DUPLICATE),
        n(REFUSED),
        F.count_if("is_resumed").alias("rows_resumed"),
        *(F.sum(F.size(t)).alias(f"n_{t}") for t in TABLES),
    )
