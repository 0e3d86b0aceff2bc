"""Routing of REST operations by method, path and query string: a trie per service, built once.

https://smithy.io/2.0/spec/http-bindings.html#http-uri: a literal segment takes precedence over a label, a label over a
greedy one, and among operations with the same path the one with the most query literals present.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from botocore.model import ServiceModel


class Route(NamedTuple):
    """An operation and the query literals (`key=value`, or `key` with any value) that its template requires."""

    operation: str
    literals: frozenset[str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    label: _Node | None = None
    # The segments after a greedy label and their routes; the longest first.
    greedy: list[tuple[tuple[str, ...], dict[str, list[Route]]]] = field(default_factory=list)
    routes: dict[str, list[Route]] = field(default_factory=dict)  # by method


class RestRouter:
    """The router of a service's REST operations."""

    def __init__(self) -> None:
        self._root = _Node()

    @classmethod
    def of_service(cls, model: ServiceModel) -> RestRouter:
        """Make the router of all operations of a service."""
        router = cls()
        for name in model.operation_names:
            http = model.operation_model(name).http
            router.add(http["method"], http["requestUri"], name)
        return router

    def add(self, method: str, template: str, operation: str) -> None:
        """Add a route. Templates are those of the models: `/a/{B}/{C+}?d=e`."""
        path, _, query = template.partition("?")
        node, segments = self._root, _segments(path)
        routes = None
        for position, segment in enumerate(segments):
            if segment.endswith("+}"):
                routes = _greedy_routes(node, tuple(segments[position + 1 :]))
                break
            if segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literals.setdefault(segment, _Node())
        if routes is None:
            routes = node.routes
        found = routes.setdefault(method, [])
        found.append(Route(operation, frozenset(pair for pair in query.split("&") if pair)))
        found.sort(key=lambda route: -len(route.literals))

    def find(self, method: str, raw_path: str, query_string: str) -> str | None:
        """The operation of a request; None where there is none."""
        return _walk(self._root, _segments(raw_path), 0, method, _pairs(query_string))


def _segments(path: str) -> list[str]:
    """The segments of a path, without its leading slash and one trailing slash."""
    path = path.removeprefix("/").removesuffix("/")
    return path.split("/") if path else []


def _greedy_routes(node: _Node, rest: tuple[str, ...]) -> dict[str, list[Route]]:
    for known, routes in node.greedy:
        if known == rest:
            return routes
    routes = {}
    node.greedy.append((rest, routes))
    node.greedy.sort(key=lambda entry: -len(entry[0]))
    return routes


def _pairs(query_string: str) -> frozenset[str]:
    """Each pair in both forms that a literal may have: `key=value` and `key`."""
    if not query_string:
        return frozenset()
    # Decoded, so that `operation=delete` is the same here as for the backend.
    pairs = [unquote_plus(pair) if "%" in pair else pair for pair in query_string.split("&")]
    return frozenset(pairs) | {pair.partition("=")[0] for pair in pairs}


def _walk(node: _Node, segments: list[str], position: int, method: str, pairs: frozenset[str]) -> str | None:
    if position == len(segments):
        return _chosen(node.routes, method, pairs)
    segment = segments[position]
    child = node.literals.get(segment)
    if child is None and "%" in segment:
        child = node.literals.get(unquote(segment))
    if child is not None and (found := _walk(child, segments, position + 1, method, pairs)):
        return found
    if node.label is not None and segment and (found := _walk(node.label, segments, position + 1, method, pairs)):
        return found
    for rest, routes in node.greedy:
        if len(segments) - position > len(rest) and tuple(segments[len(segments) - len(rest) :]) == rest:
            found = _chosen(routes, method, pairs)
            if found:
                return found
    return None


def _chosen(routes: dict[str, list[Route]], method: str, pairs: frozenset[str]) -> str | None:
    for route in routes.get(method, ()):
        if route.literals <= pairs:
            return route.operation
    return None
