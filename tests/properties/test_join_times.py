"""When each node joined its component: equal to a search through every graph, whatever the order of the edges."""

from __future__ import annotations

from heapq import heappop, heappush

import networkx as nx
import numpy as np
import pytest
from pyspark.sql import SparkSession

from cdp.identity.join_times import join_components, join_times

Edges = list[tuple[int, int, int]]


def random_edges(n_graphs: int, *, seed: int) -> Edges:
    """Graphs of all densities, with loops, repeats, both directions and many equal times, as one disjoint union."""
    rng = np.random.default_rng(seed)
    edges: Edges = []
    for graph in range(n_graphs):
        n_nodes, n_edges = int(rng.integers(1, 25)), int(rng.integers(1, 40))
        ends = rng.integers(0, n_nodes, (n_edges, 2)) + (graph - n_graphs // 2) * 1000
        edges += [(int(a), int(b), int(t)) for (a, b), t in zip(ends, rng.integers(-3, 9, n_edges), strict=True)]
    return edges


def expected(edges: Edges) -> dict[int, tuple[int, int]]:
    """node -> (component, time), by a search from the first node of each component for the earliest last link."""
    graph, first = nx.Graph(), dict[int, int]()
    for a, b, known in edges:
        for node in (a, b):
            first[node] = min(first.get(node, known), known)
        graph.add_edge(a, b, known=min(known, graph.edges[a, b]["known"] if graph.has_edge(a, b) else known))
    found = {}
    for part in nx.connected_components(graph):
        begin = min(part, key=lambda node: (first[node], node))
        reached, queue = dict[int, int](), [(first[begin], begin)]
        while queue:
            known, node = heappop(queue)
            if node not in reached:
                reached[node] = known
                for other in graph[node]:
                    heappush(queue, (max(known, graph.edges[node, other]["known"]), other))
        found |= {node: (min(part), max(reached[node], first[node])) for node in part}
    return found


def test_join_times_equal_a_search_and_do_not_depend_on_the_order_of_edges() -> None:
    edges = random_edges(200, seed=3)
    for rows in (np.array(edges), np.random.default_rng(4).permutation(edges)[:, [1, 0, 2]]):
        ids, component, joined = (column.tolist() for column in join_times(*rows.T))
        assert dict(zip(ids, zip(component, joined, strict=True), strict=True)) == expected(edges)


def test_a_long_chain_and_times_of_the_far_future_are_exact() -> None:
    never, n = 253_402_300_799_999_999, 20_000  # the last microsecond of the year 9999
    src = np.arange(n)
    ids, component, joined = join_times(src, src + 1, never - src)
    assert (component == 0).all() and np.array_equal(ids, np.arange(n + 1))
    assert joined[-1] == joined[-2] == never - n + 1 and joined[0] == never
    assert np.array_equal(joined[:-1], never - src)


@pytest.mark.parametrize("limit", [10_000, 0], ids=["driver", "executors"])
def test_both_ways_of_computing_give_the_same(spark: SparkSession, limit: int) -> None:
    edges = random_edges(20, seed=5)
    edges = [e for e in edges if e[0] != e[1]] + [(e[0], e[0], e[2] - 1) for e in edges if e[0] != e[1]]
    frame = spark.createDataFrame(edges, "src BIGINT, dst BIGINT, known BIGINT")
    rows = join_components(frame, driver_edge_limit=limit, n_edges=len(edges)).collect()
    assert {row["id"]: (row["component"], row["joined"]) for row in rows} == expected(edges)
    assert len(rows) == len(expected(edges))
