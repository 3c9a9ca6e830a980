"""Exports end to end on tiny tables: who leaves, what is withheld, and what sending again may do."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.activation.destinations import destination_model
from cdp.activation.destinations.file import Spec
from cdp.activation.export import ExportTables, export_audiences
from cdp.activation.plan import check_columns
from cdp.activation.rows import arrow_batches
from cdp.audiences.facts import SCORE_COLUMNS
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.ops.deliveries import DELIVERIES
from cdp.contracts.silver.consents import CONSENTS
from cdp.core.errors import ConfigError
from cdp.rules.consent import consent_states
from cdp.rules.definitions import load_definitions
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

CONF = Path(__file__).parents[3] / "conf"
NIGHT = date(2026, 1, 5)
PEOPLE = ("ann", "bob", "cat", "dan", "eve")


def day(n: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, n, hour, tzinfo=UTC)


def audience(**change: Any) -> AudienceSpec:
    given = {"description": "d", "predicate": "true", "purpose": "email_marketing", "owner": "o"}
    return AudienceSpec.model_validate({"expires_on": date(2030, 1, 1), "destinations": ["mail"], **given, **change})


MAIL = Spec.model_validate(
    {
        "description": "d",
        "kind": "file",
        "format": "csv",
        "owner": "o",
        "columns": [
            {"name": "email", "from": ["identifier.email", "profile.email"], "required": True},
            {"name": "city", "from": "profile.city"},
        ],
    }
)


@pytest.fixture
def export(spark: SparkSession, rows: Callable[..., DataFrame], tmp_path: Path) -> Callable[..., Any]:
    """Export to tmp_path with these consents [(person, state, day)]; returns the deliveries' rows."""

    members = [{"audience": "vips", "person_id": p, "entered_on": date(2026, 1, 1)} for p in PEOPLE]
    members[1]["entered_on"] = NIGHT
    members[3]["left_on"] = NIGHT
    identifiers = [
        {"identifier_type": "email", "value": "old@x.org", "person_id": "ann", "valid_from": day(1)},
        {"identifier_type": "email", "value": "new@x.org", "person_id": "ann", "valid_from": day(2)},
        {
            "identifier_type": "email",
            "value": "c@x.org",
            "person_id": "ann",
            "valid_from": day(3),
            "valid_to": day(4),
        },
        {"identifier_type": "email", "value": "b@x.org", "person_id": "bob"},
        {"identifier_type": "email", "value": "a@x.org", "person_id": "bob"},
        {"identifier_type": "phone", "value": "+49", "person_id": "cat", "valid_from": day(2)},
    ]
    profiles = [{"person_id": "ann", "city": "Bonn"}, {"person_id": "eve", "email": "e@x.org", "city": "-Ulm"}]
    pairs = [(f"r-{p}", p) for p in PEOPLE]

    def run(consents: list[tuple[str, str, int]], now: datetime, **audiences: AudienceSpec) -> list[dict[str, Any]]:
        statements = [
            {"consent_id": f"{n}", "record_id": f"r-{p}", "purpose": "email_marketing", "state": state}
            | {"valid_from": day(d), "received_at": day(d)}
            for n, (p, state, d) in enumerate(consents)
        ]
        ledger = rows(CONSENTS, statements)
        owners = spark.createDataFrame(pairs, "record_id STRING, person_id STRING")
        tables = ExportTables(
            members=rows(AUDIENCE_MEMBERS, members),
            facts=rows(PROFILES, profiles),
            person_identifiers=rows(PERSON_IDENTIFIERS, identifiers),
            states_at=lambda time: consent_states(ledger, owners, as_of=time, known_at=time),
        )
        result = export_audiences(
            tables,
            audiences=audiences or {"vips": audience()},
            destinations={"mail": MAIL},
            root=str(tmp_path),
            run_date=NIGHT,
            now=now,
        )
        spark.createDataFrame(result, DELIVERIES.schema)  # the rows fit the table
        assert all(set(row) == set(DELIVERIES.column_names) for row in result)
        return result

    return run


