"""Kinds of clients that know of each of their calls beforehand whether it is allowed, and what it must answer."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from support.plane import ACCOUNT, REGION, TRUSTS_EC2, Key, allow, document

Statement = dict[str, Any]
Answer = dict[str, Any]

SIZES: Final = (0, 1 << 10, 1 << 14, 1 << 18, 1 << 20)
"""Octets of the objects that are put."""


class Attempt(NamedTuple):
    """A call and its verdict: None where it is the switch's. It is made with `key` where that is not the client's."""

    call: str
    params: Mapping[str, Any]
    allowed: bool | None = True
    key: Key | None = None


Acts = Generator[Attempt, Answer, None]
"""What a client does, for ever: it is sent the answer to each attempt, which is empty where that was denied."""


class Wrong(Exception):
    """An answer has not in it what it must."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


class Switch:
    """What one policy allows now, if it is not just being changed: clients ask before and after their call."""

    def __init__(self) -> None:
        self._changes = 0
        self._open = False

    @contextmanager
    def turned(self, is_open: bool) -> Iterator[None]:
        """The time in which the policy is changed."""
        self._changes += 1
        yield
        self._open = is_open
        self._changes += 1

    def seen(self) -> tuple[int, bool] | None:
        """What is allowed, and since which change; None while it is changed."""
        before, is_open = self._changes, self._open
        return (before, is_open) if before % 2 == 0 and before == self._changes else None


