"""Labs about programs that use other services: a table read from an instance, a queue filled by a function."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

from locum.labs import inside, making
from locum.labs.documents import LAMBDA, allow, deny, document, trusting
from locum.labs.lab import INSIDE, written
from locum.labs.world import Broken, World

# -- a table and its index -------------------------------------------------------------------------------

_INDEX: Final = "by-customer"


def _build_table(world: World) -> None:
    index = {
        "IndexName": _INDEX,
        "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = making.table(world, "orders", attributes=["customer"], GlobalSecondaryIndexes=[index])
    making.table(world, "payroll")
    order = {"id": {"S": "1"}, "customer": {"S": "ada"}}
    world.do("dynamodb", "put_item", TableName=world.name("orders"), Item=order)
    making.instance(world, "instance", making.profile(world, "app", allow("dynamodb:GetItem", table)))


def _query(world: World) -> dict[str, Any]:
    return {
        "TableName": world.name("orders"),
        "IndexName": _INDEX,
        "KeyConditionExpression": "customer = :it",
        "ExpressionAttributeValues": {":it": {"S": "ada"}},
    }


def _check_table(world: World) -> None:
    instance = world.notes["instance"]
    making.described(world, instance)
    key = inside.of_instance(world, instance)
    answer = world.must("The application cannot query the index", "dynamodb", "query", key, **_query(world))
    if not answer["Items"]:
        raise Broken("The application can query the index, but ada's order is gone")
    one: dict[str, Any] = {"TableName": world.name("orders"), "Key": {"id": {"S": "1"}}}
    world.may("The application cannot read single orders any more", "dynamodb", "get_item", key, **one)
    word = "The application can query; but it can read the payroll as well"
    world.must_not(word, "dynamodb", "scan", key, TableName=world.name("payroll"))
    role = f"arn:aws:iam::{world.account}:role/{inside.worn(world, instance)}"
    orders = f"arn:aws:dynamodb:{world.region}:{world.account}:table/{world.name('orders')}"
    for action in ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:DeleteTable"):
        if world.could(role, action, orders):
            raise Broken(f"The application can query; but it may {action}, and only has to read")


def _solve_table(world: World) -> None:
    table = f"arn:aws:dynamodb:{world.region}:{world.account}:table/{world.name('orders')}"
    making.grant(
        world, "app", allow("dynamodb:GetItem", table), allow("dynamodb:Query", [table, f"{table}/index/{_INDEX}"])
    )  # fmt: skip


TABLE_INDEX: Final = written(
    "table-index", _build_table, _check_table, _solve_table, services=("ec2", "dynamodb"), requires=(INSIDE,)
)

# -- a function and a queue ------------------------------------------------------------------------------

_LOGGING: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_BASIC: Final = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_PROGRAM: Final = """import os

import boto3


def handler(event, context):
    answer = boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="an order")
    return answer["MessageId"]
"""


def _package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), _PROGRAM)
    return packed.getvalue()


def _queue_arn(world: World) -> str:
    return f"arn:aws:sqs:{world.region}:{world.account}:{world.name('jobs')}"


def _keeping(world: World, sender: str) -> str:
    """A queue policy that keeps all roles but `sender` from sending."""
    others = {"aws:PrincipalArn": [world.arn("role", sender), f"arn:aws:iam::{world.account}:root"]}
    return document(deny("sqs:SendMessage", _queue_arn(world), ArnNotEquals=others) | {"Principal": "*"})


def _build_function(world: World) -> None:
    attributes = {"Policy": _keeping(world, "worker-old")}
    url = world.do("sqs", "create_queue", QueueName=world.name("jobs"), Attributes=attributes)["QueueUrl"]
    receiving = allow("sqs:ReceiveMessage", _queue_arn(world))
    role = making.role(world, "worker", trusting(Service=LAMBDA), receiving)
    making.role(world, "other", trusting(Service=LAMBDA), allow("sqs:SendMessage"))
    world.note("queue", url)
    world.do(
        "lambda", "create_function",
        FunctionName=world.name("worker"), Role=role, Runtime="python3.13", Handler="main.handler", Timeout=30,
        Code={"ZipFile": _package()}, Environment={"Variables": {"QUEUE": url}}, Tags={"locum:lab": world.lab},
    )  # fmt: skip
    world.note("function", world.name("worker"))


def _queue_policy(world: World) -> str:
    wanted: dict[str, Any] = {"QueueUrl": world.notes["queue"], "AttributeNames": ["Policy"]}
    return str(world.do("sqs", "get_queue_attributes", **wanted).get("Attributes", {}).get("Policy", ""))


def _check_function(world: World) -> None:
    function = world.do("lambda", "get_function_configuration", FunctionName=world.notes["function"])
    role, queue, policy = function["Role"], _queue_arn(world), _queue_policy(world)
    if not world.could(role, "sqs:SendMessage", queue):
        raise Broken("The function's role may not send to the queue")
    if not world.could(role, "sqs:SendMessage", queue, policy):
        raise Broken("The function's role may send; but the queue's own policy denies it")
    group = f"arn:aws:logs:{world.region}:{world.account}:log-group:/aws/lambda/{world.notes['function']}"
    for action in _LOGGING:
        if not world.could(role, action, f"{group}:log-stream:check" if action == _LOGGING[2] else group):
            raise Broken(f"The function can send; but nobody will see what it prints: {action} is missing")
    for action in ("sqs:DeleteQueue", "sqs:PurgeQueue"):
        if world.could(role, action, queue, policy):
            raise Broken(f"The function can send; but its role may {action}, too")
    if world.could(world.arn("role", "other"), "sqs:SendMessage", queue, policy):
        raise Broken(f"The function can send; but {world.name('other')} can as well: the queue has to keep it out")


def _solve_function(world: World) -> None:
    making.grant(world, "worker", allow("sqs:SendMessage", _queue_arn(world)))
    world.do("iam", "attach_role_policy", RoleName=world.name("worker"), PolicyArn=_BASIC)
    attributes = {"Policy": _keeping(world, "worker")}
    world.do("sqs", "set_queue_attributes", QueueUrl=world.notes["queue"], Attributes=attributes)


FUNCTION_QUEUE: Final = written(
    "function-queue", _build_function, _check_function, _solve_function, services=("sqs", "lambda")
)
