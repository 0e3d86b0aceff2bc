"""DynamoDB: PartiQL statements, and the condition keys of fine-grained access control."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Planner, Values
from locum.authz.paths import scalar
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.state import State

_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][\w.-]*|\S""")
_PARTIQL_ACTIONS: Final = {
    "SELECT": "Select",
    "EXISTS": "Select",
    "INSERT": "Insert",
    "UPDATE": "Update",
    "DELETE": "Delete",
}
_NAMES_TABLE: Final = frozenset({"FROM", "INTO", "UPDATE"})
_FOLLOWS_TABLE: Final = frozenset({"", "WHERE", "ORDER", "SET", "REMOVE", "VALUE", "RETURNING", ")", ";"})
_TABLE: Final = re.compile(r"(arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/)?[A-Za-z0-9_.-]+")
_UNREADABLE: Final = frozenset({"'", '"', "`", "\\"})
_COMMENTS: Final = frozenset({("-", "-"), ("/", "*")})


def table_arn(call: Call, name: str) -> str:
    """The ARN of a DynamoDB table that is named by name or by ARN."""
    if name.startswith("arn:"):
        return name
    return f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.account}:table/{name}"


def partiql_checks(call: Call, statement: str) -> Iterator[Check]:
    """The permission of one PartiQL statement, on every table (or index) that it names.

    Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB". Raises Fault for a statement
    that is not understood, and for one in which another reader might find another table (comments, an open
    quotation, several tables after one FROM): a Deny on that table would not be seen.
    """
    tokens = _TOKEN.findall(statement)
    action = _PARTIQL_ACTIONS.get(tokens[0].upper()) if tokens and _plain(statement, tokens) else None
    targets = [_target(tokens, index + 1) for index, token in enumerate(tokens) if token.upper() in _NAMES_TABLE]
    if action is None or not targets or not all(table for table, _ in targets):
        raise Fault("ValidationException", "Statement wasn't well formed, can't be processed", 400)
    for table, index_name in dict.fromkeys(targets):
        arn = table_arn(call, table)
        if index_name:
            yield Check(f"dynamodb:PartiQL{action}", f"{arn}/index/{index_name}", "index")
        else:
            yield Check(f"dynamodb:PartiQL{action}", arn, "table")


def _plain(statement: str, tokens: list[str]) -> bool:
    """Whether all of `statement` can be read in one way only: no comments, no open quotations, no escapes."""
    return "\\" not in statement and _UNREADABLE.isdisjoint(tokens) and _COMMENTS.isdisjoint(itertools.pairwise(tokens))


_NOTHING: Final = ("", "")


def _target(tokens: list[str], at: int) -> tuple[str, str]:
    """Table and index of `"table"."index"`, quoted or not; empty names where nothing of the kind stands there."""
    words = [*tokens[at : at + 4], "", "", "", ""]
    table = words[0]
    if table[:1] == '"':
        found, used = ((_unquoted(table), _unquoted(words[2])), 3) if words[1] == "." else ((_unquoted(table), ""), 1)
    elif table[:1].isalpha() or table[:1] == "_":
        name, _, rest = table.partition(".")
        found, used = ((name, _unquoted(words[1])), 2) if table.endswith(".") else ((name, rest), 1)
    else:
        return _NOTHING
    return found if words[used].upper() in _FOLLOWS_TABLE and _TABLE.fullmatch(found[0]) else _NOTHING


def _unquoted(token: str) -> str:
    return token[1:-1].replace('""', '"') if token[:1] == '"' else token


def statements(member: str | None) -> Planner:
    """The planner of the statements in the list `member`, or of the one in the request itself."""

    def plan(state: State, call: Call) -> Iterator[Check]:
        sources: Iterable[Mapping[str, Any]] = call.params.get(member, ()) if member else (call.params,)
        for source in sources:
            yield from partiql_checks(call, str(source.get("Statement", "")))

    return plan


