"""All links of the night: what records declare, what matching found and what stewards decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.identity.decisions import StewardDecisions, steward_links
from cdp.identity.graph import RECORD, node_number
from cdp.identity.record_matches import Matches, matched_links
from cdp.identity.refusals import DeclaredLinks, KnownPeople, MayJoin, Numbers, Refused, find_refused

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def settle_links(declared: DataFrame, found: Matches | None, decisions: StewardDecisions) -> DataFrame:
    """The rows of silver.identity_links, from the declared links (with their n_seen) and what is known beside them.

    Grain: as the declared links; a link between two records has the type `record` and the other record as value. A
    declared link that would join people whom matching or a steward keeps apart stays with is_active false and the
    reason in its evidence. Without profile records and decisions the declared links are all there is.
    """
    columns = IDENTITY_LINKS.column_names
    if found is None and decisions.is_empty:
        return declared.select(*columns)
    spark = declared.sparkSession
    numbers = declared.select(
        node_number(F.lit(RECORD), F.col("record_id")).alias("_record"),
        node_number(F.col("identifier_type"), F.col("value")).alias("_value"),
        "*",
    )
    active = numbers.filter("is_active").select("_record", "_value", "weight", "n_seen").toArrow()
    links = DeclaredLinks(*[column.to_numpy() for column in active.columns])
    refused = find_refused(links, _known(spark, found, decisions), _judge(found))
    kept = tuple(o for o, no in zip(decisions.merges, refused.together, strict=True) if not no)
    added = [steward_links(replace(decisions, merges=kept)), *([matched_links(found)] if found else [])]
    rows = pd.concat([part for part in added if len(part)] or [pd.DataFrame(columns=columns)], ignore_index=True)
    rows = rows.drop_duplicates(["record_id", "identifier_type", "value"])  # a decision before a match
    shape = pa.schema([(c, _ARROW[k]) for c, k in declared.select(*columns).dtypes])
    table = pa.Table.from_pandas(rows[columns], schema=shape, preserve_index=False)
    return _deactivate(numbers, links, refused).select(*columns).unionByName(spark.createDataFrame(table))


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


def _numbers_of(spark: SparkSession, sides: Sequence[Sequence[str]]) -> list[Numbers]:
    """The numbers in the graph of some lists of record ids."""
    names = sorted({name for side in sides for name in side})
    if not names:
        return [np.empty(0, np.int64) for _ in sides]
    frame = spark.createDataFrame(pa.table({"record_id": pa.array(names, pa.string())}))
    rows = frame.select("record_id", node_number(F.lit(RECORD), F.col("record_id")).alias("number")).collect()
    number = {row["record_id"]: row["number"] for row in rows}
    return [np.array([number[name] for name in side], np.int64) for side in sides]


def _judge(found: Matches | None) -> MayJoin:
    """Whether two people whom matching did not join may be joined by a declared link all the same.

    They may where they are more likely one than two: what their own records tell, and where neither of them carries
    the value itself, what the link tells beside it.
    """

    def may_join(
        a: Numbers, b: Numbers, weight: npt.NDArray[np.float64], is_direct: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        assert found is not None  # without matches there are no people to ask about
        extra = np.where(is_direct, 0.0, weight - found.linked.model.prior_bits)
        return found.weigh_people(a, b, extra) > 0

    return may_join


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
