"""Which value survives: the winning record of each group of attributes and of each key, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.profiles.confidence import confidence, confidence_of_one
from cdp.profiles.survivorship import AttributeGroup, SurvivorshipPolicy

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_YES = ("true", "yes", "1")


def choose_values(owned: DataFrame, policy: SurvivorshipPolicy) -> DataFrame:
    """One row per person: the columns of each group from its winning record, `entries` and n_records.

    ``owned``: one row per record: person_id, record_id, source, valid_from, attributes, the columns of a profile, and
    `say`, its weight where the newest counts. The records of one person are held together in one row while their
    confidence is computed, some 300 bytes a record.
    """
    groups = sorted(policy.groups.items())
    standings = {f"standing_{name}": _standing(policy, group) for name, group in groups}
    orders = {f"order_{name}": _order(policy, group, F.col(f"standing_{name}")) for name, group in groups}
    columns = [(name, group, column) for name, group in groups for column in group.columns]
    said = F.array(*[F.lower(F.col(column).cast("string")) for _, _, column in columns]).alias("said")
    ranks = F.array(*[F.col(f"standing_{name}") for name, _, _ in columns]).alias("ranks")
    best = (
        owned.withColumns(standings)
        .withColumns(orders)
        .groupBy("person_id")
        .agg(
            *[_winner(name, group).alias(f"best_{name}") for name, group in groups],
            F.sort_array(F.collect_list(F.struct("record_id", "source", "say", said, ranks))).alias("stated"),
            F.count(F.lit(1)).alias("n_records"),
        )
    )
    values = [F.col(f"best_{name}.{column}").alias(column) for name, _, column in columns]
    entries = []
    for place, (name, group, column) in enumerate(columns):
        entry = chosen_entry(F.lit(column), F.col(f"best_{name}"), group.rule, F.get("sure", F.lit(place)))
        entries.append(F.when(F.col(f"best_{name}.{column}").isNotNull(), entry))
    lone = F.array_repeat(confidence_of_one(F.lit(1.0)), len(columns))
    best = best.withColumn("sure", F.when(F.col("n_records") == 1, lone).otherwise(_confidences(columns)))
    return best.select("person_id", "n_records", *values, F.array_compact(F.array(*entries)).alias("entries"))


def merge_attributes(owned: DataFrame, policy: SurvivorshipPolicy) -> DataFrame:
    """One row per person: all keys of the records' JSON objects, each from its newest record, values as they were.

    ``owned``: as for :func:`choose_values`.
    """
    parsed = F.from_json(F.to_json(F.try_parse_json("attributes")), "MAP<STRING, VARIANT>")
    told = owned.filter("attributes IS NOT NULL").withColumn("standing", _is_own(policy))
    columns = ("person_id", "record_id", "source", "valid_from", "say", "standing")
    pairs = told.select(*columns, F.explode(parsed).alias("key", "value"))
    said = pairs.withColumn("text", F.to_json("value")).filter("text IS NOT NULL AND text <> 'null' AND text <> '\"\"'")
    value = F.struct("text", F.lower("text").alias("value"), "source", "record_id", "valid_from", "standing")
    order = F.struct("standing", "valid_from", _place(policy).alias("place"), "record_id")
    statement = F.struct("record_id", "source", "say", "standing", F.lower("text").alias("said"))
    statements = F.sort_array(F.collect_list(statement))
    winners = said.groupBy("person_id", "key").agg(F.max_by(value, order).alias("best"), statements.alias("stated"))
    quoted_key = F.to_json(F.array("key"))
    member = F.concat(quoted_key.substr(F.lit(2), F.length(quoted_key) - 2), F.lit(":"), "best.text")
    votes = _votes(F.col("best"), ages=F.lit(True), said=lambda r: r["said"], rank=lambda r: r["standing"])
    one = confidence_of_one(F.get("stated", F.lit(0))["say"])
    sure = F.when(F.size("stated") == 1, one).otherwise(confidence(votes))
    entry = chosen_entry(F.concat(F.lit("attributes."), "key"), F.col("best"), "most_recent", sure)
    return winners.groupBy("person_id").agg(
        F.concat(F.lit("{"), F.array_join(F.sort_array(F.collect_list(member)), ","), F.lit("}")).alias("attributes"),
        F.collect_list(entry).alias("attribute_entries"),
    )


def chosen_entry(attribute: Column, best: Column, rule: str, sure: Column) -> Column:
    """An element of `chosen`: ``best`` is a struct with source, record_id and valid_from of the value that won."""
    return F.struct(
        attribute.alias("attribute"),
        best["source"].alias("source"),
        best["record_id"].alias("record_id"),
        best["valid_from"].alias("valid_from"),
        F.lit(rule).alias("rule"),
        sure.alias("confidence"),
    )


def _confidences(columns: Sequence[tuple[str, AttributeGroup, str]]) -> Column:
    """The confidence of each column's value, null where it has none: one expression for all, or planning takes longer
    than computing."""
    questions = [
        F.struct(
            F.lit(place).alias("place"),
            F.lower(F.col(f"best_{name}.{column}").cast("string")).alias("value"),
            F.col(f"best_{name}.standing").alias("standing"),
            F.lit(group.rule == "most_recent").alias("ages"),
        )
        for place, (name, group, column) in enumerate(columns)
    ]

    def answer(asked: Column) -> Column:
        votes = _votes(
            asked,
            ages=asked["ages"],
            said=lambda record: F.get(record["said"], asked["place"]),
            rank=lambda record: F.get(record["ranks"], asked["place"]),
        )
        return F.when(asked["value"].isNotNull(), confidence(votes))

    return F.transform(F.array(*questions), answer)


def _votes(
    chosen: Column, *, ages: Column, said: Callable[[Column], Column], rank: Callable[[Column], Column]
) -> Column:
    """What the records in `stated` that say anything say of the chosen value, for `confidence`.

    ``chosen``: struct with value and standing. ``said`` and ``rank`` give what a record says and its standing.
    A record that the policy ranks below the winner by its kind (bought below own, not verified below verified)
    could not win whatever it says, so it is not asked. What changes with time is said by the newest (``ages``);
    where another rule decides, all records have the same say. Capital letters make no difference.
    """
    heard = F.filter("stated", lambda record: said(record).isNotNull() & (rank(record) >= chosen["standing"]))
    return F.transform(
        heard,
        lambda record: F.struct(
            record["source"].alias("source"),
            F.when(ages, record["say"]).otherwise(1.0).alias("weight"),
            (said(record) == chosen["value"]).alias("agrees"),
        ),
    )


def _is_own(policy: SurvivorshipPolicy) -> Column:
    """1 for own data, 0 for bought data that only fill gaps."""
    return (~F.col("source").isin(*policy.fill_only)).cast("int") if policy.fill_only else F.lit(1)


def _standing(policy: SurvivorshipPolicy, group: AttributeGroup) -> Column:
    """The kind of a record, whatever the rule: own above bought, and where the group asks, verified above not."""
    if group.verified_by is None:
        return _is_own(policy)
    said = F.lower(F.get_json_object("attributes", f"$.{group.verified_by}"))
    return 2 * _is_own(policy) + F.coalesce(said.isin(*_YES), F.lit(False)).cast("int")


def _place(policy: SurvivorshipPolicy) -> Column:
    """The better the source, the greater."""
    place = F.lit(-len(policy.source_priority))
    for position, source in enumerate(policy.source_priority):
        place = F.when(F.col("source") == source, F.lit(-position)).otherwise(place)
    return place


def _order(policy: SurvivorshipPolicy, group: AttributeGroup, standing: Column) -> Column:
    """What the winner is the greatest of: its standing, then what the rule says, then time and source."""
    order: list[Column] = [F.col("valid_from"), _place(policy)]
    if group.rule == "source_priority":
        order.reverse()
    elif group.rule == "most_complete":
        order.insert(0, F.size(F.array_compact(F.array(*[F.col(c).cast("string") for c in group.columns]))))
    elif group.rule == "most_frequent":
        same = Window.partitionBy("person_id", *[F.lower(F.col(c).cast("string")) for c in group.columns])
        order.insert(0, F.count(F.when(_offers(group), 1)).over(same))
    parts = [standing, *order, F.col("record_id")]
    return F.struct(*[part.alias(f"o{i}") for i, part in enumerate(parts)])


def _winner(name: str, group: AttributeGroup) -> Column:
    """The group's values, source, record, time and standing in the record that comes first; null if none offers any."""
    standing = F.col(f"standing_{name}").alias("standing")
    value = F.struct(*group.columns, "source", "record_id", "valid_from", standing)
    offers = _offers(group)
    return F.max_by(F.when(offers, value), F.when(offers, F.col(f"order_{name}")))


def _offers(group: AttributeGroup) -> Column:
    """Whether a record has something to say on the group."""
    result = F.coalesce(*[F.col(c).cast("string") for c in group.columns]).isNotNull()
    for column in group.requires:
        result = result & F.col(column).isNotNull()
    return result
