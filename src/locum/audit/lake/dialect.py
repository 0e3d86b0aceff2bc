"""The SQL of CloudTrail Lake: what a statement may have, and what DuckDB runs in its place.

CloudTrail User Guide, "CloudTrail Lake SQL constraints": one SELECT in the dialect of Trino, on event data stores by
their ids; "a keyword, operator, or function that is not described in this section is disallowed". So a statement is
parsed, each node of its tree must be of a known kind, and the SQL that is run is written anew from the tree. Tables
become queries on what the event data stores have; the names of common table expressions are prefixed, so that no name
in a statement is that of anything in the database.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from locum.core.lake_statements import quoted, stores_named

_PREFIX: Final = "cte "
_QUERIES: Final = """
Select From Join Where Group Having Order Ordered Limit Offset Fetch LimitOptions Distinct Union Except Intersect
Subquery With CTE Table TableAlias Alias Unnest GroupingSets Cube Rollup
"""
_EXPRESSIONS: Final = """
Column Identifier Star Literal Boolean Null Paren Tuple Dot Bracket Interval Var Case If Cast TryCast DataType
DataTypeParam And Or Not In Is Like Escape Between EQ NEQ GT GTE LT LTE Exists Any All Add Sub Mul Div Mod Neg DPipe
Lambda Window WindowSpec Filter JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONPathWildcard
"""
_OF_ROWS: Final = """
Count CountIf Sum Min Max Avg AnyValue ApproxDistinct ArgMax ArgMin ArrayAgg Grouping RowNumber Rank DenseRank
"""
_OF_COLLECTIONS: Final = """
ArraySize ArrayContains ArrayDistinct ArrayFilter ArrayMax ArrayMin ArraySlice ArrayToString MapKeys Transform
JSONArrayContains JSONExtract JSONExtractScalar JSONFormat ParseJSON
"""
_OF_TIMES: Final = """
Date DateAdd DateDiff Day DayOfMonth DayOfWeekIso DayOfYear Extract FromISO8601Timestamp Hour Minute Month Quarter
Second TimestampTrunc Week WeekOfYear Year YearOfWeek TimeToStr CurrentTimestamp CurrentDate
"""
_OF_VALUES: Final = """
Lower Upper Trim Length Substring StrPosition SplitPart Split Concat Replace RegexpLike RegexpExtract StartsWith
Coalesce Nullif Greatest Least Abs Round Floor Ceil
"""
_KINDS: Final = (_QUERIES, _EXPRESSIONS, _OF_ROWS, _OF_COLLECTIONS, _OF_TIMES, _OF_VALUES)
_NODES: Final = frozenset(getattr(exp, name) for names in _KINDS for name in names.split())
"""The kinds of nodes that a tree may have: parts of queries, expressions, and functions by what they are of."""

_MACROS: Final = {
    "is_json_scalar": "(j) AS json_type(j::JSON) NOT IN ('ARRAY', 'OBJECT')",
    "json_array_get": "(j, i) AS json_extract(j::JSON, '$[' || CAST(i AS BIGINT) || ']')",
    "json_array_length": "(j) AS json_array_length(j::JSON)",
    "json_array_contains": "(j, v) AS json_contains(j::JSON, to_json(v))",
    "map_values": "(m) AS map_values(m)",
    "millisecond": "(t) AS datepart('millisecond', t) % 1000",
    "week_of_year": "(t) AS weekofyear(t)",
    "yow": "(t) AS isoyear(t)",
}
"""Functions that DuckDB lacks, or has with another meaning, by Trino's names."""

MACROS: Final = tuple(f'CREATE TEMP MACRO "{_PREFIX}{name}"{body}' for name, body in _MACROS.items())
"""The statements that make the functions which `rewritten` uses."""

_TYPE_NAMES: Final = """
VARCHAR TEXT CHAR BOOLEAN TINYINT SMALLINT INT BIGINT DOUBLE FLOAT DECIMAL DATE TIMESTAMP JSON INTERVAL UNKNOWN
"""
_TYPES: Final = frozenset(getattr(exp.DType, name) for name in _TYPE_NAMES.split())


class InvalidStatementError(Exception):
    """A statement that cannot be run; the text says why."""


