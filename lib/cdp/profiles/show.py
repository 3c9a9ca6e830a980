"""One person in full: what the tables say of them, gathered for `cdp show person`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.profiles.statements import other_statements

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Row = dict[str, Any]

# A kiosk's person can have a hundred thousand records; nobody reads more than this, and the driver must hold it.
MAX_ROWS = 200


@dataclass(frozen=True)
class Tie:
    """One identifier value and the records of the person that carry it; an inactive one ties nothing, see `reason`."""

    identifier_type: str
    value: str
    records: tuple[str, ...]
    is_active: bool
    reason: str | None = None


@dataclass(frozen=True)
class PersonDescription:
    """All that is known of one person, newest first where there is a time, at most MAX_ROWS rows a list.

    asked: what was asked for, when it was not the person's own id (an identifier, or an id that was merged into
    it). others: what the records state, or stated once, besides the chosen values. accounts: the companies whose
    customer the person is, with what says so. household: whoever lives with the person, the person too.
    """

    person_id: str
    asked: str | None
    person: Row
    identifiers: list[Row]
    ties: list[Tie]
    profile: Row
    traits: Row
    predictions: list[Row]
    audiences: list[Row]
    consents: list[Row]
    events: list[Row]
    others: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    household: list[Row] = field(default_factory=list)


def describe_person(
    asked: str,
    *,
    people: DataFrame,
    person_identifiers: DataFrame,
    identity_links: DataFrame,
    profiles: DataFrame | None = None,
    customer_records: DataFrame | None = None,
    events: DataFrame | None = None,
    order_lines: DataFrame | None = None,
    consents: DataFrame | None = None,
    traits: DataFrame | None = None,
    predictions: DataFrame | None = None,
    audience_members: DataFrame | None = None,
    history: DataFrame | None = None,
    accounts: DataFrame | None = None,
    account_members: DataFrame | None = None,
    household_members: DataFrame | None = None,
    max_events: int = 20,
) -> PersonDescription:
    """Look one person up by person id, record id or any identifier value, and gather what the tables say.

    `asked` may be an id that was merged: the survivor is shown. Frames that are None (a table that does not exist
    yet) give empty parts. Raises ConfigError when nobody is found, or when a value of several types belongs to
    several people.
    """
    person = _find_person(asked, people, person_identifiers)
    person_id = person["person_id"]
    identifiers = _collect(person_identifiers, F.col("person_id") == person_id, "identifier_type", "value")
    records = [row["value"] for row in identifiers if row["identifier_type"] == "record"]
    of_records = F.col("record_id").isin(*records) if records else F.lit(False)
    of_person = F.col("person_id") == person_id
    profile = _first(profiles, of_person)
    versions = _collect(customer_records, of_records, F.desc("valid_from"), "record_id", "change_no")
    return PersonDescription(
        person_id=person_id,
        asked=None if asked == person_id else asked,
        person=person,
        identifiers=[row for row in identifiers if row["identifier_type"] != "record"],
        ties=_ties(identity_links, of_records),
        profile=profile,
        traits=_first(traits, of_person),
        predictions=_collect(_newest(predictions, of_person, "model", "as_of"), F.lit(True), "model"),
        audiences=_collect(audience_members, of_person, "audience", F.desc("entered_on")),
        consents=_collect(consents, of_records, F.desc("valid_from"), "purpose"),
        events=_recent_events(events, order_lines, of_records, max_events),
        others=other_statements(versions, profile),
        history=_collect(
            history,
            of_person | F.array_contains("successor_ids", person_id) | F.array_contains("predecessor_ids", person_id),
            F.desc("run_date"),
            "kind",
        ),
        accounts=_accounts(account_members, accounts, of_person),
        household=_household(household_members, of_person),
    )


def _accounts(members: DataFrame | None, accounts: DataFrame | None, of_person: Column) -> list[Row]:
    """The accounts of the person, those first of which most records tell: account_id, name, told_by, known_from."""
    if members is None or accounts is None:
        return []
    named = members.join(accounts.select("account_id", "name", "n_people"), on="account_id", how="left")
    return _collect(named, of_person, F.desc("n_records"), "account_id")


def _household(members: DataFrame | None, of_person: Column) -> list[Row]:
    """The people of the person's household, where there are several: person_id, household_id."""
    if members is None:
        return []
    home = members.filter(of_person & (F.col("n_people") > 1)).select("household_id")
    return _collect(members.join(home, on="household_id", how="left_semi"), F.lit(True), "person_id")


