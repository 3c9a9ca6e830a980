"""From links to clusters: which records and identifier values does the identity graph connect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp.core.errors import ContractError
from cdp.identity.join_times import join_components

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

RECORD = "record"
_SEEDS = range(8)
# Up to so many links the labels of all nodes are below 32 MB and are sent to every executor instead of being shuffled.
_BROADCAST_LINKS = 1_000_000
# Up to so many links one task does a night's work sooner than Spark plans, shuffles and joins its parts.
_ONE_TASK_LINKS = 500_000


@dataclass(frozen=True)
class IdentityGraph:
    """The labelled graph: a node is a record or an identifier value, numbered by a hash under `seed`."""

    seed: int
    components: DataFrame
    n_links: int

    def node(self, node_type: Column, value: Column) -> Column:
        """The number of a node."""
        return node_number(node_type, value, seed=self.seed)

    def label(self, frame: DataFrame, node_type: Column, value: Column) -> DataFrame:
        """Add `cluster` (BIGINT) and `joined_at` (TIMESTAMP) to `frame`: null where the node has no active link.

        cluster groups nodes in this run only and is not to be stored. joined_at is when the company first knew that the
        node belongs there.
        """
        joined_at = F.timestamp_micros("joined").alias("joined_at")
        labels = self.components.select(F.col("id").alias("_node"), F.col("component").alias("cluster"), joined_at)
        if self.n_links <= _BROADCAST_LINKS:
            labels = F.broadcast(labels)
        noted = frame.withColumn("_node", self.node(node_type, value))
        return noted.join(labels, on="_node", how="left").select(*frame.columns, "cluster", "joined_at")

    def gather(self, frame: DataFrame) -> DataFrame:
        """Put `frame` in one partition when the night is small, so that no grouping or join after it shuffles."""
        return _gather(frame, self.n_links)

    def near(self, frame: DataFrame) -> DataFrame:
        """Bring a frame of few rows to where it is joined: into the one partition of a small night, or everywhere."""
        return _gather(frame, self.n_links) if self.n_links <= _ONE_TASK_LINKS else F.broadcast(frame)


def node_number(node_type: Column, value: Column, *, seed: int = 0) -> Column:
    """The 64-bit number of a record (type `record`) or an identifier value."""
    return F.xxhash64(F.lit(seed), node_type, value)


def connect_links(
    links: DataFrame, record_ids: list[DataFrame], profiles: DataFrame, *, driver_edge_limit: int
) -> IdentityGraph:
    """Label the connected components of the active links.

    `record_ids` are frames with a column record_id, of all records that will be labelled, also those without a
    link. `profiles` tells by (record_id, known_from) of records that were known before their links were: a profile
    record is, other ones are the identifiers that they carry.

    The graph wants numbers, so a node is the 64-bit hash of (seed, type, value). Hashes can collide, n^2/2^65
    expected pairs of n nodes, and a collision would silently make two strangers one person. A dictionary table
    would avoid it at the price of two joins over all links; instead distinct nodes and distinct hashes are counted,
    exactly, in the job that counts the edges anyway, and the next seed is taken when they differ. Raises
    ContractError when no seed is free of collisions.
    """
    n_links = links.count()  # a Delta table answers from its log
    seed, n_edges = _choose_seed(links, record_ids, n_links)
    empty = IdentityGraph(seed, links, n_links)
    record, known = empty.node(F.lit(RECORD), F.col("record_id")), F.unix_micros("known_from")
    ends = links.filter("is_active").select(
        record.alias("src"),
        empty.node(F.col("identifier_type"), F.col("value")).alias("dst"),
        F.coalesce(known, F.lit(0)).alias("known"),  # a link that tells no time hides nothing
    )
    first = _gather(profiles, n_links).groupBy("record_id").agg(F.min("known_from").alias("known_from"))
    loops = first.select(record, record, known).filter("known_from IS NOT NULL")
    components = join_components(ends.union(loops), driver_edge_limit=driver_edge_limit, n_edges=n_edges)
    return IdentityGraph(seed, components, n_links)


def _gather(frame: DataFrame, n_links: int) -> DataFrame:
    return frame.coalesce(1) if n_links <= _ONE_TASK_LINKS else frame


def _choose_seed(links: DataFrame, record_ids: list[DataFrame], n_links: int) -> tuple[int, int]:
    """(first seed under which all nodes have different numbers, number of active links), usually in one job."""
    degree = F.col("is_active").cast("int").alias("degree")
    parts = [
        links.select(F.lit(RECORD).alias("node_type"), F.col("record_id").alias("value"), degree),
        links.select("identifier_type", "value", F.lit(0)),
        *[frame.select(F.lit(RECORD), "record_id", F.lit(0)) for frame in record_ids],
    ]
    ends = _gather(reduce(lambda left, right: left.union(right), parts), n_links)
    nodes = ends.groupBy("node_type", "value").agg(F.sum("degree").alias("degree"))
    for seed in _SEEDS:
        number = node_number(F.col("node_type"), F.col("value"), seed=seed)
        counted = nodes.agg(
            F.count(F.lit(1)).alias("n_nodes"),
            F.count_distinct(number).alias("n_numbers"),
            F.coalesce(F.sum("degree"), F.lit(0)).alias("n_edges"),
        ).first()
        assert counted is not None  # an aggregate without groups has one row
        if counted["n_nodes"] == counted["n_numbers"]:
            return seed, counted["n_edges"]
    raise ContractError(
        f"silver.identity_links: 64-bit hashes of graph nodes collide under each of {len(_SEEDS)} seeds. The graph is "
        "too large for 64-bit node numbers: replace them by a dictionary table."
    )
