"""A source in a real PostgreSQL: everything once, then what is new, value for value, and silence where nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS
from tests.integration.in_process import RunJob, jobs_of
from tests.postgres import PASSWORD, USER, connect, postgres

LOGIN = {"SHOP_USER": USER, "SHOP_PASSWORD": PASSWORD}
SOURCE = """
name: shop_accounts
owner: shop
description: Accounts of the web shop, straight from its database.
party: first
format: table
database:
  url: jdbc:postgresql://127.0.0.1:{port}/postgres
  table: public.accounts
  user: {{env: SHOP_USER}}
  password: {{env: SHOP_PASSWORD}}
  watermark: changed_at
  overlap: 1h
  partition_column: id
  partitions: 2
mapping: shop_accounts
sample:
  raw: '{{"id": 7, "name": "Ada", "email": "ada@example.com", "balance": 1.50, "changed_at": "2026-01-04T10:00:00Z"}}'
  expect:
    customer_records: {{given_name: Ada, source_record_id: "7"}}
"""
MAPPING = """
name: shop_accounts
description: An account is a customer record; its version is the time of its change.
key: [id, changed_at]
outputs:
  - table: customer_records
    columns:
      source_record_id: {field: id, required: true}
      given_name: {field: name}
      email: {field: email}
      valid_from: {field: changed_at, required: true}
    attributes:
      balance: {field: balance}
identifiers:
  - {type: user_id, field: id}
  - {type: email, field: email}
"""
TABLE = """
CREATE TABLE accounts (id bigint PRIMARY KEY, name text, email text, balance numeric(20, 4), born date,
                       seen_at timestamp(6), changed_at timestamptz)
"""
ROWS = """
INSERT INTO accounts VALUES
 (1, 'Zoë "Z" O''Hara', 'zoe@example.com', 12345678901234.5678, '1990-02-28', '2026-01-01 00:30:00.123456',
  '2026-01-04 10:00:00.5+02'),
 (2, NULL, '', -0.0001, NULL, NULL, '2026-01-04 23:59:59+00'),
 (900, E'two\\nlines', 'p@example.com', 0, '0001-01-01', 'infinity', '2026-01-04 12:00:00+00')
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a server with three accounts."""
    with postgres(tmp_path / "postgres") as port:
        with connect(port) as shop:
            shop.execute(TABLE)
            shop.execute(ROWS.replace("'infinity'", "NULL"))
            shop.execute("CREATE TABLE members AS SELECT * FROM accounts")
        yield port


@pytest.fixture
def run(tmp_path: Path, port: int) -> Iterator[RunJob]:
    """Jobs of a lake whose only sources are two tables of that database, one of them loaded whole."""
    source = SOURCE.format(port=port)
    whole = source.replace("shop_accounts", "shop_members", 1).replace("public.accounts", "public.members")
    whole = whole.replace("  watermark: changed_at\n  overlap: 1h\n", "  missing_rows: deleted\n")
    for kind, name, text in (
        ("sources", "shop_accounts", source), ("sources", "shop_members", whole), ("mappings", "shop_accounts", MAPPING)
    ):  # fmt: skip
        folder = tmp_path / "conf" / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)
    settings = {"sources": "[shop_accounts, shop_members]", "packages": "[org.postgresql:postgresql:42.7.8]"}
    with jobs_of(tmp_path / "home", tmp_path / "conf", settings) as run:
        yield run


def _table(home: Path, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = DeltaTable(str(home / "lake" / name)).to_pyarrow_table().to_pylist()
    return rows


def _landed(home: Path) -> list[dict[str, object]]:
    return [r for r in _table(home, "bronze/landed_records") if r["source"] == "shop_accounts"]


def test_tables_are_taken_whole_or_by_their_watermark(
    run: RunJob, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    assert all("SHOP_USER" in problem for problem in run("ingest.land_files", NIGHTS[0]))
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)

    assert run("ingest.land_files", NIGHTS[0]) == []
    landed = sorted(json.loads(r["raw"])["id"] for r in _landed(home))  # type: ignore[arg-type]
    assert landed == [1, 2, 900]
    raw = next(r["raw"] for r in _landed(home) if b'"id": 1,' in r["raw"])  # type: ignore[operator]
    assert json.loads(raw, parse_float=str) == {  # type: ignore[arg-type]
        "id": 1,
        "name": 'Zoë "Z" O\'Hara',
        "email": "zoe@example.com",
        "balance": "12345678901234.5678",
        "born": "1990-02-28",
        "seen_at": "2026-01-01T00:30:00.123456",
        "changed_at": "2026-01-04T08:00:00.500000Z",
    }

    with connect(port) as shop:
        shop.execute("UPDATE accounts SET name = 'Zoe', changed_at = '2026-01-05 11:00:00+00' WHERE id = 1")
        shop.execute("INSERT INTO accounts (id, name, changed_at) VALUES (3, 'Ben', '2026-01-04 23:30:00+00')")
        shop.execute("INSERT INTO accounts (id, name, changed_at) VALUES (4, 'Old', '2026-01-01 00:00:00+00')")
        shop.execute("DELETE FROM members WHERE id = 2")
    assert run("ingest.land_files", NIGHTS[1]) == []
    fresh = [r for r in _landed(home) if str(r["delivered_on"]) == NIGHTS[1]]
    # Within the hour before the last watermark: again (2) and late (3); before it: not seen (4).
    assert sorted(json.loads(r["raw"])["id"] for r in fresh) == [1, 2, 3]  # type: ignore[arg-type]

    for n_new in (1, 0):  # the hour before the new watermark once more, and then nothing that was not landed
        before = len(_table(home, "bronze/landed_records"))
        assert run("ingest.land_files", NIGHTS[2]) == []
        assert len(_table(home, "bronze/landed_records")) == before + n_new

    assert run("ingest.accept_records", NIGHTS[2]) == []
    records = _table(home, "silver/customer_records")
    versions = [(r["source_record_id"], r["given_name"]) for r in records if r["source"] == "shop_accounts"]
    assert sorted(versions, key=str) == sorted(
        [("1", 'Zoë "Z" O\'Hara'), ("1", "Zoe"), ("2", None), ("3", "Ben"), ("900", "two\nlines")], key=str
    )
    counts = [(r["rows_read"], r["rows_accepted"], r["rows_duplicate"]) for r in _table(home, "ops/files")
              if r["state"] == "accepted" and r["source"] == "shop_accounts"]  # fmt: skip
    assert sorted(counts) == [(1, 0, 1), (3, 2, 1), (3, 3, 0)]
    members = [(r["source_record_id"], str(r["valid_from"])[:10], r["is_deleted"]) for r in records
               if r["source"] == "shop_members"]  # fmt: skip
    assert sorted(members) == [("1", "2026-01-04", False), ("2", "2026-01-04", False), ("2", NIGHTS[1], True),
                               ("900", "2026-01-04", False)]  # fmt: skip
