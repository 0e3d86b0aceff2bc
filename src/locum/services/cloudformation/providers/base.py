"""Providers: what makes, changes and deletes resources of a type, by calls of the service that has them.

The functions of a provider are generators. They yield a `Request`, which is made as the stack's role or with the
permissions of its caller, and are sent the answer; a refused call raises its Fault where it was yielded. They yield a
`Pause` where there is something to wait for. `Began`, `ResponseUrl`, `Reply`, `Nested` and `Signals` are for what
others do, as long as it takes, `Notes` and `Tell` for work in many steps (`agents.stacks.waits`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from locum.core.errors import Fault

Properties = Mapping[str, Any]

_GENERATED: Final = 12
"""Random characters at the end of a generated name."""


class Request(NamedTuple):
    """A call, by botocore's names, and its parameters. `region` is the stack's where it is empty."""

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str = ""


class Pause(NamedTuple):
    """A wait of so many seconds, until something may be ready."""

    seconds: float


class Made(NamedTuple):
    """A resource that is there: its physical id, which is what Ref gives, and the attributes that GetAtt gives.

    `no_echo`: these are not shown.
    """

    physical: str
    attributes: Mapping[str, Any] = {}
    no_echo: bool = False


class Found(NamedTuple):
    """What a resource is: its properties as a template would have them, and the attributes that GetAtt gives.

    Properties that the service does not show, or that `read` does not know how to tell, are not there. Those of `unset`
    are known not to be set.
    """

    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = {}
    unset: frozenset[str] = frozenset()


class Began(NamedTuple):
    """A resource is there, with this physical id, though it is not complete: it is deleted where its creation fails."""

    physical: str


class ResponseUrl(NamedTuple):
    """A URL for the answer to a request of this kind, which is told with `URL`, `RequestId` and `Sent`.

    It is that of a wait condition's handle where `kind` is empty. `Sent`: the request was made before a restart, and
    there is nothing to be done but to wait for the answer.
    """

    kind: str = ""


class Reply(NamedTuple):
    """A wait for a number of answers at `url`, or one of a failure, for `seconds` at most: `Received`, by their ids.

    `Of` is the logical id of the resource that has the URL.
    """

    url: str
    number: int
    seconds: float


class Nested(NamedTuple):
    """A wait until nothing is under way for the stack with this ARN, which is nested in this one: `Status`, `Reason`.

    One whose update waits for the stacks around it is done. `patient`: it is waited for also where this stack does
    something else meanwhile. `early`: not until it has gone back, where its update fails.
    """

    stack: str
    patient: bool = False
    early: bool = False


class Notes(NamedTuple):
    """What the work under way keeps over a restart, in the place of what it kept before: `Notes`, which are told.

    Nothing is kept where `values` is None.
    """

    values: Mapping[str, Any] | None = None


class Tell(NamedTuple):
    """An event of the resource with this reason."""

    reason: str


class Signals(NamedTuple):
    """A wait for signals with these unique ids to the resource, for `seconds` at most: `Received`, status by id.

    Without ids it is as long as that. `key` tells it from the other waits of the work.
    """

    ids: tuple[str, ...]
    seconds: float
    key: str


Step = Request | Pause | Began | ResponseUrl | Reply | Nested | Notes | Tell | Signals
Work = Generator[Step, Mapping[str, Any], Made]
Ending = Generator[Step, Mapping[str, Any], None]
Reading = Generator[Step, Mapping[str, Any], Found]
PhysicalIds = Generator[Step, Mapping[str, Any], list[str]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack, or one of its own (without `stack_name`), for its provider.

    `properties` are those that it has or is to have, with all functions resolved. `physical` and `attributes` are those
    of its creation; empty before. `no_echo`: the attributes are not shown. `tags` are those of the stack, with the
    `aws:cloudformation:` ones. `token` is random, and the same where an interrupted creation is made `again`.
    `capabilities` are those of the stack. `update_policy` is what the template says of the update under way. `back`:
    that is a rollback.
    """

    type: str
    logical: str
    properties: Properties
    account: str
    region: str
    stack_name: str
    stack_arn: str
    token: str
    physical: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    capabilities: tuple[str, ...] = ()
    update_policy: Properties = field(default_factory=dict)
    back: bool = False
    no_echo: bool = False

    def name(self, longest: int = 255, *, lower: bool = False, head: str | None = "") -> str:
        """A generated name, `STACK-LOGICAL-RANDOM` (without a stack `LOGICAL-RANDOM`), of at most `longest` characters.

        `head` takes the stack's place, None leaves it out. Of what is too long, either part has a half at least.

        CloudFormation User Guide, "Name type": "a unique physical ID".
        """
        room = longest - _GENERATED - 1
        first = self.stack_name if head == "" else head
        named = f"{first}-{self.logical}" if first else self.logical[:room]
        if first and len(named) > room:
            logical = self.logical[: max(room // 2, room - 1 - len(first))]
            named = f"{first[: room - len(logical) - 1].rstrip('-')}-{logical}"
        made = f"{named}-{self.token[:_GENERATED]}"
        return made.lower() if lower else made

    @property
    def client_token(self) -> str:
        """The token by which a service knows a call that is made again."""
        return f"{self.stack_arn.rpartition('/')[2]}-{self.token}"[:64]

    def all_tags(self, given: Any = None) -> dict[str, str]:
        """The tags of the stack, and those that the resource has of its own: a list of Key and Value, or a mapping."""
        own = given if isinstance(given, Mapping) else {tag["Key"]: tag["Value"] for tag in given or ()}
        return {**self.tags, **{str(key): str(value) for key, value in own.items()}}

    def tag_list(self, given: Any = None) -> list[dict[str, str]]:
        """`all_tags` as a list of Key and Value."""
        return [{"Key": key, "Value": value} for key, value in self.all_tags(given).items()]

    def tag_changes(self, given: Any, before: Any) -> tuple[dict[str, str], list[str]]:
        """The tags to put, and the keys to remove, where the resource with the tags `before` is to have those `given`.

        Tags of the stack may have changed as well; they are always put. Those of AWS's never change.
        """
        wanted = self.all_tags(given)
        own = before if isinstance(before, Mapping) else {tag["Key"]: tag["Value"] for tag in before or ()}
        put = {key: value for key, value in wanted.items() if not key.startswith("aws:") and own.get(key) != value}
        return put, [key for key in own if key not in wanted]


class Provider(NamedTuple):
    """A type of resource. `update` is None where every change takes another resource.

    `update` gets the resource with its new properties, and those before. `immutable` are properties that are not in the
    schema's `createOnlyProperties` and take another resource as well. `read` tells what the resource with a physical id
    is, of which nothing else may be known; its Fault is one that `is_gone` where there is none. `list` tells the
    physical ids of all that are there in the account and region. Both are None where nothing tells it.
    """

    create: Callable[[Resource], Work]
    delete: Callable[[Resource], Ending]
    update: Callable[[Resource, Properties], Work] | None = None
    immutable: frozenset[str] = frozenset()
    read: Callable[[Resource], Reading] | None = None
    list: Callable[[Resource], PhysicalIds] | None = None


def is_gone(fault: Fault) -> bool:
    """Whether `fault` says that there is no such resource: its deletion is done."""
    code = fault.code
    return (
        fault.status == 404
        or code.endswith((".NotFound", "NotFound", "NotFoundException", "NonExistentQueue", "DoesNotExist"))
        or (code in _GONE)
    )


_GONE: Final = frozenset(
    {
        "NoSuchEntity",
        "NoSuchBucket",
        "ParameterNotFound",
        "NoSuchKey",
        "PolicyNotAttachedException",
        "QueueDoesNotExist",
    }
)


def ended(request: Request) -> Ending:
    """Make a call that deletes something, which may be gone already."""
    try:
        yield request
    except Fault as fault:
        if not is_gone(fault):
            raise


def told_here(answer: Mapping[str, Any], endpoint: str) -> Mapping[str, Any]:
    """`answer`, in which the URLs of queues, made of the host that was called, are those of the plane at `endpoint`."""
    found = dict(answer)
    if endpoint and "QueueUrl" in found:
        found["QueueUrl"] = f"{endpoint}{urlsplit(found['QueueUrl']).path}"
    if endpoint and "QueueUrls" in found:
        found["QueueUrls"] = [f"{endpoint}{urlsplit(url).path}" for url in found["QueueUrls"]]
    return found


def or_undone(rest: Work, undo: Ending) -> Work:
    """The rest of a creation, of which something is made already: `undo` deletes it where the rest fails."""
    try:
        return (yield from rest)
    except Fault:
        with suppress(Fault):
            yield from undo
        raise


def picked(properties: Properties, *names: str, **renamed: str) -> dict[str, Any]:
    """The members `names` of `properties` that are there; those of `renamed` (member = property) under another name."""
    found = {name: properties[name] for name in names if name in properties}
    return found | {member: properties[name] for member, name in renamed.items() if name in properties}