_NAME: Final = re.compile(r"#?[A-Za-z_][\w-]*")
_EQUALS: Final = re.compile(r"=\s*(:\w+)|(:\w+)\s*=")
_WORDS: Final = frozenset(
    {"and", "or", "not", "between", "in", "set", "add", "remove", "delete", "size", "contains", "begins_with"}
    | {"attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"}
)
_PARTIQL: Final = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
UNTOLD: Final = "\0"
"""There is a value, and it is not known: no value of a policy equals it. To ForAllValues the empty text is no value."""

_EXPRESSIONS: Final = (
    "ProjectionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ConditionExpression",
    "UpdateExpression",
)
_KEYED: Final = ("Key", "Item", "Expected", "KeyConditions", "QueryFilter", "ScanFilter", "AttributeUpdates")


def _items(params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every item or key of a DynamoDB request, single, batched or in a transaction."""
    for name in ("Key", "Item"):
        if name in params:
            yield params[name]
    for request in _requests(params):
        if "Keys" in request:
            yield from request["Keys"]
        for action in request.values():
            if isinstance(action, Mapping):
                yield from (action[name] for name in ("Key", "Item") if name in action)


def _requests(params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from params.get("TransactItems", ())
    for entry in params.get("RequestItems", {}).values():
        yield from entry if isinstance(entry, list) else (entry,)


def leading_keys(call: Call) -> list[str]:
    """dynamodb:LeadingKeys. Which attribute is the partition key only the table knows, so every value counts.

    The safe reading: a condition that all leading keys be one's own holds for no request that names another value,
    nor for one whose keys cannot be told.
    """
    params = call.params
    if call.operation in _PARTIQL:
        return [UNTOLD]
    values = [value for item in _items(params) for attribute in item.values() for value in _scalars(attribute)]
    given = params.get("ExpressionAttributeValues", {})
    for names in _EQUALS.findall(str(params.get("KeyConditionExpression", ""))):
        values += _scalars(given.get(names[0] or names[1], {}))
    for condition in params.get("KeyConditions", {}).values():
        if condition.get("ComparisonOperator") == "EQ":
            values += [value for each in condition.get("AttributeValueList", ()) for value in _scalars(each)]
    return list(dict.fromkeys(values)) or ([UNTOLD] if call.operation == "Query" else [])


def _scalars(attribute: Mapping[str, Any]) -> list[str]:
    return [scalar(attribute[kind]) for kind in ("S", "N", "B") if kind in attribute]


def attributes(call: Call) -> list[str]:
    """dynamodb:Attributes: the top-level attributes that the request names."""
    params = call.params
    if call.operation in _PARTIQL:
        return [UNTOLD]
    substitutes = params.get("ExpressionAttributeNames", {})
    names = list(params.get("AttributesToGet", ()))
    for member in _KEYED:
        names += params.get(member, {})
    names += [name for item in _items(params) for name in item]
    for member in _EXPRESSIONS:
        text = re.sub(r":\w+|[.]#?\w+", " ", str(params.get(member, "")))
        found = (name for name in _NAME.findall(text) if name.lower() not in _WORDS)
        names += [substitutes.get(name, name) for name in found]
    return list(dict.fromkeys(names))


def _full_table_scan(state: State, call: Call, check: Check) -> list[str]:
    """dynamodb:FullTableScan is there on a Scan, and there true."""
    return ["true"] if call.operation == "Scan" else []


def _stream(state: State, call: Call, values: Values) -> Iterable[str]:
    """A shard iterator begins with the ARN of its stream, up to a bar."""
    stream = (values[0] or "").split("|", 1)[0]
    if stream.startswith("arn:"):
        return (stream,)
    return (f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.account}:table/*/stream/*",)


FUNCTIONS: Final = Functions(
    planners={
        "partiql": statements(None),
        "partiql_batch": statements("Statements"),
        "partiql_transaction": statements("TransactStatements"),
    },
    resolvers={"dynamodb_stream": _stream},
    keys={
        "attributes": lambda state, call, check: attributes(call),
        "full_table_scan": _full_table_scan,
        "leading_keys": lambda state, call, check: leading_keys(call),
    },
)
