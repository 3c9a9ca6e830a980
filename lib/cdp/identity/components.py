"""Connected components of an undirected graph, on the driver or by GraphFrames, always the same partition.

Up to a limit the edges go to the driver through Arrow and scipy labels them: 10 million edges take 4 CPU-seconds
there and 480 by GraphFrames on the same two cores. Above it GraphFrames keeps the graph in the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.core.hold import hold
from cdp.identity.linkage.clusters import component_labels

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

COMPONENTS_DDL = "id BIGINT, component BIGINT"
# 50 million edges of 63-bit ids and their times need about 10 GB in the Python process (10 million: 1.9 GB); a laptop's
# setting is lower.
DEFAULT_DRIVER_EDGE_LIMIT = 50_000_000

Labels = npt.NDArray[np.int64]


def connected_components(
    edges: DataFrame, *, driver_edge_limit: int = DEFAULT_DRIVER_EDGE_LIMIT, n_edges: int | None = None
) -> DataFrame:
    """Label every node of `edges` with the smallest node id that it can reach.

    Grain: one row (id, component) per distinct node that stands in an edge; component is the smallest id of its
    component, a label for grouping and never an id to store. Nodes without an edge are not in `edges`: the caller
    adds them.

    `edges` has the BIGINT columns src and dst, without nulls; loops, repeats and both directions are allowed.
    `n_edges` saves the count when the caller knows it. Raises ConfigError when GraphFrames is needed and cannot be
    used.
    """
    pairs = edges.select(F.col("src").cast("bigint"), F.col("dst").cast("bigint"))
    if (pairs.count() if n_edges is None else n_edges) <= driver_edge_limit:
        return _components_on_driver(pairs)
    return _components_by_graphframes(pairs)


def label_components(src: Labels, dst: Labels) -> tuple[Labels, Labels]:
    """Give (distinct ids in ascending order, smallest id of the component of each), from the two ends of every edge."""
    ids, codes = np.unique(np.concatenate([src, dst]), return_inverse=True)
    return ids, ids[component_labels(len(ids), codes[: len(src)], codes[len(src) :])]


def _components_on_driver(edges: DataFrame) -> DataFrame:
    spark = edges.sparkSession
    table = edges.toArrow()
    if table.num_rows == 0:
        return spark.createDataFrame([], COMPONENTS_DDL)
    ids, components = label_components(table["src"].to_numpy(), table["dst"].to_numpy())
    return spark.createDataFrame(pa.table({"id": ids, "component": components}))


def _components_by_graphframes(edges: DataFrame) -> DataFrame:
    """Run GraphFrames, whatever release is installed; needs a checkpoint directory and the jar of the same release.

    GraphFrames switches adaptive execution off while it runs, so `spark.sql.shuffle.partitions` decides its cost.
    The edges are persisted first: it reads them many times, and a lineage computed again differently gives wrong
    components.
    """
    settings = graphframes_settings(installed_graphframes())
    spark = edges.sparkSession
    if spark.sparkContext.getCheckpointDir() is None:
        raise ConfigError(
            "Connected components above the driver's edge limit run in GraphFrames, which needs a checkpoint folder: "
            "set spark.checkpoint.dir to a folder that all executors can reach, or raise identity.driver_edge_limit."
        )
    from graphframes import GraphFrame  # imported here: below the limit nobody needs the package or the jar

    proper = hold(edges.filter("src <> dst").distinct())
    nodes = hold(edges.select(F.col("src").alias("id")).union(edges.select("dst")).distinct())
    if nodes.isEmpty() or proper.isEmpty():  # GraphFrames 0.9 fails on a graph without an edge
        return nodes.select("id", F.col("id").alias("component"))
    found = _calling_jvm(lambda: GraphFrame(nodes, proper).connectedComponents(**settings))
    return found.select("id", "component")


def installed_graphframes() -> tuple[int, ...]:
    """Give the release of graphframes-py as numbers, (0, 9, 2) for example.

    Raises ConfigError when it is not installed. The package's own `__version__` is not to be trusted.
    """
    try:
        text = version("graphframes-py")
    except PackageNotFoundError as error:
        raise ConfigError(
            "Connected components above the driver's edge limit need the package graphframes-py: install it, or raise "
            "identity.driver_edge_limit."
        ) from error
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def graphframes_settings(release: tuple[int, ...]) -> dict[str, str | int]:
    """Choose the arguments of `connectedComponents` for a GraphFrames release; raises ConfigError for 0.10.0.

    Up to 0.9 the broadcast threshold must not be negative; from 0.10.1 on, -1 leaves skew to adaptive execution and
    is about five times faster; in 0.11 the algorithm got its present name. 0.10.0 can lose a checkpoint and answer
    wrongly.
    """
    if release[:3] == (0, 10, 0):
        raise ConfigError("GraphFrames 0.10.0 can give wrong components: install 0.9.2, or 0.10.1 or later.")
    return {
        "algorithm": "two_phase" if release >= (0, 11) else "graphframes",
        "checkpointInterval": 2,
        "broadcastThreshold": -1 if release >= (0, 10) else 1_000_000,
    }


def _calling_jvm(call: Callable[[], DataFrame]) -> DataFrame:
    """Turn py4j's complaint about a missing class or method into a sentence that says what to mend."""
    try:
        return call()
    except Exception as error:
        text = str(error)
        if "does not exist" in text or "JavaPackage" in text or "ClassNotFound" in text:
            raise ConfigError(
                "The GraphFrames jar is missing from the session or is of another release than graphframes-py: "
                "add io.graphframes:graphframes-spark4_2.13 of the same release to spark.jars.packages."
            ) from error
        raise
