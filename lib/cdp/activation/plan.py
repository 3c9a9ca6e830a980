"""Plan an export: the members who may be sent, with the columns that the destination takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.activation.spec import DestinationSpec, ExportColumn
from cdp.core.errors import ConfigError, nearest_name
from cdp.rules.consent import mark_consent


@dataclass(frozen=True)
class MemberCounts:
    """One audience at the gate: its members on the date, how many of them entered on it, how many left on it,
    and how many members are kept back for want of consent."""

    n_members: int = 0
    n_entered: int = 0
    n_left: int = 0
    n_withheld: int = 0


def clear_members(
    members: DataFrame, states: Sequence[DataFrame], *, purposes: Mapping[str, str], run_date: date
) -> DataFrame:
    """One row per stay that holds on ``run_date`` or ended on it, of the audiences of ``purposes``.

    Columns: ``audience``, ``person_id``, ``is_in``, ``has_entered`` (on the date), ``is_granted``. ``purposes``
    is audience -> consent purpose. ``states`` are consent states (:func:`cdp.rules.consent.consent_states`) of
    one or more times, ALL of which must grant: sending again may then take people out but never add any.
    """
    day = F.lit(run_date)
    is_in = F.col("left_on").isNull() | (F.col("left_on") > day)
    asked = members.where(F.col("audience").isin(*purposes) & (F.col("entered_on") <= day) & (is_in | _left(run_date)))
    granted = F.lit(True)
    for number, of_time in enumerate(states):
        asked = mark_consent(asked, of_time, _purpose_of(purposes), into=f"_consent_{number}")
        granted = granted & (F.col(f"_consent_{number}") == "granted")
    return asked.select(
        "audience",
        "person_id",
        is_in.alias("is_in"),
        (F.col("entered_on") == day).alias("has_entered"),
        granted.alias("is_granted"),
    )


def count_members(cleared: DataFrame, audiences: Iterable[str]) -> dict[str, MemberCounts]:
    """Audience -> its counts, for all audiences in one Spark job."""
    is_in = F.col("is_in")
    counted = cleared.groupBy("audience").agg(
        F.count_if(is_in).alias("n_members"),
        F.count_if(is_in & F.col("has_entered")).alias("n_entered"),
        F.count_if(~is_in).alias("n_left"),
        F.count_if(is_in & ~F.col("is_granted")).alias("n_withheld"),
    )
    found = {audience: MemberCounts(*counts) for audience, *counts in counted.collect()}
    return {audience: found.get(audience, MemberCounts()) for audience in audiences}


def find_addressees(
    members: DataFrame,
    facts: DataFrame,
    person_identifiers: DataFrame,
    *,
    destinations: Iterable[DestinationSpec],
    run_date: date,
) -> DataFrame:
    """One wide row per person who is in any audience on ``run_date``: the facts, and identifiers by type.

    ``facts`` is one row per person of profile, trait and score columns. Of each identifier type that a
    destination asks for the person's newest that is open on the date is taken, the smallest value where times
    tie, as ``_identifier_<type>``.
    """
    day = F.lit(run_date)
    is_in = (F.col("entered_on") <= day) & (F.col("left_on").isNull() | (F.col("left_on") > day))
    people = members.where(is_in).select("person_id").distinct()
    wide = people.join(facts, on="person_id", how="left")
    types = sorted(_identifier_types(destinations))
    if not types:
        return wide
    is_open = F.col("valid_to").isNull() | (F.col("valid_to") > day.cast("timestamp"))
    newest = person_identifiers.where(F.col("identifier_type").isin(*types) & is_open).groupBy("person_id")
    identifiers = newest.agg(
        *(
            F.min_by("value", F.when(F.col("identifier_type") == t, _newest_first())).alias(f"_identifier_{t}")
            for t in types
        )
    )
    return wide.join(identifiers, on="person_id", how="left")


def plan_export(cleared: DataFrame, addressees: DataFrame, *, audience: str, destination: DestinationSpec) -> DataFrame:
    """One row per member of ``audience`` who may be sent, ordered by ``person_id``.

    Columns are exactly the destination's, in its order. People who lack a required one are left out.
    """
    allowed = cleared.where((F.col("audience") == audience) & F.col("is_in") & F.col("is_granted"))
    wide = allowed.select("person_id").join(addressees, on="person_id", how="left")
    values = [_value(column).alias(column.name) for column in destination.columns]
    rows = wide.select(F.col("person_id").alias("_person_id"), *values)
    for column in destination.columns:
        if column.required:
            rows = rows.where(F.col(f"`{column.name}`").isNotNull())
    return rows.orderBy("_person_id").drop("_person_id")


def check_columns(destinations: Mapping[str, DestinationSpec], *, groups: Mapping[str, list[str]]) -> None:
    """Every source column must exist: ``groups`` is profile/trait/prediction -> the names that it has.

    Raises :class:`ConfigError` with the file and the nearest name. Identifier types are free.
    """
    for name, destination in sorted(destinations.items()):
        for column in destination.columns:
            for source in column.sources:
                group, _, field = source.partition(".")
                if group in groups and field not in groups[group]:
                    hint = nearest_name(field, groups[group])
                    raise ConfigError(
                        f"conf/destinations/{name}.yaml: columns: {column.name}: there is no {group} {field!r}; {hint}"
                    )


def _purpose_of(purposes: Mapping[str, str]) -> Column:
    purpose = F.lit(None).cast("string")
    for audience, name in sorted(purposes.items()):
        purpose = F.when(F.col("audience") == audience, F.lit(name)).otherwise(purpose)
    return purpose


def _left(run_date: date) -> Column:
    return F.col("left_on") == F.lit(run_date)


def _identifier_types(destinations: Iterable[DestinationSpec]) -> set[str]:
    sources = [source for d in destinations for column in d.columns for source in column.sources]
    return {s.partition(".")[2] for s in sources if s.startswith("identifier.")}


def _newest_first() -> Column:
    """An order in which the newest start comes first, an unknown start last, then the smallest value."""
    start = F.coalesce(F.unix_micros("valid_from"), F.lit(-(2**62)))
    return F.struct((-start).alias("age"), F.col("value"))


def _value(column: ExportColumn) -> Column:
    """The first of the column's sources that is not null."""
    return F.coalesce(*(F.col(_wide_name(source)) for source in column.sources))


def _wide_name(source: str) -> str:
    """Where the planner's wide row holds a source such as ``trait.orders_90d`` or ``identifier.email``."""
    group, _, field = source.partition(".")
    if group == "identifier":
        return f"`_identifier_{field}`"
    return f"`{field or group}`"
