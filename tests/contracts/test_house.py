"""Rules of the house that a linter does not know: one writer, no clock and no chance in transforms, no cycles."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from cdp.runtime.catalogue import load_jobs, order_jobs

ROOT = Path(__file__).parents[2]
DOMAINS = (
    "activation",
    "audiences",
    "identity",
    "ingest",
    "models",
    "profiles",
    "reports",
    "sample",
    "traits",
    "rules",
)
# The doors to the outside, where files are written with a plain handle.
_TABLE_WRITERS = {"saveAsTable", "writeTo", "writeStream", "insertInto"}
_BANNED_CALLS = {"rand", "randn", "current_timestamp", "current_date", "monotonically_increasing_id", "uuid"}


def _sources(*folders: str) -> list[Path]:
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


@cache
def _calls(path: Path) -> list[tuple[int, str, str]]:
    """(line, object text, attribute) of every attribute in the file."""
    tree = ast.parse(path.read_text())
    return [(n.lineno, ast.unparse(n.value), n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute)]


def test_only_the_store_writes_tables() -> None:
    offenders = []
    for path in _sources("lib/cdp", "jobs"):
        if path == ROOT / "lib/cdp/tables/store.py":
            continue
        text = path.read_text()
        for line, _, attribute in _calls(path):
            if attribute in _TABLE_WRITERS:
                offenders.append(f"{path.relative_to(ROOT)}:{line} .{attribute}")
        for line, value, attribute in _calls(path):
            if value.endswith(".write") and attribute in {"format", "mode", "save", "parquet", "json", "csv"}:
                offenders.append(f"{path.relative_to(ROOT)}:{line} {attribute}")
        if "MERGE INTO" in text or "INSERT INTO" in text:
            offenders.append(f"{path.relative_to(ROOT)}: SQL that writes")
    assert offenders == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_transforms_know_no_clock_and_no_chance(domain: str) -> None:
    offenders = []
    for path in _sources(f"lib/cdp/{domain}"):
        for line, value, attribute in _calls(path):
            is_spark_function = value in ("F", "functions") and attribute in _BANNED_CALLS
            is_clock = attribute in ("now", "utcnow", "today") and value in ("datetime", "date", "datetime.datetime")
            if is_spark_function or is_clock:
                offenders.append(f"{path.relative_to(ROOT)}:{line} {value}.{attribute}")
    assert offenders == []


def test_jobs_are_found_by_walking_and_have_no_cycle() -> None:
    jobs = load_jobs()
    names = [loaded.job.name for loaded in order_jobs(jobs)]
    assert set(names) == set(jobs)
    for before, after in [
        ("ingest.land_files", "ingest.accept_records"),
        ("ingest.accept_records", "identity.collect_identifiers"),
        ("identity.link_records", "identity.resolve_people"),
        ("identity.resolve_people", "profiles.compose_profiles"),
        ("traits.compute_traits", "audiences.evaluate_audiences"),
        ("models.score_people", "audiences.evaluate_audiences"),
        ("audiences.evaluate_audiences", "activation.export_audiences"),
        ("activation.export_audiences", "ops.write_report"),
    ]:
        assert names.index(before) < names.index(after), (before, after)


def test_every_table_is_written_by_a_job_and_job_files_are_short() -> None:
    from cdp.contracts.find import all_contracts

    written = {t.full_name for loaded in load_jobs().values() for t in loaded.job.writes}
    # the runtime notes runs, and stewards what they decide
    assert set(all_contracts()) - written == {"ops.runs", "ops.identity_overrides"}
    for path in _sources("jobs"):
        assert len(path.read_text().splitlines()) <= 110, path
        assert (ast.get_docstring(ast.parse(path.read_text())) or "").count("Grain:") == 1, f"{path}: say the grain"
