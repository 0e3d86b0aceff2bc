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
from locum.core.partial_arn import UNKNOWN, arn_of
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
    """The ARN of the table `name`, which may be an ARN already."""
    if name.startswith("arn:"):
        return name
    return f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.account}:table/{name}"


def partiql_checks(call: Call, statement: str) -> Iterator[Check]:
    """The checks of one PartiQL statement, one for each table or index that it names.

    Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB". Raises Fault for a statement
    that cannot be parsed, and for one in which another parser might find another table (comments, an open quotation,
    several tables after one FROM), as a Deny on that table would not be evaluated.
    """
    tokens = _TOKEN.findall(statement)
    action = _PARTIQL_ACTIONS.get(tokens[0].upper()) if tokens and _is_unambiguous(statement, tokens) else None
    targets = [_target(tokens, index + 1) for index, token in enumerate(tokens) if token.upper() in _NAMES_TABLE]
    if action is None or not targets or not all(table for table, _ in targets):
        raise Fault("ValidationException", "Statement wasn't well formed, can't be processed", 400)
    for table, index_name in dict.fromkeys(targets):
        arn = table_arn(call, table)
        if index_name:
            yield Check(f"dynamodb:PartiQL{action}", f"{arn}/index/{index_name}", "index")
        else:
            yield Check(f"dynamodb:PartiQL{action}", arn, "table")


def _is_unambiguous(statement: str, tokens: list[str]) -> bool:
    """Whether `statement` has no comments, open quotations or escapes, which parsers may treat differently."""
    return "\\" not in statement and _UNREADABLE.isdisjoint(tokens) and _COMMENTS.isdisjoint(itertools.pairwise(tokens))


_NOTHING: Final = ("", "")


def _target(tokens: list[str], start: int) -> tuple[str, str]:
    """The table and the index in `"table"."index"`, quoted or not, at `start`; empty where there are none."""
    words = [*tokens[start : start + 4], "", "", "", ""]
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
    """The planner for the statements in the list `member`, or for that of the request itself where it is None."""

    def plan(state: State, call: Call) -> Iterator[Check]:
        sources: Iterable[Mapping[str, Any]] = call.params.get(member, ()) if member else (call.params,)
        for source in sources:
            yield from partiql_checks(call, str(source.get("Statement", "")))

    return plan


_NAME: Final = re.compile(r"#?[A-Za-z_][\w-]*")
_EQUALS: Final = re.compile(r"=\s*(:\w+)|(:\w+)\s*=")
_KEYWORDS: Final = frozenset(
    {"and", "or", "not", "between", "in", "set", "add", "remove", "delete", "size", "contains", "begins_with"}
    | {"attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"}
)
_PARTIQL: Final = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
UNKNOWN_VALUE: Final = "\0"
"""A value that is not known and equals no value of a policy. It is not empty: ForAllValues ignores the empty string."""

_EXPRESSIONS: Final = (
    "ProjectionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ConditionExpression",
    "UpdateExpression",
)
_BY_ATTRIBUTE: Final = ("Key", "Item", "Expected", "KeyConditions", "QueryFilter", "ScanFilter", "AttributeUpdates")


def _items(params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All items and keys of a DynamoDB request, single, batched or in a transaction."""
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
    """dynamodb:LeadingKeys: the values of all key attributes, as only the table knows which is the partition key.

    A condition on all leading keys so fails for a request that has any other value, and for one whose keys cannot be
    determined.
    """
    params = call.params
    if call.operation in _PARTIQL:
        return [UNKNOWN_VALUE]
    values = [value for item in _items(params) for attribute in item.values() for value in _scalars(attribute)]
    given = params.get("ExpressionAttributeValues", {})
    for names in _EQUALS.findall(str(params.get("KeyConditionExpression", ""))):
        values += _scalars(given.get(names[0] or names[1], {}))
    for condition in params.get("KeyConditions", {}).values():
        if condition.get("ComparisonOperator") == "EQ":
            values += [value for each in condition.get("AttributeValueList", ()) for value in _scalars(each)]
    return list(dict.fromkeys(values)) or ([UNKNOWN_VALUE] if call.operation == "Query" else [])


def _scalars(attribute: Mapping[str, Any]) -> list[str]:
    return [scalar(attribute[kind]) for kind in ("S", "N", "B") if kind in attribute]


def attributes(call: Call) -> list[str]:
    """dynamodb:Attributes: the top-level attributes in the request."""
    params = call.params
    if call.operation in _PARTIQL:
        return [UNKNOWN_VALUE]
    substitutes = params.get("ExpressionAttributeNames", {})
    names = list(params.get("AttributesToGet", ()))
    for member in _BY_ATTRIBUTE:
        names += params.get(member, {})
    names += [name for item in _items(params) for name in item]
    for member in _EXPRESSIONS:
        text = re.sub(r":\w+|[.]#?\w+", " ", str(params.get(member, "")))
        found = (name for name in _NAME.findall(text) if name.lower() not in _KEYWORDS)
        names += [substitutes.get(name, name) for name in found]
    return list(dict.fromkeys(names))


def _full_table_scan(state: State, call: Call, check: Check) -> list[str]:
    """dynamodb:FullTableScan: "true" for a Scan, else absent."""
    return ["true"] if call.operation == "Scan" else []


def _stream(state: State, call: Call, values: Values) -> Iterable[str]:
    """The stream of a shard iterator, which begins with the stream's ARN and a bar."""
    stream = (values[0] or "").split("|", 1)[0]
    if stream.startswith("arn:"):
        return (stream,)
    table = f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.account}:table/"
    return (arn_of(table, UNKNOWN, "/stream/", UNKNOWN),)


# DynamoDB API, DeleteResourcePolicy: "the root principal in your AWS account can perform DeleteResourcePolicy requests,
# even if your resource-based policy explicitly denies the root principal's access".
_OWNER_ROOT_ACTIONS: Final = frozenset({"dynamodb:DeleteResourcePolicy"})

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
    owner_root_actions=_OWNER_ROOT_ACTIONS,
)
