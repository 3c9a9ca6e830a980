"""``cdp resolve``: who is who in any CSV or Parquet files, without a lake."""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cdp.core.errors import ConfigError, no_rows
from cdp.verbs.parser import Verbs, add_verb
from cdp.verbs.warnings import tell_warnings

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp.identity.linkage.schema import RecordSchema


def add(verbs: Verbs) -> None:
    parser = add_verb(verbs, "resolve", resolve_verb, "tell which records of any CSV or Parquet files are one person",
                      lake=False)  # fmt: skip
    parser.add_argument("files", nargs="+", metavar="FILE", help="CSV or Parquet; several files are several feeds")
    parser.add_argument("--schema", required=True, metavar="SCHEMA.yaml",
                        help="what the columns mean: record_id, source, and columns: {column: type}")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="gets people.parquet, links.parquet, explain.jsonl and summary.json")  # fmt: skip


def resolve_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp resolve --schema SCHEMA.yaml --out DIR FILE...``."""
    from cdp.identity.linkage.resolve import resolve_table
    from cdp.identity.linkage.schema import RecordSchema
    from cdp.identity.rules import IdentityRules
    from cdp.rules.definitions import load_definitions, read_definition
    from cdp.runtime.config import load_configuration

    started = time.monotonic()
    schema = read_definition(options.schema, RecordSchema)
    configuration = load_configuration()
    rules = load_definitions(configuration.definition_folders("identity"), IdentityRules)["rules"]
    with console.status("reading") if console.is_terminal else nullcontext() as status:
        table, schema = read_records(options.files, schema)
        found = resolve_table(table, schema, rules=rules, secret=configuration.settings.person_id_key,
                              progress=lambda stage: status.update(stage) if status else None)  # fmt: skip
        if status:
            status.update("writing")
        summary = _write(found, options.out, started)
    _tell(summary, options.out, console)
    return 0


def read_records(files: list[str], schema: RecordSchema) -> tuple[pa.Table, RecordSchema]:
    """All rows of the files, and the schema with a source: without one each file's name (before its dots) is it.

    ContractError for files without a row, ConfigError for two files of one name where that would be the source of both.
    """
    from cdp.runtime.files import read_arrow

    if schema.source is None:
        table, schema = _with_file_names(files, schema), schema.model_copy(update={"source": _FILE})
    else:
        table = read_arrow(files)
    if not table.num_rows:
        raise no_rows(", ".join(files))
    return table, schema


def _with_file_names(files: list[str], schema: RecordSchema) -> pa.Table:
    import pyarrow as pa

    from cdp.runtime.files import read_arrow, unite

    tables: dict[str, pa.Table] = {}
    for file in files:
        name = Path(file).name.split(".")[0]
        if name in tables:
            raise ConfigError(f"{file}: another of the files is the source {name!r} already; rename one, or name the "
                              "column of the feed as `source` in the schema")  # fmt: skip
        table = read_arrow([file])
        schema.check_columns(table.column_names)
        tables[name] = table.append_column(_FILE, pa.array([name] * table.num_rows, pa.string()))
    return unite(list(tables.values()))


_FILE = "file\x00"  # a name that no column of a file has: loading tools write one called _file


def _write(found: Any, out: str, started: float) -> dict[str, Any]:
    from cdp.runtime.files import write_json, write_json_lines, write_parquet

    write_parquet(found.people, out, "people.parquet")
    write_parquet(found.links, out, "links.parquet")
    write_json_lines(found.explanations(), out, "explain.jsonl")
    summary = {**found.summary, "seconds": {**found.summary["seconds"], "total": round(time.monotonic() - started, 3)}}
    write_json(summary, out, "summary.json")
    return summary


def _tell(summary: dict[str, Any], out: str, console: Console) -> None:
    quality = summary["quality"]
    console.print(
        f"{summary['records']:,} records are {summary['people']:,} people in {summary['households']:,} households"
        f"{' and {:,} accounts'.format(summary['accounts']) if 'accounts' in summary else ''}\n"
        f"largest person: {summary['largest_person']} records; {quality['accepted_pairs']:,} links, "
        f"{quality['cut_pairs']:,} cut; {len(summary['generic_values']):,} values join nobody\n"
        f"{summary['pairs_compared']:,} pairs compared in {summary['seconds']['total']:.1f} s; "
        f"blocking met an estimated {quality['estimated_blocking_recall']:.1%} of all pairs of one person",
        highlight=False,
    )
    tell_warnings(console, summary["warnings"])
    console.print(f"see {out}", highlight=False, markup=False)
