"""From what time on the company knew whose each record and value is: identities as they were known on past days.

A person is held together by links, and each of them was known from some time on. Where the person began is the node
that was known first; any other joined it once a whole way of links from there was known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import functions as F
from scipy.sparse import coo_matrix, csgraph, csr_matrix

from cdp.core.hold import hold
from cdp.identity.components import Labels, connected_components
from cdp.identity.linkage.clusters import component_labels

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

JOINED_DDL = "id BIGINT, component BIGINT, joined BIGINT"
_EDGES_OF_A_GROUP = 1_000_000


def join_components(edges: DataFrame, *, driver_edge_limit: int, n_edges: int) -> DataFrame:
    """Label every node of `edges` with the smallest node id that it can reach and the time at which it joined these.

    Grain: one row (id, component, joined) per distinct node. `edges` has the BIGINT columns src, dst and known, without
    nulls: the time of the edge, in any unit; a loop tells when the node itself was known. `n_edges` counts the edges
    that are no loops. Up to the limit all is done on the driver, in one job; above it GraphFrames finds the components,
    which the executors then look at in groups: no time depends on another component, so both ways give the same. There
    a node with nothing but a loop has no row.
    """
    spark = edges.sparkSession
    if n_edges <= driver_edge_limit:
        table = edges.toArrow()
        return spark.createDataFrame(_joined(table)) if table.num_rows else spark.createDataFrame([], JOINED_DDL)
    ties = edges.filter("src <> dst").select("src", "dst")
    components = connected_components(ties, driver_edge_limit=driver_edge_limit, n_edges=n_edges)
    of_source = components.withColumnRenamed("id", "src")
    group = F.pmod(F.xxhash64("component"), F.lit(-(-n_edges // _EDGES_OF_A_GROUP))).alias("group")
    grouped = edges.join(of_source, on="src", how="inner").select("src", "dst", "known", group).groupBy("group")
    return hold(grouped.applyInArrow(_joined, JOINED_DDL))


def join_times(src: Labels, dst: Labels, known: Labels) -> tuple[Labels, Labels, Labels]:
    """(distinct ids in ascending order, smallest id of the component of each, time at which each joined it).

    Every node is known from the earliest edge or loop that it stands in. A component begins with the node that is known
    first (ties: smallest id); another joins when the last link of a way to it is known, by the way of which that is
    earliest: a minimum spanning tree holds such a way to each node (Hu 1961). The order of edges changes nothing.
    """
    ids, codes = np.unique(np.concatenate([src, dst]), return_inverse=True)
    left, right, n = codes[: len(src)], codes[len(src) :], len(ids)
    times, place = np.unique(known, return_inverse=True)
    first = np.full(n, len(times))
    np.minimum.at(first, left, place)
    np.minimum.at(first, right, place)
    is_tie = left != right
    row, col, last = _spanning_tree(n, left[is_tie], right[is_tie], place[is_tie])
    part = component_labels(n, row, col)
    order = np.lexsort((first, part))
    begins = order[np.flatnonzero(np.diff(part[order], prepend=-1))]
    return ids, ids[part], times[np.maximum(first, _last_on_way(begins, row, col, last, n))]


def _joined(edges: pa.Table) -> pa.Table:
    found = join_times(*[edges[name].to_numpy() for name in ("src", "dst", "known")])
    return pa.table(dict(zip(("id", "component", "joined"), found, strict=True)))


def _spanning_tree(n: int, left: Labels, right: Labels, place: Labels) -> tuple[Labels, Labels, Labels]:
    """The edges of a spanning forest in which the places are smallest: both ends and the place."""
    order = np.argsort(left, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(left, minlength=n))])
    weight = (place[order] + 1).astype(np.float64)  # scipy takes 0 for no edge
    tree = csgraph.minimum_spanning_tree(csr_matrix((weight, right[order], starts), shape=(n, n))).tocoo()
    return tree.row, tree.col, tree.data.astype(np.int64) - 1


def _last_on_way(begins: Labels, row: Labels, col: Labels, place: Labels, n: int) -> npt.NDArray[np.int64]:
    """The largest place on each node's way through the forest to where its tree begins; -1 where it begins.

    Node n stands above all trees, so that one search finds the parents; then each node looks twice as far each round.
    """
    above = np.full(len(begins), n)
    ends = np.concatenate([row, above]), np.concatenate([col, begins])
    forest = coo_matrix((np.ones(len(ends[0]), bool), ends), shape=(n + 1, n + 1)).tocsr()
    parent = csgraph.breadth_first_order(forest, n, directed=False)[1][:n]
    last = np.full(n, -1)
    last[np.where(parent[row] == col, row, col)] = place
    parent[begins] = begins
    while not np.array_equal(further := parent[parent], parent):
        last, parent = np.maximum(last, last[parent]), further
    return last
