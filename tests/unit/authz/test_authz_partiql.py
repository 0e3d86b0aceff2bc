"""What the WHERE clause of a PartiQL statement says of keys: whether a SELECT is a full table scan."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.authz.services.partiql import LONGEST, parse
from locum.core.errors import Fault
from support.authority import World, allow, as_user, user

# PartiQL select statements for DynamoDB, with OrderID as the partition key; and ways to seem to be one of them
KEYED = [
    "OrderID = 100",
    "OrderID = 100 and Address='some address'",
    "OrderID = 100 or OrderID = 200",
    "OrderID IN [100, 300, 234]",
    "OrderID IN (?, ?)",
    '"OrderID" = ?',
    "? = OrderID",
    "Total > 500 AND (OrderID = 1 OR OrderID = 'b')",
    "Total BETWEEN 1 AND 5 AND OrderID = -1.5",
    "(OrderID = 100) ORDER BY Total DESC",
    "contains(Address, 'x') AND OrderID = '=' ;",
    "(Total BETWEEN 1 AND 2) AND OrderID = 1",
]
SCANS = [
    "OrderID > 1",
    "Address='some address'",
    "OrderID = 100 OR Address='some address'",
    "OrderID = OrderID",
    "OrderID = 1 + OrderID",
    "NOT OrderID = 1",
    "NOT (OrderID = 1)",
    "NOT 1 = OrderID",
    "orderid = 1",
    "OrderID <> 1",
    "'OrderID' = 1",
    "Address = 'OrderID = 1'",
    "Address = 'x' OR (OrderID = 1 AND Total = 1) OR Total = 2",
    "(OrderID = 1) OR (Total = 2)",
    "OrderID IN [1, Total]",
    "OrderID IN (SELECT OrderID FROM Orders WHERE OrderID = 1)",
    "OrderID.x = 1",
    "Total BETWEEN 0 AND OrderID = 1",
    "Total = 1 AND (Total BETWEEN 0 AND OrderID = 1)",
    "attribute_exists(OrderID)",
    "begins_with(OrderID, '1')",
]


def is_keyed(where: str, statement: str = 'SELECT * FROM "Orders" WHERE {}') -> bool:
    return "OrderID" in parse(statement.format(where)).keyed


@pytest.mark.parametrize("where", KEYED)
def test_a_select_of_partition_keys_is_no_scan(where: str) -> None:
    assert is_keyed(where)


@pytest.mark.parametrize("where", SCANS)
def test_a_select_that_only_seems_to_name_the_partition_key_is_a_scan(where: str) -> None:
    assert not is_keyed(where)


def test_a_condition_in_a_transaction_is_read_like_a_select() -> None:
    within = 'EXISTS(SELECT * FROM "Orders" WHERE {})'
    assert is_keyed("OrderID = 1 AND (Total = 1 OR Total = 2)", within)
    assert not is_keyed("Total = 1", within)
    assert not is_keyed("", 'SELECT * FROM "Orders"')


def test_a_condition_that_is_nested_too_deeply_to_be_read_is_a_scan() -> None:
    assert is_keyed("(" * 20 + "OrderID = 1" + ")" * 20)
    assert not is_keyed("(" * 4000 + "OrderID = 1")
    assert not is_keyed("(" * 4000 + "OrderID = 1" + ")" * 4000)


def test_a_statement_that_is_too_long_for_dynamodb_is_refused() -> None:
    statement = 'SELECT * FROM "Orders" WHERE OrderID = '
    assert parse(statement.ljust(LONGEST, "1")).keyed
    with pytest.raises(Fault) as refused:
        parse(statement.ljust(LONGEST + 1, "1"))
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("operation", "member", "most"),
    [("BatchExecuteStatement", "Statements", 25), ("ExecuteTransaction", "TransactStatements", 100)],
)
def test_more_statements_than_dynamodb_takes_are_refused(operation: str, member: str, most: int) -> None:
    ann = user("ann", allow("*"))
    world = World().having(ann)

    def planned(count: int) -> Any:
        statements = [{"Statement": f'SELECT * FROM "t{n}"'} for n in range(count)]
        return authz.plan(world.state, world.call(as_user(ann), f"dynamodb:{operation}", {member: statements}))

    assert len(planned(most).checks) == most
    with pytest.raises(Fault) as refused:
        planned(most + 1)
    assert refused.value.code == "ValidationException"
