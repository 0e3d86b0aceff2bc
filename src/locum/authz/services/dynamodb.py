"""DynamoDB: the permissions of PartiQL statements, and the condition keys of fine-grained access control."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from locum.authz.call import Call, Check, Value
from locum.authz.functions import Circumstances, Functions, Values, as_values
from locum.authz.paths import UNKNOWN_VALUE, scalar
from locum.authz.services import partiql
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def table_arn(call: Call, name: str) -> str:
    """The ARN of the table `name`, which may be an ARN already."""
    if name.startswith("arn:"):
        return name
    return f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.account}:table/{name}"


def partiql_checks(call: Call, statement: str) -> Iterator[Check]:
    """The checks of one PartiQL statement, one for each table or index that it names.

    Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB". Raises Fault like
    `partiql.parse`.
    """
    action, targets, _ = partiql.parse(statement)
    for table, index_name in targets:
        arn = table_arn(call, table)
        if index_name:
            yield Check(f"dynamodb:PartiQL{action}", f"{arn}/index/{index_name}", "index")
        else:
            yield Check(f"dynamodb:PartiQL{action}", arn, "table")


_STATEMENTS: Final = {
    "ExecuteStatement": ("", 1),
    "BatchExecuteStatement": ("Statements", 25),
    "ExecuteTransaction": ("TransactStatements", 100),
}
"""The operations of PartiQL, with the member that lists their statements (empty for the one of the request itself), and
how many there may be."""


def _statements(call: Call) -> Iterator[str]:
    """The PartiQL statements of a call. Raises Fault where there are more than DynamoDB takes."""
    member, most = _STATEMENTS[call.operation]
    sources: Sequence[Mapping[str, Any]] = call.params.get(member, ()) if member else (call.params,)
    if len(sources) > most:
        text = f"Value at '{member[0].lower()}{member[1:]}' failed to satisfy constraint: Member must have length less"
        raise Fault("ValidationException", f"1 validation error detected: {text} than or equal to {most}", 400)
    return (str(source.get("Statement", "")) for source in sources)


def _of_statements(state: State, call: Call) -> Iterator[Check]:
    return (check for statement in _statements(call) for check in partiql_checks(call, statement))


_NAME: Final = re.compile(r"#?[A-Za-z_][\w-]*")
_EQUALS: Final = re.compile(
    r"(?P<name>#?\w[\w.-]*+)\s*+=\s*+(?P<value>:\w++)|(?P<of>:\w++)\s*+=\s*+(?P<to>#?\w[\w.-]*+)|#?\w[\w.-]*+"
)
"""A name that equals a value, or the other way round; or any other name, which is passed over as a whole."""
_KEYWORDS: Final = frozenset(
    {"and", "or", "not", "between", "in", "set", "add", "remove", "delete", "size", "contains", "begins_with"}
    | {"attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"}
)
_EXPRESSIONS: Final = (
    "ProjectionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ConditionExpression",
    "UpdateExpression",
)
_BY_ATTRIBUTE: Final = ("Key", "Item", "Expected", "KeyConditions", "QueryFilter", "ScanFilter", "AttributeUpdates")


def _items(call: Call, table: str) -> Iterator[Mapping[str, Any]]:
    """All items and keys of a request for the table with the ARN `table`: single, batched or in a transaction."""
    params = call.params
    for name in ("Key", "Item"):
        if name in params:
            yield params[name]
    for named, request in _requests(params):
        if named and table_arn(call, named) != table:
            continue
        if "Keys" in request:
            yield from request["Keys"]
        for action in request.values():
            if isinstance(action, Mapping) and (named or table_arn(call, str(action.get("TableName"))) == table):
                yield from (action[name] for name in ("Key", "Item") if name in action)


def _requests(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The requests of a transaction or batch, each with its table where that is not in the request."""
    yield from (("", item) for item in params.get("TransactItems", ()))
    for table, entry in params.get("RequestItems", {}).items():
        yield from ((table, each) for each in (entry if isinstance(entry, list) else (entry,)))