def _find_person(asked: str, people: DataFrame, person_identifiers: DataFrame) -> Row:
    """The row of gold.people that `asked` leads to, through identifiers and merges."""
    owners = person_identifiers.filter(F.col("value") == asked.strip()).select("person_id", "identifier_type")
    named = people.filter(F.col("person_id") == asked.strip())
    found = named.selectExpr("coalesce(merged_into, person_id) person_id", "'person id' identifier_type").union(owners)
    rows = found.join(people, on="person_id", how="inner").limit(MAX_ROWS).collect()
    ids = sorted({row["person_id"] for row in rows})
    if not ids:
        raise ConfigError(
            "no person has this id or identifier: identifiers are looked up in their normalised form (e-mail in lower "
            "case, phone as +441234567890), and values shared by many people belong to nobody (silver.generic_values)"
        )
    if len(ids) > 1:
        raise ConfigError(
            f"this value belongs to {len(ids)} people under different types: ask for one of {', '.join(ids)}"
        )
    row = rows[0].asDict(recursive=True)
    row.pop("identifier_type")
    return row


def _ties(identity_links: DataFrame, of_records: Column) -> list[Tie]:
    """Which identifier values stand in which of the person's records: those in several records are why they are one."""
    refused = F.get_json_object("evidence", "$.refused")
    # a matched pair is a link to the other record, which is one of the records that it ties
    other = F.when(F.col("identifier_type") == "record", F.array("value")).otherwise(F.array().cast("array<string>"))
    records = F.sort_array(F.array_union(F.collect_set("record_id"), F.any_value(other)))
    grouped = (
        identity_links.filter(of_records)
        .groupBy("identifier_type", "value", "is_active")
        .agg(records.alias("records"), F.max(refused).alias("reason"))
        .orderBy(F.desc("is_active"), F.desc(F.size("records")), "identifier_type", "value")
        .limit(MAX_ROWS)
    )
    return [
        Tie(row["identifier_type"], row["value"], tuple(row["records"]), row["is_active"], row["reason"])
        for row in grouped.collect()
    ]


def _recent_events(
    events: DataFrame | None, order_lines: DataFrame | None, of_records: Column, limit: int
) -> list[Row]:
    """The newest events and order lines: at, source, what, detail, record_id."""
    parts = []
    if events is not None:
        parts.append(
            events.filter(of_records).select(
                F.col("event_at").alias("at"),
                "source",
                F.coalesce("event_name", "event_type").alias("what"),
                F.col("properties").alias("detail"),
                "record_id",
                F.col("event_id").alias("key"),
            )
        )
    if order_lines is not None:
        sold = F.concat_ws(
            " ", "quantity", F.coalesce("product_name", "product_id"), F.lit("for"), "amount", "currency"
        )
        parts.append(
            order_lines.filter(of_records).select(
                F.col("ordered_at").alias("at"),
                "source",
                F.when(F.col("is_return"), "returned").otherwise("bought").alias("what"),
                sold.alias("detail"),
                "record_id",
                F.col("order_line_id").alias("key"),
            )
        )
    if not parts:
        return []
    union = parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])
    return [row.asDict() for row in union.orderBy(F.desc("at"), "key").limit(limit).drop("key").collect()]


def _newest(frame: DataFrame | None, condition: Column, key: str, date: str) -> DataFrame | None:
    """Of the rows that fulfil the condition, those of the newest date per key."""
    if frame is None:
        return None
    kept = frame.filter(condition)
    newest = kept.groupBy(key).agg(F.max(date).alias(date))
    return kept.join(F.broadcast(newest), on=[key, date], how="left_semi")


def _collect(frame: DataFrame | None, condition: Column, *order: Column | str) -> list[Row]:
    if frame is None:
        return []
    return [row.asDict(recursive=True) for row in frame.filter(condition).orderBy(*order).limit(MAX_ROWS).collect()]


def _first(frame: DataFrame | None, condition: Column) -> Row:
    rows = frame.filter(condition).limit(1).collect() if frame is not None else []
    return rows[0].asDict(recursive=True) if rows else {}


def short_time(value: object) -> str:
    """A time to the minute, a date as it is, anything else as text; empty for null."""
    if value is None:
        return ""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)


def stated(row: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """The columns of a row that say something."""
    return {name: value for name, value in row.items() if name not in without and value not in (None, [], "")}
