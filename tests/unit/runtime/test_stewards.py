"""Stewards name people or records of the lake; what they decide is written down once and read by the next night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.ops.identity_overrides import IDENTITY_OVERRIDES
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.core.errors import ConfigError, ContractError
from cdp.runtime.config import load_configuration
from cdp.runtime.stewards import decide_forbid, decide_merge, decide_unmerge, explain, find_sides, held_decisions
from cdp.tables.store import Lake

Build = Callable[..., DataFrame]
RECORDS = {"crm:1": "p_a", "web:1": "p_a", "crm:2": "p_b"}


def at(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


@pytest.fixture(scope="module")
def people(spark: SparkSession, rows: Build, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Person a of two records, b of one, and one who was merged; only one of the tests decides anything."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("stewards") / "lake"))
    active = {"born_on": date(2026, 1, 1), "status": "active"}
    lake.write(PEOPLE, rows(PEOPLE, [
        {"person_id": "p_a", "anchor_record_id": "crm:1", **active},
        {"person_id": "p_b", "anchor_record_id": "crm:2", **active},
        {"person_id": "p_old", "status": "merged", "merged_into": "p_b"},
    ]))  # fmt: skip
    held = [{"identifier_type": "record", "value": r, "person_id": p} for r, p in RECORDS.items()]
    lake.write(PERSON_IDENTIFIERS, rows(PERSON_IDENTIFIERS, held))
    links = [{"record_id": r, "identifier_type": "email", "value": "ann@mail.example", "rule": "declared:email",
              "weight": 5.6, "probability": 0.98, "evidence": "{}", "is_active": True}
             for r in ("crm:1", "web:1")]  # fmt: skip
    lake.write(IDENTITY_LINKS, rows(IDENTITY_LINKS, links))
    return lake


def test_decisions_are_written_down_and_revoke_each_other(people: Lake) -> None:
    with pytest.raises(ConfigError, match="must say why"):
        decide_merge(people, "p_a", "crm:2", reason=" ", now=at(1))
    merge = decide_merge(people, "p_a", "crm:2", reason="same passport", now=at(1))
    assert held_decisions(people).together_pairs() == (["crm:1"], ["crm:2"])
    forbid = decide_forbid(people, "p_a", "p_b", reason="two passports", now=at(2))
    assert forbid["revokes"] == [merge["override_id"]]
    assert held_decisions(people).apart_pairs() == (["crm:1", "web:1"], ["crm:2", "crm:2"])
    decide_unmerge(people, ["web:1"], reason="her sister's phone", now=at(3))
    stored = people.read(IDENTITY_OVERRIDES).orderBy("decided_at").collect()
    assert [(r.kind, r.reason) for r in stored] == [
        ("merge", "same passport"), ("forbid", "two passports"), ("unmerge", "her sister's phone")
    ]  # fmt: skip
    told = explain(people, load_configuration(), ["crm:1", "web:1"])
    assert told["is_one_person"] and [d["kind"] for d in told["decisions"]] == ["unmerge"]
    assert [x["value"] for x in told["path"]] == ["a***@mail.example"] * 2
    whole = explain(people, load_configuration(), ["p_a"])
    assert whole["records"] == ["crm:1", "web:1"] and whole["weakest_link"]["weight"] == 5.6


def test_a_name_that_leads_to_nobody_is_told(people: Lake) -> None:
    with pytest.raises(ConfigError, match="merged into p_b"):
        find_sides(people, ["p_old"])
    with pytest.raises(ConfigError, match="neither a person id nor a record id"):
        find_sides(people, ["crm:9"])
    with pytest.raises(ConfigError, match="records of 2 people"):
        decide_unmerge(people, ["crm:1", "crm:2"], reason="x", now=at(1))


def test_without_people_the_night_is_named(lake: Lake) -> None:
    with pytest.raises(ContractError, match=r"gold\.people is not in the lake yet"):
        find_sides(lake, ["p_a"])