def _leading_keys(subject: Circumstances) -> Value | None:
    """dynamodb:LeadingKeys: the partition keys of the items in the request.

    Where the table's partition key is not known they are the values of all key attributes. A condition on all leading
    keys so fails for a request that has any other value, and for one whose keys cannot be determined.
    """
    call = subject.call
    if call.service != "dynamodb":
        return None
    if call.operation in _STATEMENTS:
        return (UNKNOWN_VALUE,)
    partition = subject.facts.attributes.get(PARTITION_KEY, "")
    values: list[str] = []
    for item in _items(call, subject.check.resource.partition("/index/")[0]):
        attributes = item.items() if not partition else [(partition, item.get(partition, {}))]
        values += [value for _, attribute in attributes for value in _scalars(attribute) or (UNKNOWN_VALUE,)]
    if call.operation == "Query":
        values += list(_queried(call.params, partition)) or [UNKNOWN_VALUE]
    return tuple(dict.fromkeys(values)) or None


PARTITION_KEY: Final = "partition_key"
"""The attribute in the facts of a table or index for the name of its partition key."""


def _queried(params: Mapping[str, Any], partition: str) -> Iterator[str]:
    """The values to which the key conditions of a query set the partition key, or any attribute where it is empty."""
    values, names = params.get("ExpressionAttributeValues", {}), params.get("ExpressionAttributeNames", {})
    for found in _EQUALS.finditer(str(params.get("KeyConditionExpression", ""))):
        name = found["name"] or found["to"]
        if name is not None and (not partition or names.get(name, name) == partition):
            yield from _scalars(values.get(found["value"] or found["of"], {}))
    for name, condition in params.get("KeyConditions", {}).items():
        if name == (partition or name) and condition.get("ComparisonOperator") == "EQ":
            for each in condition.get("AttributeValueList", ()):
                yield from _scalars(each)


def _scalars(attribute: Mapping[str, Any]) -> list[str]:
    return [scalar(attribute[kind]) for kind in ("S", "N", "B") if kind in attribute]


def attributes(call: Call, check: Check) -> list[str]:
    """dynamodb:Attributes: the top-level attributes in the request."""
    params = call.params
    if call.operation in _STATEMENTS:
        return [UNKNOWN_VALUE]
    substitutes = params.get("ExpressionAttributeNames", {})
    names = list(params.get("AttributesToGet", ()))
    for member in _BY_ATTRIBUTE:
        names += params.get(member, {})
    names += [name for item in _items(call, check.resource.partition("/index/")[0]) for name in item]
    for member in _EXPRESSIONS:
        text = re.sub(r":\w+|[.]#?\w+", " ", str(params.get(member, "")))
        found = (name for name in _NAME.findall(text) if name.lower() not in _KEYWORDS)
        names += [substitutes.get(name, name) for name in found]
    return list(dict.fromkeys(names))


def _full_table_scan(subject: Circumstances) -> Value | None:
    """dynamodb:FullTableScan: "true" for a Scan, and for a SELECT whose WHERE clause does not name partition keys.

    PartiQL select statements for DynamoDB: "To ensure that a SELECT statement does not result in a full table scan, the
    WHERE clause condition must specify a partition key. Use the equality or IN operator." Absent for other operations.
    """
    call, check = subject.call, subject.check
    if call.service != "dynamodb" or call.operation not in _STATEMENTS:
        return "true" if (call.service, call.operation) == ("dynamodb", "Scan") else None
    if check.action != "dynamodb:PartiQLSelect":
        return None
    partition = subject.facts.attributes.get(PARTITION_KEY)  # where it is not known, nothing shows that it is named
    for statement in _statements(call):
        named = any(found.resource == check.resource for found in partiql_checks(call, statement))
        if named and partition not in partiql.parse(statement).keyed:
            return "true"
    return "false"


def _return_values(state: State, call: Call, check: Check) -> list[str]:
    """dynamodb:ReturnValues: "always has a value (NONE unless otherwise specified)" where an item is written."""
    default = "NONE" if call.operation in {"DeleteItem", "PutItem", "UpdateItem"} else ""
    return as_values(call.params.get("ReturnValues") or default)


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
    planners={"partiql": _of_statements},
    resolvers={"dynamodb_stream": _stream},
    keys={
        "attributes": lambda state, call, check: attributes(call, check),
        "return_values": _return_values,
    },
    readers={"dynamodb:fulltablescan": _full_table_scan, "dynamodb:leadingkeys": _leading_keys},
    owner_root_actions=_OWNER_ROOT_ACTIONS,
)