def parsed(statement: str) -> exp.Query:
    """The tree of a statement. Raises InvalidStatementError."""
    try:
        trees = [tree for tree in sqlglot.parse(quoted(statement), read="trino") if tree is not None]
    except (SqlglotError, RecursionError) as error:
        raise InvalidStatementError(f"The statement cannot be parsed: {_first_line(error)}") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise InvalidStatementError("A query is one SELECT statement.")
    tree = trees[0]
    for node in tree.walk():
        _check(node)
    stores = stores_of(tree)
    if not stores:
        raise InvalidStatementError("A query is on at least one event data store, FROM its id.")
    if unknown := [name for name in stores if name not in stores_named(statement)]:
        raise InvalidStatementError(f"{unknown[0]} is not the id of an event data store.")
    return tree


def stores_of(tree: exp.Query) -> list[str]:
    """The names of the tables of `tree` that are no common table expressions."""
    names = {cte.alias for cte in tree.find_all(exp.CTE)}
    return sorted({table.name for table in tree.find_all(exp.Table)} - names)


def rewritten(tree: exp.Query, stores: Collection[str], now: float) -> str:
    """What DuckDB runs: `tree`, on the views that are named `STORE_PREFIX` and the id of one of `stores`.

    `now` (epoch seconds) is the current time. Raises InvalidStatementError for a table that is not among `stores`.
    """
    names = {cte.alias for cte in tree.find_all(exp.CTE)}
    if ids := sorted(names & set(stores)):
        raise InvalidStatementError(f"{ids[0]} is the id of an event data store.")
    return tree.transform(lambda node: _rewritten(node, names, stores, now)).sql("duckdb", identify=True)


def _check(node: exp.Expr) -> None:
    """Assert that a node is of a known kind, and has nothing that makes it more than that."""
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in _MACROS:
            raise InvalidStatementError(f"The function {node.name} is not supported.")
        return
    if type(node) not in _NODES:
        raise InvalidStatementError(f"{type(node).__name__.upper()} is not supported.")
    if isinstance(node, exp.Table):
        given = {name for name, value in node.args.items() if value}
        if not isinstance(node.this, exp.Identifier) or given - {"this", "alias"}:
            raise InvalidStatementError("A table is the id of an event data store.")
    elif isinstance(node, exp.With) and node.args.get("recursive"):
        raise InvalidStatementError("WITH RECURSIVE is not supported.")
    elif isinstance(node, exp.Select) and (node.args.get("into") or node.args.get("locks")):
        raise InvalidStatementError("A query only reads.")
    elif isinstance(node, exp.DataType) and node.this not in _TYPES:
        raise InvalidStatementError(f"The type {node.sql('trino')} is not supported.")


def _rewritten(node: exp.Expr, names: set[str], stores: Collection[str], now: float) -> exp.Expr:
    instant = datetime.fromtimestamp(now, UTC)
    if isinstance(node, exp.Table):
        return _table(node, names, stores)
    if isinstance(node, exp.CTE):
        node.args["alias"].set("this", exp.to_identifier(_PREFIX + node.alias, quoted=True))
    elif isinstance(node, exp.Anonymous):
        node.set("this", exp.to_identifier(_PREFIX + node.name.lower(), quoted=True))
    elif isinstance(node, exp.JSONArrayContains):
        given = node.this, node.args["expression"]
        return exp.Anonymous(this=exp.to_identifier(f"{_PREFIX}json_array_contains", quoted=True), expressions=[*given])
    elif isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.Literal.string(instant.isoformat(" ", "milliseconds")[:23]), "timestamp")
    elif isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(instant.date().isoformat()), "date")
    elif isinstance(node, exp.FromISO8601Timestamp):
        return exp.cast(node.this, "timestamp")
    return node


def _table(node: exp.Table, names: set[str], stores: Collection[str]) -> exp.Expr:
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
    if node.name in names:
        return exp.Table(this=exp.to_identifier(_PREFIX + node.name, quoted=True), alias=alias)
    if node.name not in stores:
        raise InvalidStatementError(f"{node.name} is not the id of an event data store.")
    inner = exp.Table(this=exp.to_identifier(STORE_PREFIX + node.name, quoted=True))
    return exp.Subquery(this=exp.select("*").from_(inner), alias=alias)


STORE_PREFIX: Final = "store "
"""Before the id of an event data store, in the name of the temporary view that has its events."""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
