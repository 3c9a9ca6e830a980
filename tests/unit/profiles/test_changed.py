"""A later night composes the profiles of people who changed, and has the same rows as one that composes all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.profiles.changed import find_others
from cdp.profiles.compose import CONTENT, compose_profiles
from cdp.profiles.retention import rows_in_time
from cdp.profiles.signs import gather_signs
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.rules.person_records import person_records
from cdp.runtime.catalogue import find_job
from cdp.runtime.config import load_configuration
from cdp.runtime.job import JobContext
from cdp.tables.store import Lake

COMPOSE = find_job("profiles.compose_profiles")
START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
RETENTION = {"demographics": 60}

# Whose records are whose on the first night and on the second; nobody is named twice.
OWNERS = {
    "crm:same": "p_same", "web:same": "p_same", "crm:moved": "p_moved", "crm:seen": "p_seen", "crm:a": "p_a",
    "crm:b": "p_b", "crm:x": "p_x", "crm:y": "p_x", "web:gone": "p_gone", "demographics:old": "p_bought",
    "crm:bought": "p_bought", "demographics:erased": "p_erased", "web:erased": "p_erased", "web:mail": "p_mail",
    "web:twice": "p_same",
}  # fmt: skip
LATER = {r: p for r, p in OWNERS.items() if r not in ("web:gone", "demographics:erased")}
LATER |= {"crm:b": "p_a", "crm:y": "p_y", "crm:new": "p_new", "web:new": "p_new2"}
CHANGED = {
    "p_moved": {"city", "chosen"},
    "p_seen": {"last_seen_at"},
    "p_a": {"n_records", "chosen", "given_name"},
    "p_x": {"n_records", "chosen", "given_name"},
    "p_bought": {"n_records", "chosen", "gender"},
    "p_erased": {"n_records", "chosen", "gender"},
    "p_mail": {"email"},
}


class Profiled:
    """A lake whose tables before the profiles are written by hand, night after night."""

    def __init__(self, lake: Lake, home: Path, rows: Callable[..., DataFrame]) -> None:
        self.lake, self.rows, self.home = lake, rows, home

    def context(self, night: date, conf: Path | None = None) -> JobContext:
        """What a run of the job works with."""
        configuration = load_configuration(env="ci", conf=conf and str(conf), overrides={"home": str(self.home)})
        return JobContext(COMPOSE.job, self.lake, configuration, night, "run", START)

    def run(self, night: date, conf: Path | None = None) -> dict[str, dict[str, Any]]:
        """One run of the job; person_id -> row."""
        context = self.context(night, conf)
        COMPOSE.main(context)
        context.release()
        return {row["person_id"]: row.asDict(recursive=True) for row in self.lake.read(PROFILES).collect()}

    def all_composed(self, night: date) -> dict[str, dict[str, Any]]:
        """What the profiles of the night say where everybody is composed."""
        policy = self.context(night).definition("survivorship", "profile", SurvivorshipPolicy)
        records = person_records(self.lake.read(PERSON_IDENTIFIERS))
        composed = compose_profiles(self.signs(night), records, self.in_time(night), policy=policy).collect()
        return {row["person_id"]: row.asDict(recursive=True) for row in composed}

    def in_time(self, night: date) -> DataFrame:
        """The versions of records that may be used."""
        return rows_in_time(self.lake.read(CUSTOMER_RECORDS), retention=RETENTION, run_date=night)

    def signs(self, night: date) -> DataFrame:
        """What the night has to go by."""
        people, owners = self.lake.read(PEOPLE), self.lake.read(PERSON_IDENTIFIERS)
        return gather_signs(people, owners, self.in_time(night), self.lake.read(IDENTIFIERS))

    def get(self, owners: dict[str, str], *, is_later: bool) -> None:
        """The tables of a night; on the later one p_moved's address and times of p_seen and p_same are others."""
        gone = {p: {"status": "retired"} for p in set(OWNERS.values()) - set(owners.values())}
        people = {p: {"status": "active"} for p in owners.values()} | gone
        held = [("record", record, person) for record, person in owners.items()]
        held += [("email", "new@x" if is_later else "old@x", "p_mail")]
        records = [self.record(r) for r in owners if not r.startswith("web:")]
        if is_later:
            records.append(self.record("crm:moved", days=4, city="York"))
        seen = {r: START + timedelta(days=4 if is_later and r in ("crm:seen", "web:twice") else 3) for r in owners}
        self.write(PEOPLE, [{"person_id": p, **told} for p, told in people.items()])
        self.write(PERSON_IDENTIFIERS, [
            {"identifier_type": k, "value": v, "person_id": p, "source": "x", "valid_from": START} for k, v, p in held
        ])  # fmt: skip
        if is_later:
            self.lake.erase(CUSTOMER_RECORDS, "record_id = 'demographics:erased'")
        self.write(CUSTOMER_RECORDS, records)
        self.write(IDENTIFIERS, [
            {"record_id": r, "identifier_type": "user_id", "value": "u", "source": "x", "n_seen": 1,
             "first_seen_at": START, "last_seen_at": START + timedelta(days=9) if r == "web:same" else at}
            for r, at in seen.items()
        ])  # fmt: skip

    def record(self, record_id: str, days: int = 0, **values: Any) -> dict[str, Any]:
        source, _, name = record_id.partition(":")
        # what demographics:old says was received just so long ago that the second night may not use it any more
        received = datetime(2025, 11, 6, tzinfo=UTC) if name == "old" else START
        own = {"given_name": name, "family_name": "Ruiz", "city": "Leeds", "postcode": "LS1"}
        told = {"gender": "f"} if source == "demographics" else own
        base = {"record_id": record_id, "source": source, "source_record_id": name, "landed_id": record_id}
        times = {"valid_from": START + timedelta(days=days), "change_no": "", "received_at": received}
        return base | times | told | values

    def write(self, contract: Any, rows: list[dict[str, Any]]) -> None:
        self.lake.write(contract, self.rows(contract, rows))


