"""What records declare: one link of the identity graph per record and identifier value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def declare_links(identifiers: DataFrame, generic_values: DataFrame, *, rules: IdentityRules) -> DataFrame:
    """Tie each record to each identifier value that it carries.

    Grain: one row per (record_id, identifier_type, value) whose type has a link rule. The graph is bipartite: k
    records on one value are k links, not k(k-1)/2, and any two records with a common active value are one person. A
    generic value's links are kept with is_active false, so that a refusal can be explained too. weight is log2 of
    the odds of probability, both from the rule of the type. evidence is a JSON object without personal values:
    source, times seen, why inactive. n_seen counts the rows that carry the value, the
    first of them at first_seen_at and the last at last_seen_at.
    """
    linking = identifiers.filter(F.col("identifier_type").isin(*sorted(rules.links)))
    generic = generic_values.select("identifier_type", "value", F.col("reason").alias("refused"))
    joined = linking.join(generic, on=["identifier_type", "value"], how="left")
    evidence = F.to_json(
        F.struct(
            "source",
            "n_seen",
            F.date_format("first_seen_at", "yyyy-MM-dd").alias("first_seen_on"),
            F.date_format("last_seen_at", "yyyy-MM-dd").alias("last_seen_on"),
            F.col("refused"),
        )
    )
    return joined.select(
        "record_id",
        "identifier_type",
        "value",
        F.concat(F.lit("declared:"), "identifier_type").alias("rule"),
        _by_type({name: rule.weight for name, rule in rules.links.items()}).alias("weight"),
        _by_type({name: rule.probability for name, rule in rules.links.items()}).alias("probability"),
        evidence.alias("evidence"),
        F.col("refused").isNull().alias("is_active"),
        "known_from",
        "n_seen",
        "first_seen_at",
        "last_seen_at",
    )


def _by_type(numbers: dict[str, float]) -> Column:
    result: Column = F.lit(None).cast("double")
    for name in sorted(numbers):
        result = F.when(F.col("identifier_type") == name, F.lit(numbers[name])).otherwise(result)
    return result
