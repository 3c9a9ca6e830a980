"""Connected components on the driver and by GraphFrames equal networkx on random and on odd graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.identity.components import connected_components, graphframes_settings, label_components

Edges = list[tuple[int, int]]
LARGEST = np.iinfo(np.int64).max


def random_graphs(n_graphs: int, *, seed: int) -> Edges:
    """Graphs of all densities, as one disjoint union: graph i has the ids from i * 1000 on."""
    rng = np.random.default_rng(seed)
    edges: Edges = []
    for graph in range(n_graphs):
        n_nodes = int(rng.integers(1, 40))
        n_edges = int(rng.integers(0, 2 * n_nodes))
        ends = rng.integers(0, n_nodes, (n_edges, 2)) + graph * 1000 - n_graphs * 500
        edges += [(int(a), int(b)) for a, b in ends]
    return edges


ODD_GRAPHS: dict[str, Edges] = {
    "loop": [(7, 7)],
    "both directions and repeats": [(10, 11), (11, 10), (10, 11)],
    "ids near the ends of 64 bits": [(LARGEST, LARGEST - 1), (-LARGEST, -LARGEST - 1), (LARGEST - 1, 5_000_000)],
    "chain": [(1_000_000 + i, 1_000_001 + i) for i in range(300)],
    "star": [(2_000_000, 2_000_001 + i) for i in range(50)],
    "loop on a node that has edges": [(3_000_000, 3_000_001), (3_000_001, 3_000_001)],
}


def expected(edges: Edges) -> dict[int, int]:
    graph = nx.Graph(edges)
    return {node: min(part) for part in nx.connected_components(graph) for node in part}


def found(spark: SparkSession, edges: Edges, limit: int) -> dict[int, int]:
    frame = spark.createDataFrame(edges, "src BIGINT, dst BIGINT")
    rows = connected_components(frame, driver_edge_limit=limit).collect()
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"]: row["component"] for row in rows}


@pytest.mark.parametrize("limit", [10_000_000, 0], ids=["driver", "graphframes"])
def test_components_equal_networkx_on_random_and_odd_graphs(spark: SparkSession, limit: int) -> None:
    edges = random_graphs(60, seed=11) + [edge for graph in ODD_GRAPHS.values() for edge in graph]
    assert found(spark, edges, limit) == expected(edges)


@pytest.mark.parametrize("limit", [10, -1], ids=["driver", "graphframes"])
def test_a_graph_without_edges_has_no_components(spark: SparkSession, limit: int) -> None:
    assert found(spark, [], limit) == {}


def test_a_graph_of_loops_alone_keeps_its_nodes_by_graphframes(spark: SparkSession) -> None:
    assert found(spark, [(4, 4), (9, 9)], 0) == {4: 4, 9: 9}


def test_labels_do_not_depend_on_the_order_of_edges() -> None:
    edges = np.array(random_graphs(40, seed=5) + [(i, i + 1) for i in range(100_000, 110_000)])
    shuffled = np.random.default_rng(1).permutation(edges)[:, ::-1]
    for one, other in zip(
        label_components(edges[:, 0], edges[:, 1]), label_components(shuffled[:, 0], shuffled[:, 1]), strict=True
    ):
        assert np.array_equal(one, other)


def test_settings_follow_the_release_of_graphframes() -> None:
    assert graphframes_settings((0, 9, 2))["broadcastThreshold"] == 1_000_000
    assert graphframes_settings((0, 10, 1)) == {
        "algorithm": "graphframes",
        "checkpointInterval": 2,
        "broadcastThreshold": -1,
    }
    assert graphframes_settings((0, 12, 3))["algorithm"] == "two_phase"
    with pytest.raises(ConfigError, match=r"0\.10\.0"):
        graphframes_settings((0, 10, 0))