def content_of(profiles: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What profiles say, without the night on which they came to say it."""
    return {person: {name: row[name] for name in (*CONTENT, "made_of")} for person, row in profiles.items()}


def test_a_later_night_composes_who_changed_and_has_the_rows_of_one_that_composes_all(
    lake: Lake, tmp_path: Path, rows: Callable[..., DataFrame]
) -> None:
    profiled = Profiled(lake, tmp_path, rows)
    profiled.get(OWNERS, is_later=False)
    first = profiled.run(FIRST)
    assert {row["changed_on"] for row in first.values()} == {FIRST}
    assert first["p_gone"]["changed"] == ["person_id", "chosen", "n_records", "first_seen_at", "last_seen_at"]

    profiled.get(LATER, is_later=True)
    others = find_others(profiled.signs(SECOND), lake.read(PROFILES), is_comparable=True).collect()
    is_active = {row["person_id"]: row["made_of"] is not None for row in others}
    assert {p for p, is_there in is_active.items() if not is_there} == {"p_b", "p_gone"}
    assert {p for p, is_there in is_active.items() if is_there} == {*CHANGED, "p_same", "p_y", "p_new", "p_new2"}
    second = profiled.run(SECOND)
    assert content_of(second) == profiled.all_composed(SECOND)
    assert {p for p, row in second.items() if row["changed_on"] == SECOND} == {p for p in is_active if is_active[p]}
    assert {p: set(second[p]["changed"]) for p in CHANGED} == CHANGED
    # an identifier was seen again, on a day between the first and the last sign of the person
    assert second["p_same"]["changed"] == []
    assert second["p_new"]["changed"][:3] == ["person_id", "given_name", "family_name"]

    version = lake.version(PROFILES)
    profiled.run(SECOND)  # as after a kill between the table and the note that the job has ended
    assert lake.version(PROFILES) == version

    (tmp_path / "conf" / "survivorship").mkdir(parents=True)
    bundled = (Path(__file__).parents[3] / "conf" / "survivorship" / "profile.yaml").read_text(encoding="utf-8")
    other = bundled.replace("family_name], rule: most_recent", "family_name], rule: most_complete")
    assert other != bundled
    (tmp_path / "conf" / "survivorship" / "profile.yaml").write_text(other, encoding="utf-8")
    third = profiled.run(THIRD, tmp_path / "conf")  # everybody is composed
    changed = {p for p, row in third.items() if row["changed_on"] == THIRD}
    assert changed == {p for p in third if any(third[p][name] != second[p][name] for name in CONTENT)} != set()
    assert {p: row["changed_on"] for p, row in third.items() if p not in changed} == {
        p: second[p]["changed_on"] for p in third if p not in changed
    }


def test_a_value_that_moves_to_a_column_that_was_null_gives_another_mark(rows: Callable[..., DataFrame]) -> None:
    owners = [{"identifier_type": "record", "value": "crm:1", "person_id": "p", "source": "x", "valid_from": START}]
    people = rows(PEOPLE, [{"person_id": "p", "status": "active"}])

    def mark(**named: str) -> int:
        records = rows(CUSTOMER_RECORDS, [{"record_id": "crm:1", **named}])
        signs = gather_signs(people, rows(PERSON_IDENTIFIERS, owners), records, rows(IDENTIFIERS, []))
        return int(signs.collect()[0].made_of)

    assert mark(given_name="Ana") != mark(family_name="Ana")
