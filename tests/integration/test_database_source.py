"""A source in a real PostgreSQL: everything once, then what is new, value for value, and silence where nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.integration.conftest import NIGHTS, Run
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
  user_env: SHOP_USER
  password_env: SHOP_PASSWORD
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
        yield port


@pytest.fixture
def place(tmp_path: Path, port: int) -> list[str]:
    """The options of a lake whose only source is that database."""
    for kind, text in (("sources", SOURCE.format(port=port)), ("mappings", MAPPING)):
        folder = tmp_path / "conf" / kind
        folder.mkdir(parents=True)
        (folder / "shop_accounts.yaml").write_text(text)
    options = ["--home", str(tmp_path / "home"), "--conf", str(tmp_path / "conf"), "--env", "ci"]
    return [*options, "--set", "sources=[shop_accounts]", "--set", "packages=[org.postgresql:postgresql:42.7.8]"]


def _table(home: Path, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = DeltaTable(str(home / "lake" / name)).to_pyarrow_table().to_pylist()
    return rows


def test_a_table_is_taken_whole_once_and_then_by_its_watermark(
    cdp: Run, place: list[str], port: int, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    missing = cdp("run", "ingest.land_files", "--run-date", NIGHTS[0], *place)
    assert missing.returncode == 6
    assert "SHOP_USER" in missing.stdout

    first = cdp("run", "ingest.land_files", "--run-date", NIGHTS[0], *place, env=LOGIN)
    assert first.returncode == 0, first.stdout + first.stderr
    landed = sorted(json.loads(r["raw"])["id"] for r in _table(home, "bronze/landed_records"))  # type: ignore[arg-type]
    assert landed == [1, 2, 900]
    raw = next(r["raw"] for r in _table(home, "bronze/landed_records") if b'"id": 1,' in r["raw"])  # type: ignore[operator]
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
    second = cdp("run", "ingest.land_files", "--run-date", NIGHTS[1], *place, env=LOGIN)
    assert second.returncode == 0, second.stdout + second.stderr
    fresh = [r for r in _table(home, "bronze/landed_records") if str(r["delivered_on"]) == NIGHTS[1]]
    # Within the hour before the last watermark: again (2) and late (3); before it: not seen (4).
    assert sorted(json.loads(r["raw"])["id"] for r in fresh) == [1, 2, 3]  # type: ignore[arg-type]

    for n_new in (1, 0):  # the hour before the new watermark once more, and then nothing that was not landed
        before = len(_table(home, "bronze/landed_records"))
        quiet = cdp("run", "ingest.land_files", "--run-date", NIGHTS[2], *place, env=LOGIN)
        assert quiet.returncode == 0, quiet.stdout + quiet.stderr
        assert len(_table(home, "bronze/landed_records")) == before + n_new

    accepted = cdp("run", "ingest.accept_records", "--run-date", NIGHTS[2], *place, env=LOGIN)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    versions = [(r["source_record_id"], r["given_name"]) for r in _table(home, "silver/customer_records")]
    assert sorted(versions, key=str) == sorted(
        [("1", 'Zoë "Z" O\'Hara'), ("1", "Zoe"), ("2", None), ("3", "Ben"), ("900", "two\nlines")], key=str
    )
    counts = [(r["rows_read"], r["rows_accepted"], r["rows_duplicate"]) for r in _table(home, "ops/files")
              if r["state"] == "accepted"]  # fmt: skip
    assert sorted(counts) == [(1, 0, 1), (3, 2, 1), (3, 3, 0)]
