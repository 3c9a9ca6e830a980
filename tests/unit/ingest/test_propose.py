"""A source file is proposed from data, and it works as it is."""

from __future__ import annotations

import argparse
import gzip
import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from cdp.core.errors import ConfigError
from cdp.ingest.recognise import recognise_column
from cdp.ingest.stand_alone import check_files
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


def test_a_file_of_an_old_mac_is_read_as_it_is_proposed(tmp_path) -> None:
    file = tmp_path / "mac.csv"
    file.write_bytes(b'id;name\r1;"Ana\rRuiz"\r2;Ben\r')
    source, text = propose(file)
    assert source["csv"]["delimiter"] == ";" and "Proposed from 2 records" in text
    (checked,) = check_files([str(file)], find_source(str(tmp_path / "mac.yaml"))[0], date(2026, 1, 5))
    assert (checked.state, checked.header) == ("landed", '["id", "name"]')


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


def test_columns_that_no_mapping_can_name_are_left_out(tmp_path) -> None:
    file = tmp_path / "x.csv"
    file.write_text('id,a`b,select,a b,"c\nd"\n1,2,3,4,5\n2,3,4,5,6\n')
    source, text = propose(file)
    assert source["mapping"]["outputs"][0]["attributes"].keys() == {"select", "a_b"}
    assert "'a`b': left out" in text and "'c\\nd': left out" in text


def test_records_that_are_odd_are_not_looked_at_or_in_part(tmp_path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(
        b'{"id": 1, "\\ud800": 1, "a\\u0000": 1, "n": "%s"}\n{"id": 2, "n": %s}\n' % (b"x" * 200_000, b"[" * 9999)
    )
    source, text = propose(file)
    assert "Proposed from 1 records" in text and "'\\ud800': left out" in text
    assert source["mapping"]["outputs"][0]["attributes"].keys() == {"n"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.bin", bytes(range(256)), "neither JSON nor Parquet"),
        ("x.csv", b"\n", "empty"),
        ("x.csv", b"id,name\n1,a\0b\n", "NUL bytes"),
        ("x.csv.gz", gzip.compress(b"id,name\n1,Ana\n")[:-9], "truncated or damaged"),
        ("plain.gz", b"id,name\n1,Ana\n", "truncated or damaged"),
        ("x.parquet", b"PAR1 PAR1", "truncated or damaged"),
        ("x.avro", b"Obj", "truncated or damaged"),
        ("x.zst", b"\x28\xb5\x2f\xfd", "truncated or damaged"),
        ("utf16.csv", "id,name".encode("utf-16"), "UTF-16"),
        ("x.xml", b"<a><b/></a>", "row_tag"),
        ("x.jsonl", b"[1]\n[2]\n", "no record"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        propose(file)


def test_an_existing_file_is_not_overwritten(tmp_path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("id,name\n1,Ana\n")
    (tmp_path / "x.yaml").write_text("")
    with pytest.raises(ConfigError, match="exists"):
        propose(file)
