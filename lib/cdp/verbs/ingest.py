"""``cdp ingest``: check files of a source without a lake, and what the check can say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cdp.core.errors import EXIT_DONE, EXIT_PARTIAL, ConfigError, nearest_name
from cdp.runtime.entry import open_session
from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    from cdp.ingest.mapping_spec import MappingSpec
    from cdp.ingest.spec import SourceSpec
    from cdp.ingest.stand_alone import FileCount


def add(verbs: Verbs) -> None:
    ingest = verbs.add_parser("ingest", help="check files of a source, and list refusal codes and canonical fields")
    acts = ingest.add_subparsers(title="what to do", metavar="ACT", required=True)
    check = add_verb(
        acts, "check", check_verb,
        "accept, refuse with every reason, or recognise as a duplicate each record of the files, without a lake",
        lake=False,
    )  # fmt: skip
    known = "segment, snowplow, cloudevents, shopify, ga4, another source of conf/sources, or a file"
    check.add_argument("--spec", required=True, metavar="NAME|SOURCE.yaml", help=known)
    check.add_argument("files", nargs="+", metavar="FILE", help="plain, gzip or zstd")
    check.add_argument("--out", required=True, metavar="DIR",
                       help="where accepted.jsonl, refused.jsonl and summary.json go")  # fmt: skip
    add_verb(acts, "codes", codes_verb, "list the refusal codes", lake=False)
    fields = add_verb(acts, "fields", fields_verb, "list the canonical fields that a source's records get", lake=False)
    fields.add_argument("--spec", required=True, metavar="NAME|SOURCE.yaml")


def check_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp ingest check``: exit 6 when a file could not be read; refused records are a result, not an error."""
    from cdp.ingest.stand_alone import judge_files
    from cdp.runtime.files import write_json, write_lines
    from cdp.runtime.night import utc_now

    source, mapping = find_source(options.spec)
    for path in options.files:
        if not Path(path).is_file():
            raise ConfigError(f"no file {path}")
    spark = open_session("cdp ingest check")
    with console.status(f"checking {len(options.files)} files as {source.name} ..."):
        verdicts = judge_files(spark, options.files, source, mapping, utc_now().date())
        names = {"accepted": "accepted.jsonl", "refused": "refused.jsonl"}
        write_lines(verdicts.lines, options.out, names, order=("file_id", "record_no", "landed_id"))
    total = {
        name: sum(getattr(file, name) for file in verdicts.files)
        for name in ("read", "accepted", "duplicates", "refused")
    }
    files = [file.__dict__ for file in verdicts.files]
    write_json({"spec": source.name, **total, "codes": verdicts.codes, "files": files}, options.out, "summary.json")
    _print_counts(console, verdicts.files, total, verdicts.codes, options.out)
    return EXIT_PARTIAL if any(file.fault and file.refused for file in verdicts.files) else EXIT_DONE


def _print_counts(
    console: Console, files: tuple[FileCount, ...], total: dict[str, int], codes: dict[str, int], out: str
) -> None:
    for file in files:
        if file.fault:
            console.print(f"{file.file}: {file.fault}", highlight=False, markup=False)
    console.print(", ".join(f"{name} {n:,}" for name, n in total.items()), highlight=False)
    for code, n in sorted(codes.items(), key=lambda item: (-item[1], item[0])):
        console.print(f"  {code} {n:,}", highlight=False)
    console.print(f"accepted.jsonl, refused.jsonl and summary.json are in {out}", highlight=False, markup=False)


def codes_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp ingest codes``: the closed list."""
    from cdp.ingest.codes import REFUSAL_CODES

    for code, sentence in REFUSAL_CODES.items():
        console.print(f"{code:<14} {sentence}", highlight=False)
    return EXIT_DONE


def fields_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp ingest fields``: columns of the silver tables that the source fills."""
    from cdp.ingest.targets import TARGETS

    _, mapping = find_source(options.spec)
    for table in dict.fromkeys(output.table for output in mapping.outputs):
        contract = TARGETS[table].contract
        console.print(f"{contract.full_name}: {contract.doc}", highlight=False)
        for column in contract.columns:
            console.print(f"  {column.name:<22} {column.type:<14} {column.doc}", highlight=False, markup=False)
    return EXIT_DONE


def find_source(name: str) -> tuple[SourceSpec, MappingSpec]:
    """A source of the bundled definitions by name, or of a file; its mapping is in the file itself, in the file's
    folder, in the folder `mappings` beside that, or among the bundled ones. :class:`ConfigError` where it is not.
    """
    from cdp.ingest.mapping_spec import MappingSpec
    from cdp.ingest.spec import SourceSpec, mapping_of
    from cdp.rules.definitions import load_definitions, read_definition
    from cdp.runtime.bundle import bundled

    mappings = load_definitions(bundled("conf") / "mappings", MappingSpec)
    if not name.endswith((".yaml", ".yml")):
        sources = load_definitions(bundled("conf") / "sources", SourceSpec)
        if name not in sources:
            raise ConfigError(f"--spec {name}: no such source, and no file; {nearest_name(name, list(sources))}")
        return sources[name], mapping_of(sources[name], mappings)
    path = Path(name)
    if not path.is_file():
        raise ConfigError(f"--spec {name}: no such file")
    source = read_definition(path, SourceSpec)
    if isinstance(source.mapping, str):
        for file in (folder / f"{source.mapping}.yaml" for folder in (path.parent.parent / "mappings", path.parent)):
            if file.is_file() and not file.samefile(path):
                mappings[source.mapping] = read_definition(file, MappingSpec)
                break
    return source, mapping_of(source, mappings)
