"""The mapping of a table as that of its change events: time, order and deletion come from the events' envelope."""

from __future__ import annotations

from cdp.contracts.model import REASONS_TYPE
from cdp.core.errors import ConfigError
from cdp.ingest.codes import quote_text
from cdp.ingest.mapping_spec import ColumnSpec, MappingSpec, OutputSpec

#: What the envelope adds to a parsed row. A tombstone (a null after a delete, for Kafka's compaction) says nothing new.
CHANGED_AT, CHANGE_NO, IS_DELETED, IS_TOMBSTONE, FAULT = (
    f"__change_{name}" for name in ("at", "no", "is_deleted", "is_tombstone", "fault")
)
COLUMNS = (CHANGED_AT, CHANGE_NO, IS_DELETED, IS_TOMBSTONE)
#: Defects that a delete can have; whatever else it lacks, it is not there to say.
_OWN_FIELDS = ("", "op", "before", "ts_ms", "valid_from")


def mapping_of_changes(mapping: MappingSpec) -> MappingSpec:
    """Give the mapping of a table as that of its changes: time, order and deletion come from the envelope.

    Further outputs get no row from a delete. ConfigError where the rows are not customer records: only those have
    versions.
    """
    main, *others = mapping.outputs
    if main.table != "customer_records":
        raise ConfigError(
            f"mapping {mapping.name}: `change_data` needs customer_records as the first output (its rows "
            f"have versions), not {main.table}; send changes of {main.table} as events of their own"
        )
    injected = {
        "valid_from": ColumnSpec(sql=CHANGED_AT),
        "change_no": ColumnSpec(sql=CHANGE_NO),
        "is_deleted": ColumnSpec(sql=IS_DELETED),
    }
    received = {"received_at": main.columns.get("received_at", ColumnSpec(sql=CHANGED_AT))}
    versions = main.model_copy(update={"columns": {**main.columns, **injected, **received}})
    return mapping.model_copy(update={"outputs": (versions, *map(_of_living_rows, others))})


def _of_living_rows(output: OutputSpec) -> OutputSpec:
    living = f"NOT {IS_DELETED}"
    return output.model_copy(update={"when": f"({output.when}) AND {living}" if output.when else living})


def reasons_of_change(every: str, mapping: MappingSpec) -> str:
    """Keep of a delete's reasons those of its envelope and its record id; a tombstone has none."""
    record = mapping.outputs[0].columns.get("source_record_id")
    label = record.field if record and record.field else "source_record_id"
    own = ", ".join(quote_text(field) for field in (*_OWN_FIELDS, label))
    none = f"CAST(array() AS {REASONS_TYPE})"
    kept = f"filter({every}, reason -> reason.field IN ({own}))"
    return f"CASE WHEN {IS_TOMBSTONE} THEN {none} WHEN {IS_DELETED} THEN {kept} ELSE {every} END"
