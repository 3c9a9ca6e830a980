"""A source file is proposed from data, and it works as it is."""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from cdp.core.errors import ConfigError
from cdp.ingest.recognise import recognise_column
from cdp.verbs.ingest import find_source
from cdp.verbs.source import init_verb


def propose(file: Path) -> tuple[dict, str]:
    out = file.with_suffix(".yaml")
    assert init_verb(argparse.Namespace(file=str(file), out=str(out)), Console(quiet=True)) == 0
    find_source(str(out))
    return yaml.safe_load(out.read_text()), out.read_text()


@pytest.mark.parametrize(
    ("name", "values", "kind", "form"),
    [
        ("n", ["1", "-2", "NULL"], "BIGINT", None),
        ("n", ["1.5", "2", "1e3"], "DOUBLE", None),
        ("n", ["007", "12"], "STRING", None),
        ("n", ["true", "False"], "BOOLEAN", None),
        ("n", ["2026-01-04", "2026-02-28"], "DATE", "iso8601"),
        ("n", ["2026-01-04T10:00:00Z"], "TIMESTAMP", "iso8601"),
        ("n", ["31/01/2026", "01/02/2026"], "DATE", "dd/MM/yyyy"),
        ("n", ["01/31/2026", "01/02/2026"], "DATE", "MM/dd/yyyy"),
        ("n", ["1767520800123"], "TIMESTAMP", "epoch_ms"),
        ("n", ["", None], "STRING", None),
    ],
)
def test_types_are_recognised(name: str, values: list[str | None], kind: str, form: str | None) -> None:
    facts = recognise_column(name, values)
    assert (facts.type, facts.time_format) == (kind, form)


def test_a_company_is_the_customers_and_an_employer_is_not() -> None:
    canonical = [recognise_column(name, ["Acme Ltd", "Beta"]).canonical for name in ("Company Name", "Employer")]
    assert canonical == ["organisation_name", "employer"]


def test_people_become_customer_records(tmp_path) -> None:
    rows = [f"{n:05d};Ana;Ruiz;a{n}@example.com;+4477009{n:05d};{n * 1.5};2026-01-0{1 + n % 9}" for n in range(50)]
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["CustomerNo;First Name;Surname;Contact;Mobile;Balance;Updated", *rows]))
    source, text = propose(file)
    mapping = source["mapping"]
    assert source["csv"]["delimiter"] == ";" and mapping["key"] == ["CustomerNo", "Updated"]
    columns = {name: column.get("field") for name, column in mapping["outputs"][0]["columns"].items()}
    assert columns == {
        "source_record_id": "CustomerNo", "valid_from": "Updated", "given_name": "First Name",
        "family_name": "Surname", "email": "Contact", "phone": "Mobile",
    }  # fmt: skip
    assert {(i["type"], i["field"]) for i in mapping["identifiers"]} == {
        ("email", "Contact"), ("phone", "Mobile"), ("customer_id", "CustomerNo"),
    }  # fmt: skip
    assert mapping["outputs"][0]["attributes"] == {"Balance": {"field": "Balance", "type": "DOUBLE"}}
    assert (
        "Contact: string, 100% filled, 100% distinct, candidate key, identifier email, personal data (direct)" in text
    )
    assert "Ruiz" not in text and "@example" not in text


def test_events_keep_their_id_although_some_come_twice(tmp_path) -> None:
    events = [{"type": "t", "event": "E", "id": f"m{n - n % 20 // 19}", "at": "2026-01-04T10:00:00Z", "p": {"n": n}}
              for n in range(200)]  # fmt: skip
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, events)).encode()))
    mapping = propose(file)[0]["mapping"]
    assert mapping["key"] == ["id"] and "repeats" not in mapping
    output = mapping["outputs"][0]
    assert {n: c.get("field") for n, c in output["columns"].items()} == {
        "message_id": "id", "event_type": None, "event_name": "event", "event_at": "at",
    }  # fmt: skip
    assert output["attributes"]["p_n"] == {"field": "p.n", "type": "BIGINT"}


def test_what_is_no_table_is_refused(tmp_path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(bytes(range(256)))
    with pytest.raises(ConfigError, match="neither JSON nor Parquet"):
        propose(file)
    (tmp_path / "x.yaml").write_text("")
    with pytest.raises(ConfigError, match="exists"):
        propose(file)
