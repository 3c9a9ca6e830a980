"""The profiles of a night: composed for people of whom something became other, left as they are for all the rest."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.contracts.gold.profiles import PROFILES
from cdp.profiles.compose import CONTENT, compose_profiles
from cdp.profiles.survivorship import SurvivorshipPolicy

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Ids of so many people are sent to where rows are read, some megabytes, rather than sorting all rows of everybody.
_FEW_PEOPLE = 20_000


def find_others(signs: DataFrame, held: DataFrame, *, is_comparable: bool) -> DataFrame:
    """Who is not as in the profiles `held`: the signs of people to compose, and those whose profile goes.

    Grain: one row of `signs` per person; nothing but the id where nobody is that person any more. `is_comparable` is
    false where other rules or other code made `held`: then it is everybody.
    """
    marks = held.select("person_id", F.col("made_of").alias("held"))
    joined = signs.join(marks, on="person_id", how="full")
    others = joined.filter("made_of IS NULL OR held IS NULL OR made_of <> held") if is_comparable else joined
    return others.drop("held")


def renew_profiles(
    others: DataFrame,
    held: DataFrame,
    records: DataFrame,
    customer_records: DataFrame,
    *,
    policy: SurvivorshipPolicy,
    run_date: date,
    is_comparable: bool,
) -> DataFrame:
    """All profiles of tonight: those of `others` as :func:`compose_profiles` makes them, the rest from `held`.

    Grain: one row of gold.profiles per active person. `others` is as of :func:`find_others` and read several times.
    changed_on is tonight for a person of whom anything became other, in the profile or only in what it is made of;
    with other rules or code (`is_comparable` false), where the profile itself did. `changed` names the columns that
    became other on that night; of a person without a profile before, all with a value.
    """
    n_others = others.count()
    if not n_others:
        return held
    if n_others <= _FEW_PEOPLE:
        theirs = records.join(F.broadcast(others.select("person_id")), on="person_id", how="left_semi")
        records = F.broadcast(theirs)
    composed = compose_profiles(others, records, customer_records, policy=policy)
    return _put_in_place(composed, held, run_date=run_date, is_comparable=is_comparable)


def _put_in_place(composed: DataFrame, held: DataFrame, *, run_date: date, is_comparable: bool) -> DataFrame:
    """The rows of `held` with `composed` ones in their place: with its dates, and without who is gone (no made_of)."""
    was = held.select("person_id", F.struct(*_of_todays_types(held)).alias("held"))
    now = composed.select("person_id", F.struct(*composed.columns).alias("composed"))
    joined = was.join(now, on="person_id", how="full").filter("composed IS NULL OR composed.made_of IS NOT NULL")
    stays = F.col("composed").isNull()
    is_other = {name: ~F.col(f"composed.{name}").eqNullSafe(F.col(f"held.{name}")) for name in CONTENT}
    other = F.array_compact(F.array(*[F.when(is_other[name], F.lit(name)) for name in CONTENT]))
    # A night that is run again with other rows adds to what it changed before.
    before = F.when(F.col("held.changed_on") == F.lit(run_date), F.col("held.changed"))
    changed = F.array_union(F.coalesce(before, F.array().cast("array<string>")), other)
    changes = ~stays & (F.lit(is_comparable) | (F.size(other) > 0))
    columns = {
        name: F.when(stays, F.col(f"held.{name}")).otherwise(F.col(f"composed.{name}")) for name in composed.columns
    }
    columns["changed_on"] = F.when(changes, F.lit(run_date)).otherwise(F.col("held.changed_on"))
    columns["changed"] = F.when(changes, changed).otherwise(F.col("held.changed"))
    return joined.select(*[columns[name].alias(name) for name in PROFILES.column_names])


def _of_todays_types(held: DataFrame) -> list[Column]:
    """The columns of `held`; null where an earlier release wrote another type, so that they became other tonight."""
    today = {field.name: field.dataType.simpleString() for field in PROFILES.schema}
    return [
        (F.col(f.name) if f.dataType.simpleString() == today[f.name] else F.lit(None).cast(today[f.name])).alias(f.name)
        for f in held.schema
    ]
