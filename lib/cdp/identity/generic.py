"""Identifier values that tie too many people together to say who somebody is: silver.generic_values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.identity.rules import GenericPattern, IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ACCENTED = "àáâãäåāąçćčďđèéêëēęěìíîïłñńňòóôõöøőřśšşťùúûüůűýÿźżž"
_PLAIN = "aaaaaaaacccddeeeeeeeiiiilnnnooooooorssstuuuuuuyyzzz"
_VALUE = ("identifier_type", "value")


def find_generic_values(identifiers: DataFrame, customer_records: DataFrame, *, rules: IdentityRules) -> DataFrame:
    """Find the values that must join nobody, and say why.

    Grain: one row per (identifier_type, value) that is generic; types without a link rule are not judged. n_people
    is the number of distinct people that the value ties together as its rule counts them (0: its records say
    nothing of people), n_records the records that carry it. A family's phone, a kiosk's device and info@ are
    generic; so is whatever has the form of a filler. Counted over all rows, never over a sample: the limit is about
    the worst value, not the usual one.
    """
    judged = identifiers.filter(F.col("identifier_type").isin(*sorted(rules.links)))
    records = judged.groupBy(*_VALUE).agg(F.count(F.lit(1)).alias("n_records"))
    people = _count_people(judged, customer_records, rules=rules)
    counted = records.join(people, on=list(_VALUE), how="left").withColumn(
        "n_people", F.coalesce("n_people", F.lit(0).cast("bigint"))
    )
    return (
        counted.withColumn("reason", _reason(rules))
        .filter("reason IS NOT NULL")
        .select(*_VALUE, "n_people", "n_records", "reason")
    )


def _count_people(judged: DataFrame, customer_records: DataFrame, *, rules: IdentityRules) -> DataFrame:
    """(identifier_type, value, n_people): the largest count that the rules of its type ask for."""
    counts = []
    by_name = _types_counted_by(rules, "name_and_birth_date")
    if by_name:
        counts.append(
            _people_by_name(customer_records, rules.nicknames).filter(F.col("identifier_type").isin(*by_name))
        )
    for other in ("user_id", "customer_id", "loyalty_id", "email"):
        types = _types_counted_by(rules, other)
        if types:
            counts.append(_people_by_identifier(judged, types=types, other=other))
    people = reduce(lambda left, right: left.unionByName(right), counts)
    return people.groupBy(*_VALUE).agg(F.max("n_people").alias("n_people"))


def _types_counted_by(rules: IdentityRules, how: str) -> list[str]:
    return sorted(name for name, rule in rules.links.items() if how in rule.people_by)


def _people_by_name(customer_records: DataFrame, nicknames: Mapping[str, str]) -> DataFrame:
    """The least number of people that explains the customer records with a value.

    People are told apart by the first letter of the given name and the birth date. Three things make one person
    look like two and are allowed for: a nickname (Tony is Anthony), day and month swapped between two date formats,
    and given and family name swapped. The last is seen by taking the two initials in either order; as marriage
    changes the family name, the smaller of both counts holds. Records without a birth date can only speak by their
    initials; those without a given name say nothing.
    """
    given = initial_of(full_name(F.col("given_name"), nicknames))
    family = initial_of(F.col("family_name"))
    day, month = F.dayofmonth("birth_date"), F.month("birth_date")
    born = F.concat_ws("-", F.year("birth_date"), F.least(day, month), F.greatest(day, month))
    people = customer_records.select(
        F.inline("identifiers").alias(*_VALUE),
        given.alias("given"),
        F.sort_array(F.array(given, F.coalesce(family, F.lit("")))).alias("either"),
        F.when(F.col("birth_date").isNotNull(), born).alias("born"),
    ).filter("given IS NOT NULL")
    dated = F.col("born").isNotNull()

    def fewest(*keys: str) -> Column:
        with_birth = [F.count_distinct(F.when(dated, F.struct(key, "born"))) for key in keys]
        without = [F.count_distinct(key) for key in keys]
        return F.greatest(F.least(*with_birth), F.least(*without))

    return people.groupBy(*_VALUE).agg(fewest("given", "either").alias("n_people"))


def full_name(name: Column, nicknames: Mapping[str, str]) -> Column:
    """The first word of a given name in lower case, and a nickname as the name that it stands for."""
    first = F.regexp_extract(F.lower(F.trim(name)), "^[^ ]+", 0)
    if not nicknames:
        return first
    known = F.create_map(*[F.lit(text) for pair in sorted(nicknames.items()) for text in pair])
    return F.coalesce(F.try_element_at(known, first), first)


def _people_by_identifier(judged: DataFrame, *, types: list[str], other: str) -> DataFrame:
    """Distinct values of the identifier type `other` in the records that carry a value of `types`."""
    carriers = judged.filter(F.col("identifier_type").isin(*types)).select("record_id", *_VALUE)
    others = judged.filter(F.col("identifier_type") == other).select("record_id", F.col("value").alias("other"))
    return (
        carriers.join(others, on="record_id", how="inner")
        .groupBy(*_VALUE)
        .agg(F.count_distinct("other").alias("n_people"))
    )


def initial_of(name: Column) -> Column:
    """First letter of a name in lower case without accents; null when the name has no letter."""
    letters = F.regexp_replace(F.lower(name), "[^\\p{L}]", "")
    initial = F.translate(F.substring(letters, 1, 1), _ACCENTED, _PLAIN)
    return F.when(initial != "", initial)


def _reason(rules: IdentityRules) -> Column:
    """Why a counted value is generic; null when it is not."""
    result: Column = F.lit(None).cast("string")
    for name in sorted(rules.links):
        limit = rules.links[name].max_people
        text = F.concat(F.lit("ties together "), F.col("n_people"), F.lit(f" people, limit {limit}"))
        over = (F.col("identifier_type") == name) & (F.col("n_people") > limit)
        result = F.when(over, text).otherwise(result)
    for pattern in reversed(rules.generic_patterns):
        result = F.when(_has_form(pattern), F.lit(pattern.reason)).otherwise(result)
    if rules.generic_words:
        result = F.when(F.lower("value").isin(*rules.generic_words), F.lit("a word for nothing")).otherwise(result)
    return result


def _has_form(pattern: GenericPattern) -> Column:
    return F.col("identifier_type").isin(*pattern.types) & F.col("value").rlike(pattern.pattern)
