"""Hold a frame that is used more than once: computed once, and planned once where that is safe."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame

#: On disk: rows in memory would take it from the sorts and joins that make them, and the system caches files anyway.
_LEVEL = StorageLevel.DISK_ONLY
_CUT_ANCESTORS = "spark.checkpoint.checkpointAllMarkedAncestors"


def hold(df: DataFrame) -> DataFrame:
    """Give a frame with the same rows that Spark computes once, when they are first needed; free it by :func:`release`.

    In one process it is cut off from its plan: what follows plans over rows and not again over all that made them
    (each Delta scan in a plan costs a job of its own each time it is planned, and a write to a table plans every
    cached frame anew that read it). On a cluster the lineage stays, so that a lost executor costs time only; and
    without adaptive execution too, where Spark 4.2 cannot join a cut frame with what it was made of.
    """
    spark = df.sparkSession
    is_adaptive = spark.conf.get("spark.sql.adaptive.enabled") == "true"
    if is_adaptive and str(spark.sparkContext.master).startswith("local"):
        return cut(df)
    return df.persist(_LEVEL)


def cut(df: DataFrame) -> DataFrame:
    """Like :func:`hold`, but cut off from its plan on a cluster too: where planning on would cost more than a retry.

    What it was made of that was cut as well is cut off with it, by the first job that needs it. Otherwise that would
    wait for a job of its own, and with two such jobs side by side the one that ends first cuts it off while tasks of
    the other still carry counters of its plan, of whose loss Spark complains in its log, once for each.
    """
    context = df.sparkSession.sparkContext
    context.setLocalProperty(_CUT_ANCESTORS, "true")  # Spark looks at it here, and not when the rows are computed
    try:
        return df.localCheckpoint(eager=False, storageLevel=_LEVEL)
    finally:
        context.setLocalProperty(_CUT_ANCESTORS, None)  # type: ignore[arg-type]


def release(df: DataFrame) -> None:
    """Free what :func:`hold` or :func:`cut` gave."""
    plan = df._jdf.queryExecution().logical()
    if plan.nodeName() == "LogicalRDD":
        plan.rdd().unpersist(False)
    else:
        df.unpersist()
