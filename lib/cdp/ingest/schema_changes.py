"""What changed in the shape of sources since it was last looked at: the rows of ops.schema_changes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Literal, Protocol

from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.ops.schema_changes import SCHEMA_CHANGES
from cdp.ingest.accounts import LandedFile
from cdp.ingest.fields import collect_fields
from cdp.ingest.ledger import LedgerFile, headers_of
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.shapes import FieldShape, Shape, is_outermost, shape_of_header, unite_shapes, widen

Kind = Literal["first", "new", "missing", "sometimes_missing", "type_changed"]
#: Names whose letters and digits are alike to this degree may be one field's old and new name.
_LEAST_LIKENESS = 0.6
#: Where more came and went at once, it is another file, and comparing every name with every other takes its time.
_MOST_PAIRS = 10_000


class KnownField(Protocol):
    """A row of ops.schema_changes."""

    source: str
    field: str
    kind: str
    type: str
    is_always: bool | None


@dataclass(frozen=True)
class SchemaChange:
    """One field that came, went or changed; see ops.schema_changes."""

    field: str
    kind: Kind
    type: str | None
    type_before: str | None
    is_always: bool | None
    renamed: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One file or batch of a source, its date and the shape of its records; no field where it has no record."""

    source: str
    delivered_on: date
    shape: Shape


def deliveries_of(batch: Iterable[LedgerFile], in_bronze: Mapping[str, LandedFile]) -> list[Delivery]:
    """The files of a batch (file_id, source, delivered_on, header) with their shapes: CSV by header, JSON as found."""
    rows = list(batch)
    headers = headers_of({row.file_id: row.header for row in rows})

    def shape_of(file_id: str) -> Shape:
        if file_id in headers:
            return shape_of_header(headers[file_id])
        return in_bronze[file_id].shape if file_id in in_bronze else {}

    return [Delivery(row.source, row.delivered_on, shape_of(row.file_id)) for row in rows]


def known_shapes(changes: Iterable[KnownField]) -> dict[str, dict[str, FieldShape]]:
    """The shape of each source by the rows of ops.schema_changes, the oldest first."""
    shapes: dict[str, dict[str, FieldShape]] = defaultdict(dict)
    for change in changes:
        if change.kind == "missing":
            shapes[change.source].pop(change.field, None)
        else:
            shapes[change.source][change.field] = FieldShape(change.type, change.is_always)
    return shapes


def find_schema_changes(
    deliveries: Iterable[Delivery], known: Mapping[str, Shape], mappings: Mapping[str, MappingSpec]
) -> list[dict[str, Any]]:
    """Rows of ops.schema_changes (without run_id and found_at) for what the deliveries change.

    `mappings`: source -> the mapping that reads it.
    """
    by_source: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.shape:
            by_source[delivery.source].append(delivery)
    found = []
    for source, of_source in sorted(by_source.items()):
        mapped = collect_fields(mappings[source]).children
        newest = max(delivery.delivered_on for delivery in of_source)
        for change in compare_shapes(known.get(source, {}), unite_shapes([d.shape for d in of_source])):
            is_mapped = re.split(r"[.[]", change.field)[0] in mapped
            found.append({**asdict(change), "source": source, "delivered_on": newest, "is_mapped": is_mapped})
    return found


def schema_changes_frame(
    spark: SparkSession, found: Iterable[Mapping[str, Any]], stamp: Mapping[str, Any]
) -> DataFrame:
    """Changes as rows of ops.schema_changes; `stamp` is what the run adds (run_id, found_at)."""
    return spark.createDataFrame([{**change, **stamp} for change in found], SCHEMA_CHANGES.schema)


def compare_shapes(known: Shape, seen: Shape) -> list[SchemaChange]:
    """What a delivery changes in the shape that is known, by field; an empty `known` is the first delivery.

    Only an outermost field that every record had can be missed: others come and go with what they tell of. A type
    is changed when the known one does not hold the new values, so none is reported twice. A missing and a new field
    of one type are each other's `renamed` when their names are alike, or when nothing else came and went.
    """
    if not known:
        return [SchemaChange(path, "first", f.type, None, f.is_always) for path, f in sorted(seen.items())]
    new = [SchemaChange(p, "new", f.type, None, f.is_always) for p, f in sorted(seen.items()) if p not in known]
    missing = [
        SchemaChange(p, "missing", f.type, f.type, False)
        for p, f in sorted(known.items())
        if f.is_always and p not in seen
    ]
    other = [_change_of(path, known[path], seen[path]) for path in sorted(known.keys() & seen.keys())]
    pairs = _pair_renamed(missing, new)
    named = [replace(c, renamed=pairs.get(c.field)) for c in (*new, *missing)]
    return sorted([*named, *(c for c in other if c is not None)], key=lambda c: c.field)


def _change_of(path: str, known: FieldShape, seen: FieldShape) -> SchemaChange | None:
    kind = widen(known.type, seen.type)
    if kind != known.type and known.type != "null":
        return SchemaChange(path, "type_changed", kind, known.type, seen.is_always)
    if known.is_always and seen.is_always is False:
        return SchemaChange(path, "sometimes_missing", kind, known.type, False)
    return None


def _pair_renamed(missing: Sequence[SchemaChange], new: Sequence[SchemaChange]) -> dict[str, str]:
    came = [n for n in new if is_outermost(n.field)]
    if len(missing) * len(came) > _MOST_PAIRS:
        return {}
    is_only = len(missing) == 1 and len(came) == 1
    pairs = [(m, n) for m in missing for n in came if m.type == n.type or "null" in (m.type, n.type)]
    alike = sorted(
        (-SequenceMatcher(None, _folded(m.field), _folded(n.field)).ratio(), m.field, n.field) for m, n in pairs
    )
    found: dict[str, str] = {}
    for likeness, old, other in alike:
        if (-likeness >= _LEAST_LIKENESS or is_only) and old not in found and other not in found:
            found |= {old: other, other: old}
    return found


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