@dataclass(frozen=True)
class Names:
    """What is there: a bucket with `shared/open` and `shared/secret`, a table, a role, the user with the switch."""

    bucket: str
    table: str
    role: str
    switched: str

    def object(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": key}

    def objects(self, path: str) -> str:
        return f"arn:aws:s3:::{self.bucket}/{path}"


@dataclass(frozen=True)
class Client:
    """A client: its kind (one of KINDS), its name and its key. It has a queue if it is of the kind that uses one."""

    kind: str
    name: str
    key: Key
    names: Names
    queue: str = ""
    switch: Switch = field(default_factory=Switch)

    def acts(self) -> Acts:
        return KINDS[self.kind].acts(self)


@dataclass(frozen=True)
class Kind:
    """The policy of clients of one kind, what they do, with which services, and how many of them there are in 64."""

    statements: Callable[[str, Names], list[Statement]]
    acts: Callable[[Client], Acts]
    services: tuple[str, ...]
    count: int


# -- objects ------------------------------------------------------------------------------------------------


def _writer(name: str, names: Names) -> list[Statement]:
    own = names.objects(f"{name}/*")
    kept = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": names.objects("*/kept")}
    return [allow(["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], own), kept]


def _write(me: Client) -> Acts:
    chance = random.Random(me.name)
    own, kept = me.names.object(f"{me.name}/own"), me.names.object(f"{me.name}/kept")
    for number in itertools.count():
        body = b"%d " % number + chance.randbytes(chance.choice(SIZES))
        for place in (own, kept):
            yield Attempt("s3:put_object", {**place, "Body": body})
            got = yield Attempt("s3:get_object", place)
            must(got["Body"].read() == body, "the object that was put is got")
        yield Attempt("s3:delete_object", own)
        yield Attempt("s3:delete_object", kept, allowed=False)
        yield Attempt("s3:get_object", me.names.object("shared/open"), allowed=False)
        yield Attempt("s3:put_object", {**me.names.object("shared/open"), "Body": b"defaced"}, allowed=False)


def _reader(_name: str, names: Names) -> list[Statement]:
    secret = {"Effect": "Deny", "Action": "s3:*", "Resource": names.objects("shared/secret")}
    listed = allow("s3:ListBucket", f"arn:aws:s3:::{names.bucket}", StringLike={"s3:prefix": "shared/*"})
    return [allow("s3:GetObject", names.objects("shared/*")), listed, secret]


def _read(me: Client) -> Acts:
    while True:
        got = yield Attempt("s3:get_object", me.names.object("shared/open"))
        must(got["Body"].read() == b"open", "the object is what it was")
        yield Attempt("s3:head_object", me.names.object("shared/open"))
        yield Attempt("s3:get_object", me.names.object("shared/secret"), allowed=False)
        found = yield Attempt("s3:list_objects_v2", {"Bucket": me.names.bucket, "Prefix": "shared/"})
        must(found["KeyCount"] == 2, "both objects are listed")
        yield Attempt("s3:list_objects_v2", {"Bucket": me.names.bucket, "Prefix": ""}, allowed=False)
        yield Attempt("s3:delete_object", me.names.object("shared/open"), allowed=False)


def _switched(_name: str, _names: Names) -> list[Statement]:
    return []  # what they may do is what the admin lets them


def _read_as_switched(me: Client) -> Acts:
    while True:
        yield Attempt("s3:get_object", me.names.object("shared/open"), allowed=None)
        yield Attempt("s3:get_object", me.names.object("shared/secret"), allowed=False)


def _admin(_name: str, names: Names) -> list[Statement]:
    return [allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/{names.switched}")]


def _administer(me: Client) -> Acts:
    change = {"UserName": me.names.switched, "PolicyName": "may"}
    opened = document(allow("s3:GetObject", me.names.objects("shared/open")))
    closed = document(allow("s3:GetObject", me.names.objects("shared/other")))
    for is_open in itertools.cycle((True, False)):
        with me.switch.turned(is_open):
            yield Attempt("iam:put_user_policy", {**change, "PolicyDocument": opened if is_open else closed})
        for _ in range(20):
            yield Attempt("s3:get_object", me.names.object("shared/open"), allowed=False)


# -- items and messages -------------------------------------------------------------------------------------


def _tenant(name: str, names: Names) -> list[Statement]:
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{names.table}"
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [name]}}
    return [allow(["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem"], table, **own)]


def _keep_items(me: Client) -> Acts:
    table = {"TableName": me.names.table}
    own, other = {**table, "Key": {"k": {"S": me.name}}}, {**table, "Key": {"k": {"S": "of another tenant"}}}
    for number in itertools.count():
        item = {"k": {"S": me.name}, "number": {"N": str(number)}, "text": {"S": "x" * (number % 5000)}}
        yield Attempt("dynamodb:put_item", {**table, "Item": item})
        got = yield Attempt("dynamodb:get_item", own)
        must(got["Item"] == item, "the item that was put is got")
        added = {"UpdateExpression": "ADD #n :one", "ExpressionAttributeNames": {"#n": "number"}}
        yield Attempt("dynamodb:update_item", {**own, **added, "ExpressionAttributeValues": {":one": {"N": "1"}}})
        yield Attempt("dynamodb:get_item", other, allowed=False)
        yield Attempt("dynamodb:delete_item", own, allowed=False)
        yield Attempt("dynamodb:scan", table, allowed=False)


def _consumer(name: str, _names: Names) -> list[Statement]:
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    return [allow(actions, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")]


def _work_off(me: Client) -> Acts:
    queue = {"QueueUrl": me.queue}
    for number in itertools.count():
        yield Attempt("sqs:send_message", {**queue, "MessageBody": f"{number}"})
        got = yield Attempt("sqs:receive_message", queue)
        must([one["Body"] for one in got["Messages"]] == [f"{number}"], "the message that was sent is received")
        yield Attempt("sqs:delete_message", {**queue, "ReceiptHandle": got["Messages"][0]["ReceiptHandle"]})
        yield Attempt("sqs:purge_queue", queue, allowed=False)
        yield Attempt("sqs:get_queue_attributes", queue, allowed=False)


# -- identities ---------------------------------------------------------------------------------------------


def _founder(name: str, _names: Names) -> list[Statement]:
    actions = ["iam:CreateRole", "iam:TagRole", "iam:GetRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"]
    return [allow([*actions, "iam:DeleteRole"], f"arn:aws:iam::{ACCOUNT}:role/{name}/*")]


def _found_roles(me: Client) -> Acts:
    role, policy = {"RoleName": f"{me.name}-made"}, {"PolicyName": "may", "PolicyDocument": document(allow("s3:*"))}
    made = {**role, "AssumeRolePolicyDocument": TRUSTS_EC2}
    for number in itertools.count():
        yield Attempt("iam:create_role", {**made, "Path": f"/{me.name}/"})
        yield Attempt("iam:tag_role", {**role, "Tags": [{"Key": "number", "Value": str(number)}]})
        got = yield Attempt("iam:get_role", role)
        must(got["Role"]["Tags"] == [{"Key": "number", "Value": str(number)}], "the role has the tag")
        yield Attempt("iam:put_role_policy", {**role, **policy})
        yield Attempt("iam:create_role", {**made, "Path": "/"}, allowed=False)
        yield Attempt("iam:delete_role_policy", {**role, "PolicyName": "may"})
        yield Attempt("iam:delete_role", role)
        yield Attempt("iam:list_roles", {}, allowed=False)


def _assumer(_name: str, names: Names) -> list[Statement]:
    return [allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{names.role}")]


def _assume(me: Client) -> Acts:
    role = f"arn:aws:iam::{ACCOUNT}:role/{me.names.role}"
    narrowed = document(allow("s3:GetObject", me.names.objects("shared/open")))
    session = {"RoleSessionName": me.name, "Policy": narrowed}
    for number in itertools.count():
        got = yield Attempt("sts:assume_role", {"RoleArn": role, **session})
        if number % 20 == 0:  # clients are expensive
            key = Key.of(got["Credentials"])
            who = yield Attempt("sts:get_caller_identity", {}, key=key)
            must(who["Arn"].endswith(f":assumed-role/{me.names.role}/{me.name}"), "the session is the role's")
            yield Attempt("s3:get_object", me.names.object("shared/open"), key=key)
            yield Attempt("s3:get_object", me.names.object("shared/secret"), allowed=False, key=key)
            yield Attempt("s3:put_object", {**me.names.object("shared/open"), "Body": b""}, allowed=False, key=key)
        yield Attempt("sts:get_caller_identity", {})
        yield Attempt("sts:assume_role", {"RoleArn": f"{role}-other", **session}, allowed=False)


KINDS: Final = {
    "writer": Kind(_writer, _write, ("s3",), 12),
    "reader": Kind(_reader, _read, ("s3",), 12),
    "tenant": Kind(_tenant, _keep_items, ("dynamodb",), 10),
    "consumer": Kind(_consumer, _work_off, ("sqs",), 10),
    "founder": Kind(_founder, _found_roles, ("iam",), 8),
    "assumer": Kind(_assumer, _assume, ("sts",), 6),
    "switched": Kind(_switched, _read_as_switched, ("s3",), 5),
    "admin": Kind(_admin, _administer, ("iam", "s3"), 1),
}
