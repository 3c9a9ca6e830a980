"""All links of the night: what records declare, what matching found and what stewards decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.core.errors import ConfigError
from cdp.core.hold import hold
from cdp.identity.components import connected_components
from cdp.identity.decisions import StewardDecisions, steward_links
from cdp.identity.graph import RECORD, node_number
from cdp.identity.linkage.policy import ALWAYS
from cdp.identity.record_matches import Matches, matched_links
from cdp.identity.refusals import TOLD_APART, DeclaredLinks, Judge, KnownPeople, Numbers, Refused, find_refused
from cdp.identity.rules import Policy, ValueLimit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Settled:
    """links: rows of silver.identity_links. refused: how many links were refused, by reason."""

    links: DataFrame
    refused: Mapping[str, int]


def settle_links(
    declared: DataFrame,
    found: Matches | None,
    decisions: StewardDecisions,
    policy: Policy = Policy(),
    *,
    driver_edge_limit: int | None = None,
) -> Settled:
    """The rows of silver.identity_links, from links as of `declare_links` and what is known beside them.

    Grain: as the declared links; a link between two records has the type `record` and the other record as value. A
    declared link that would join people whom matching, policy or a steward keeps apart, or give a person more values
    than policy allows, stays with is_active false and the reason in its evidence. Without all of these the declared
    links are all there is.

    The active links come to the driver. `driver_edge_limit` is for a lake where they are more than it holds: then those
    of the components come that a decision or a limit of policy concerns, and ConfigError is raised if they are more.
    """
    columns = IDENTITY_LINKS.column_names
    if found is None and decisions.is_empty and not policy.at_most:
        return Settled(declared.select(*columns), {})
    spark = declared.sparkSession
    numbers = declared.select(
        node_number(F.lit(RECORD), F.col("record_id")).alias("_record"),
        node_number(F.col("identifier_type"), F.col("value")).alias("_value"),
        "*",
    )
    limited = F.array(*[F.lit(name) for name in policy.at_most]).cast("array<string>")
    active = numbers.filter("is_active").select(
        "_record",
        "_value",
        "weight",
        "n_seen",
        (F.array_position(limited, F.col("identifier_type")) - 1).alias("limit"),
        *(
            F.coalesce(F.unix_date(F.to_date(at)).cast("bigint"), F.lit(none).cast("bigint")).alias(at)
            for at, none in zip(("first_seen_at", "last_seen_at"), ALWAYS, strict=True)
        ),
    )
    limits, known = list(policy.at_most.items()), _known(spark, found, decisions)
    if driver_edge_limit is not None:
        active = _in_question(active, known, limits, driver_edge_limit)
    links = DeclaredLinks(*[column.to_numpy() for column in active.toArrow().columns])
    refused = find_refused(links, known, _judge(found), limits)
    kept = tuple(o for o, no in zip(decisions.merges, refused.together, strict=True) if not no)
    added = [steward_links(replace(decisions, merges=kept)), *([matched_links(found)] if found else [])]
    rows = pd.concat([part for part in added if len(part)] or [pd.DataFrame(columns=columns)], ignore_index=True)
    rows = rows.drop_duplicates(["record_id", "identifier_type", "value"])  # a decision before a match
    shape = pa.schema([(c, _ARROW[k]) for c, k in declared.select(*columns).dtypes])
    table = pa.Table.from_pandas(rows[columns], schema=shape, preserve_index=False)
    reasons = Counter([*refused.reasons, *(found.linked.refused.values() if found else ())])
    return Settled(
        _deactivate(numbers, links, refused).select(*columns).unionByName(spark.createDataFrame(table)), reasons
    )


_ARROW = {
    "string": pa.string(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def _known(spark: SparkSession, found: Matches | None, decisions: StewardDecisions) -> KnownPeople:
    record, person = np.empty(0, np.int64), np.empty(0, np.int64)
    if found is not None:
        record, person = found.profiles.frame["node"].to_numpy(np.int64), found.person
    number = _numbers_of(spark, [*decisions.together_pairs(), *decisions.apart_pairs()])
    return KnownPeople(record, person, (number[0], number[1]), (number[2], number[3]))


def _in_question(
    active: DataFrame, known: KnownPeople, limits: Sequence[tuple[str, ValueLimit]], edge_limit: int
) -> DataFrame:
    """The links of the components that hold a record of a decision, or more values of a type than its limit."""
    spark = active.sparkSession
    sides = np.concatenate([*known.together, *known.apart])
    decided = spark.createDataFrame(pa.table({"id": np.unique(sides)}))
    merges = spark.createDataFrame(pa.table({"src": known.together[0], "dst": known.together[1]}))
    edges = active.select(F.col("_record").alias("src"), F.col("_value").alias("dst")).unionByName(merges)
    components = hold(connected_components(edges, driver_edge_limit=edge_limit))
    asked = components.join(F.broadcast(decided), on="id", how="left_semi").select("component")
    values = active.withColumn("id", F.col("_value")).join(components, on="id", how="inner")
    for at, (_, limit) in enumerate(limits):
        n_values = values.filter(F.col("limit") == at).groupBy("component").agg(F.count_distinct("_value").alias("n"))
        asked = asked.union(n_values.filter(F.col("n") > limit.values).select("component"))
    kept = values.join(asked.distinct(), on="component", how="left_semi").select(*active.columns)
    n_links = kept.count()
    if n_links > edge_limit:
        raise ConfigError(
            f"silver.identity_links: {n_links:,} links are in components that stewards' decisions or policy.at_most "
            f"concern, more than identity_driver_edge_limit ({edge_limit:,}): raise it (a million takes 0.2 GB of the "
            "driver), or let policy.at_most in conf/identity/rules.yaml concern fewer people"
        )
    return kept


def _numbers_of(spark: SparkSession, sides: Sequence[Sequence[str]]) -> list[Numbers]:
    """The numbers in the graph of some lists of record ids."""
    names = sorted({name for side in sides for name in side})
    if not names:
        return [np.empty(0, np.int64) for _ in sides]
    frame = spark.createDataFrame(pa.table({"record_id": pa.array(names, pa.string())}))
    rows = frame.select("record_id", node_number(F.lit(RECORD), F.col("record_id")).alias("number")).collect()
    number = {row["record_id"]: row["number"] for row in rows}
    return [np.array([number[name] for name in side], np.int64) for side in sides]


def _judge(found: Matches | None) -> Judge:
    """Whether two people whom matching did not join may be joined by a declared link all the same.

    They may where they are more likely one than two: what their own records tell, and where neither of them carries
    the value itself, what the link tells beside it; but never against policy.
    """

    def why_not(
        a: Numbers, b: Numbers, weight: npt.NDArray[np.float64], is_direct: npt.NDArray[np.bool_]
    ) -> list[str | None]:
        assert found is not None  # without matches there are no people to ask about
        extra = np.where(is_direct, 0.0, weight - found.linked.model.prior_bits)
        likely = found.weigh_people(a, b, extra) > 0
        return [rule or (None if is_one else TOLD_APART)
                for rule, is_one in zip(found.forbids(a, b), likely, strict=True)]  # fmt: skip

    return why_not


def _deactivate(numbers: DataFrame, links: DeclaredLinks, refused: Refused) -> DataFrame:
    if not len(refused.at):
        return numbers
    table = pa.table(
        {
            "_record": links.record[refused.at],
            "_value": links.value[refused.at],
            "_why": pa.array(refused.reasons, pa.string()),
        }
    )
    joined = numbers.join(
        F.broadcast(numbers.sparkSession.createDataFrame(table)), on=["_record", "_value"], how="left"
    )
    told = F.concat(F.expr("left(evidence, length(evidence) - 1)"), F.lit(',"refused":"'), F.col("_why"), F.lit('"}'))
    return joined.withColumns(
        {
            "evidence": F.when(F.col("_why").isNull(), F.col("evidence")).otherwise(told),
            "is_active": F.col("is_active") & F.col("_why").isNull(),
        }
    )
