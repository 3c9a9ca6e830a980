"""Who is meant when a steward names people or records, and writing down what the steward decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.ops.identity_overrides import IDENTITY_OVERRIDES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.link_model import LINK_MODEL
from cdp.contracts.silver.scored_records import SCORED_RECORDS
from cdp.core.account import account_name
from cdp.core.errors import ConfigError
from cdp.identity.decisions import (
    Side,
    StewardDecisions,
    decisions_in_force,
    plan_forbid,
    plan_merge,
    plan_unmerge,
)
from cdp.identity.explain import explain_pair, explain_person
from cdp.identity.memory import Memory, made_of
from cdp.identity.record_matches import Matches, beyond_the_driver, match_records
from cdp.identity.rules import IdentityRules
from cdp.rules.definitions import load_definitions
from cdp.runtime.bundle import code_hash
from cdp.runtime.config import Configuration
from cdp.tables.store import Lake, missing_table_error


def decide_merge(lake: Lake, a: str, b: str, *, reason: str, now: datetime) -> dict[str, Any]:
    """Write down that two people, or the people of two records, are one; gives the row."""
    one, other = find_sides(lake, [a, b])
    return _write(lake, plan_merge(one, other, held_decisions(lake)), reason, now)


def decide_forbid(lake: Lake, a: str, b: str, *, reason: str, now: datetime) -> dict[str, Any]:
    """Write down that two people, or two records, are not one; gives the row."""
    one, other = find_sides(lake, [a, b])
    return _write(lake, plan_forbid(one, other, held_decisions(lake)), reason, now)


def decide_unmerge(lake: Lake, named: Sequence[str], *, reason: str, now: datetime) -> dict[str, Any]:
    """Write down that records leave their person, or that a person is no longer what stewards merged."""
    sides = find_sides(lake, list(dict.fromkeys(named)))
    people = {side.person_id for side in sides}
    if len(people) > 1:
        raise ConfigError(f"these are records of {len(people)} people: {', '.join(sorted(people))}")
    whole = [side for side in sides if side.is_person]
    if whole and len(sides) > 1:
        raise ConfigError("name one person, or records of one person")
    taken = () if whole else tuple(side.named for side in sides)
    return _write(lake, plan_unmerge(sides[0], taken, held_decisions(lake)), reason, now)


def explain(lake: Lake, configuration: Configuration, named: Sequence[str]) -> dict[str, Any]:
    """Why two records or people are, or are not, one person; or what holds one person together."""
    sides = find_sides(lake, named)
    records = sorted({record for side in sides for record in side.person_records})
    links = lake.read(IDENTITY_LINKS).filter(F.col("record_id").isin(*records)).collect()
    rows = [row.asDict() for row in links]
    decisions = held_decisions(lake)
    found = _match(lake, configuration, decisions)
    if len(sides) == 1:
        return explain_person(sides[0], rows, found, decisions)
    return explain_pair(sides[0], sides[1], rows, found, decisions)


def held_decisions(lake: Lake) -> StewardDecisions:
    """The decisions in force."""
    if lake.version(IDENTITY_OVERRIDES) < 0:
        return StewardDecisions()
    return decisions_in_force(lake.read(IDENTITY_OVERRIDES).collect())


def find_sides(lake: Lake, named: Sequence[str]) -> list[Side]:
    """The people whom these person or record ids lead to; :class:`ConfigError` for one that leads to nobody."""
    if lake.version(PEOPLE) < 0:
        raise missing_table_error(PEOPLE, "identity.resolve_people")
    owners = lake.read(PERSON_IDENTIFIERS).filter("identifier_type = 'record'").select("value", "person_id")
    wanted = F.col("value").isin(*named) | F.col("person_id").isin(*named)
    mine = F.broadcast(owners.filter(wanted).select("person_id").distinct())
    rows = owners.join(mine, on="person_id", how="left_semi").collect()
    people = {row["person_id"] for row in rows} | set(named)
    known = lake.read(PEOPLE).filter(F.col("person_id").isin(*people)).collect()
    return [_side(name, rows, {row["person_id"]: row for row in known}) for name in named]


def _side(name: str, rows: Sequence[Row], people: dict[str, Row]) -> Side:
    gone = people.get(name)
    if gone is not None and gone["status"] != "active":
        into = f" into {gone['merged_into']}" if gone["merged_into"] else ""
        raise ConfigError(f"{name} is no person any more: {gone['status']}{into}")
    owner = name if gone is not None else next((r["person_id"] for r in rows if r["value"] == name), None)
    if owner is None:
        raise ConfigError(f"{name} is neither a person id nor a record id of the lake: `cdp show person` finds people "
                          "by their e-mail address, phone or customer number")  # fmt: skip
    held = tuple(sorted(r["value"] for r in rows if r["person_id"] == owner))
    if gone is None:
        return Side(name, owner, (name,), held, name, is_person=False)
    return Side(name, owner, held, held, gone["anchor_record_id"], is_person=True)


def _write(lake: Lake, decision: dict[str, Any], reason: str, now: datetime) -> dict[str, Any]:
    if not reason.strip():
        raise ConfigError("--reason must say why: it stands in ops.identity_overrides for whoever asks later")
    told = {**decision, "reason": reason.strip(), "steward": account_name(), "decided_at": now}
    mark = json.dumps(told, sort_keys=True, default=str)
    row = {"override_id": hashlib.sha256(mark.encode()).hexdigest()[:24], **told}
    lake.write(IDENTITY_OVERRIDES, lake.spark.createDataFrame([row], IDENTITY_OVERRIDES.schema))
    return row


def _match(lake: Lake, configuration: Configuration, decisions: StewardDecisions) -> Matches | None:
    rules = load_definitions(configuration.definition_folders("identity"), IdentityRules)["rules"]
    customers, limit = lake.read(CUSTOMER_RECORDS), configuration.settings.identity_driver_edge_limit
    if beyond_the_driver(customers, lake.read(IDENTIFIERS), link_limit=limit):
        return None
    memory = Memory(made_of(code_hash(), rules), configuration.settings.person_id_key, lake.read(LINK_MODEL),
                    lake.read(SCORED_RECORDS))  # fmt: skip
    return match_records(customers, rules=rules, decisions=decisions, memory=memory)
