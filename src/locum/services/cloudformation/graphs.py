"""Graphs of names: an order for what has one, and what is in cycles."""

from __future__ import annotations

from collections.abc import Mapping, Set


def ordered(graph: Mapping[str, Set[str]]) -> list[str]:
    """The nodes, each after all that it depends on; without those in cycles and those that depend on them.

    `graph` has for each node what it depends on; names that are no nodes are passed over.
    """
    behind = _turned(graph)
    waits = {name: len(needs & graph.keys()) for name, needs in graph.items()}
    order = [name for name, number in waits.items() if not number]
    for done in order:
        for name in behind[done]:
            waits[name] -= 1
            if not waits[name]:
                order.append(name)
    return order


def circular(graph: Mapping[str, Set[str]]) -> list[str]:
    """The nodes that are in cycles, or between two; none where the graph has an order."""
    behind = _without(graph, ordered(graph))
    before = _turned(behind)
    left = _without(before, ordered(before))
    return [name for name in graph if name in left]


def _without(graph: Mapping[str, Set[str]], names: list[str]) -> dict[str, Set[str]]:
    gone = set(names)
    return {name: needs for name, needs in graph.items() if name not in gone}


def _turned(graph: Mapping[str, Set[str]]) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {name: set() for name in graph}
    for name, needs in graph.items():
        for other in needs & graph.keys():
            turned[other].add(name)
    return turned