def sent(root: Path) -> list[list[str]]:
    with (root / "mail/vips/2026-01-05/vips_2026-01-05.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


ALL = [(p, "granted", 1) for p in PEOPLE]


def test_members_with_consent_and_an_address_leave_in_order(export: Callable[..., Any], tmp_path: Path) -> None:
    (row,) = export([*ALL, ("eve", "denied", 2)], day(6))
    assert sent(tmp_path) == [["new@x.org", "Bonn"], ["a@x.org", ""]]
    found = (row["n_members"], row["n_added"], row["n_removed"], row["n_withheld"], row["state"])
    assert found == (2, 1, 1, 1, "delivered")
    assert row["path"] == f"{tmp_path}/mail/vips/2026-01-05/vips_2026-01-05.csv"
    assert row["delivered_at"] == day(6)


def test_without_any_consent_nobody_leaves(export: Callable[..., Any], tmp_path: Path) -> None:
    (row,) = export([], day(6))
    assert sent(tmp_path) == []
    assert (row["n_members"], row["n_withheld"]) == (0, 4)


def test_sending_again_takes_out_and_never_adds(export: Callable[..., Any], tmp_path: Path) -> None:
    before = [c for c in ALL if c[0] != "bob"]
    (first,) = export(before, day(6))
    assert sent(tmp_path) == [["new@x.org", "Bonn"], ["e@x.org", "'-Ulm"]]
    (same,) = export(before, day(7))
    assert same == first
    (second,) = export([*before, ("bob", "granted", 7), ("ann", "denied", 7)], day(8))
    assert sent(tmp_path) == [["e@x.org", "'-Ulm"]]
    assert (second["delivery_id"], second["delivered_at"]) == (first["delivery_id"], day(8))
    (third,) = export([*before, ("bob", "granted", 7), ("ann", "denied", 7), ("ann", "granted", 9)], day(10))
    assert third == second, "who was taken out does not come back on that date"


def test_a_destination_whose_last_delivery_may_not_be_read_is_told_as_refused(
    export: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cdp.activation.destinations import file

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(file, "_manifest", refuse)
    (row,) = export(ALL, day(6))
    assert (row["state"], row["n_members"], row["n_withheld"], row["path"]) == ("refused", 0, 0, None)


def test_an_audience_without_destinations_or_with_unknown_ones(export: Callable[..., Any]) -> None:
    assert export(ALL, day(6), vips=audience(destinations=[])) == []
    with pytest.raises(ConfigError, match="no destination 'mial'; did you mean 'mail'"):
        export(ALL, day(6), vips=audience(destinations=["mial"]))


def test_rows_arrive_in_order_however_many_partitions(spark: SparkSession) -> None:
    frame = spark.range(0, 25_000, numPartitions=7).selectExpr("-id AS n", "cast(id AS decimal(9,2)) AS d").orderBy("n")
    found = [n for batch in arrow_batches(frame) for n in batch.column("n").to_pylist()]
    assert found == list(range(-24_999, 1))


def test_every_destination_file_is_sound() -> None:
    destinations = load_definitions(CONF / "destinations", destination_model())
    traits = traits_contract(load_definitions(CONF / "traits", TraitSpec))
    groups = {"profile": PROFILES.column_names, "trait": traits.column_names, "prediction": list(SCORE_COLUMNS)}
    check_columns(destinations, groups=groups)
    assert {d.format for d in destinations.values()} == {"csv", "jsonl", "parquet"}
    columns = [{"name": "x", "from": "trait.orders_9d"}]
    wrong = MAIL.model_copy(update={"columns": Spec.model_validate({**MAIL.model_dump(), "columns": columns}).columns})
    with pytest.raises(ConfigError, match=r"conf/destinations/mine.yaml: columns: x: there is no trait 'orders_9d'"):
        check_columns({"mine": wrong}, groups=groups)
