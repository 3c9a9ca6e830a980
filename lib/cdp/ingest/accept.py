"""Decide on landed records: accepted into silver, seen before, or refused with every reason.

Every record gets exactly one of the three, so read = accepted + duplicate + refused holds file by file.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.core.hold import cut
from cdp.ingest.changes import clear_deleted_rows
from cdp.ingest.decide import ACCEPTED, decide
from cdp.ingest.default_consents import default_consents
from cdp.ingest.fields import FieldTree, collect_fields, is_both
from cdp.ingest.mapping import TABLES, map_records
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.missing_rows import deleted_versions, sources_loaded_whole
from cdp.ingest.parse import parse_records
from cdp.ingest.spec import SourceSpec, mapping_of
from cdp.ingest.targets import TARGETS
from cdp.ingest.whole_orders import lines_once, sources_told_again

#: Sources that are planned at the same time: planning is work of the driver, on one core each.
_PLANNERS = 4


@dataclass(frozen=True)
class AcceptResult:
    """What came of a batch of landed records.

    One frame per silver table in its contract's shape; `refused` as bronze.refused_records without run_id and
    refused_at; `counts` and `decided` as of :class:`cdp.ingest.decide.Decided`, whose rows all frames are read from.
    `uncounted`: tables that get more rows than are counted, by a licence or because a record is missing from a whole
    load. `keyed`: tables whose rows have keys made of those of the records that were accepted, so that none repeats.
    """

    events: DataFrame
    order_lines: DataFrame
    customer_records: DataFrame
    feedback: DataFrame
    consents: DataFrame
    refused: DataFrame
    counts: list[Row]
    decided: DataFrame
    uncounted: frozenset[str]
    keyed: frozenset[str]


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
    used = {name: mapping_of(source, mappings) for name, source in sources.items()}
    mains = {mapping.outputs[0].table for mapping in used.values()}
    mapped = map_sources(landed, sources=sources, mappings=mappings, headers=headers)
    decided = decide(mapped, {t: frame for t, frame in seen.items() if t in mains}, further=set(TABLES) - mains)
    accepted = decided.rows.where(F.col("status") == ACCEPTED)
    rows = {t: accepted if t in mains else decided.further for t in TABLES}
    tables = {t: frame.where(F.size(t) > 0).select(F.inline(t)) for t, frame in rows.items()}
    told_again = sources_told_again(used)
    if told_again:
        tables["order_lines"] = lines_once(tables["order_lines"], told_again, seen.get("order_lines"))
    loaded_whole = sources_loaded_whole(sources)
    if loaded_whole:
        ended = deleted_versions(decided.rows, loaded_whole, seen.get("customer_records"))
        tables["customer_records"] = tables["customer_records"].unionByName(ended, allowMissingColumns=True)
    defaults = default_consents(accepted, sources, seen)
    if defaults is not None:
        tables["consents"] = tables["consents"].unionByName(defaults)
    uncounted = [t for t, has in (("consents", defaults is not None), ("customer_records", loaded_whole)) if has]
    by_record = {t for t in TABLES if TARGETS[t].contract.key == (TARGETS[t].id_column,)}
    return AcceptResult(
        **tables,
        refused=decided.refused,
        counts=decided.counts,
        decided=decided.rows,
        uncounted=frozenset(uncounted),
        keyed=frozenset(by_record.difference(uncounted, ["order_lines"] if told_again else [])),
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
    """Parse and map every source's records into one frame, which is held: one row per landed record."""
    if not sources:
        raise ConfigError("no source is defined: add a file to conf/sources/")
    work = [(source, mapping_of(source, mappings)) for _, source in sorted(sources.items())]

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
            f"mapping {mapping.name}: an expression does not fit the raw fields: {problem} "
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
