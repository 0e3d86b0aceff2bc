"""Entities of CloudFormation: stacks, their templates, resources and events, and change sets.

Stacks are in an account and a region, so that their keys begin with the region; what belongs to a stack has its id
next. Times are epoch seconds. Whatever was made of parameters may hold a secret (NoEcho) and is sealed under the key
ring (`services.cloudformation.sealing`).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.arn import PARTITION
from locum.core.principal import Caller
from locum.state.autoscaling import regional
from locum.state.entities import Entity

REVIEW: Final = "REVIEW_IN_PROGRESS"
"""The status of a stack that a change set is to create: nothing is under way."""


def stack_arn(region: str, account: str, name: str, identifier: str) -> str:
    """The ARN of a stack, whose `identifier` is a UUID."""
    return f"arn:{PARTITION}:cloudformation:{region}:{account}:stack/{name}/{identifier}"


class StackVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a stack is to be: the number of its template, the sealed parameters, tags and capabilities."""

    template: int
    parameters: bytes = b""
    tags: dict[str, str] = {}
    capabilities: tuple[str, ...] = ()


class Stack(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack"):
    """A stack. `version` is what it is, or is made to be; `before` what it was, until an update is complete.

    `operation` is the token of the operation that is under way or was the last one: what has it is done with.
    `caller` makes its calls, in `role` (ARN) where it has one. `exports` are the values of its exports by name, sealed.
    `keeps` says what a failed operation does: `ROLLBACK`, `DELETE` or `DO_NOTHING`. `retained` are the resources that
    its deletion leaves, or that a rollback goes on without. `deadline`: when a creation is given up (`timeout` minutes
    after its begin); 0 for never. `templates` and `events` count those that it has had; the last event was `told` of.
    `client_token` is the ClientRequestToken of its operation. `ending`: when its deletion, or the rollback of its
    creation, began. `ruling` is the stack policy that its latest update is subject to, `coming` the one that it has
    once that is complete. `rollback` is its RollbackConfiguration, with alarms that are `watched` until then, once
    everything is made. `drift` is its StackDriftStatus, as of `drift_at`; empty where nothing was checked. `importing`
    are the ResourceIdentifiers of the resources that an import brings into it. `part`: its update is a part of that of
    the stack that it is nested in.
    """

    name: str
    region: str
    id: str
    created: float
    status: str
    version: StackVersion
    caller: Caller
    before: StackVersion | None = None
    operation: str = ""
    reason: str = ""
    updated: float = 0.0
    deleted: float = 0.0
    ending: float = 0.0
    deadline: float = 0.0
    role: str = ""
    keeps: str = "ROLLBACK"
    description: str = ""
    outputs: bytes = b""
    exports: dict[str, bytes] = {}
    imports: tuple[str, ...] = ()
    notifications: tuple[str, ...] = ()
    protected: bool = False
    policy: str = ""
    ruling: str = ""
    coming: str = ""
    rollback: dict[str, Any] = {}
    watched: float = 0.0
    retained: tuple[str, ...] = ()
    parent: str = ""
    root: str = ""
    change_set: str = ""
    templates: int = 0
    events: int = 0
    told: float = 0.0
    client_token: str = ""
    timeout: int = 0
    drift: str = ""
    drift_at: float = 0.0
    importing: dict[str, dict[str, str]] = {}
    part: bool = False

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def under_way(self) -> bool:
        """Whether there is something to be done for it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def arn(self) -> str:
        """The ARN, which is the stack's id in the API."""
        return stack_arn(self.region, self.account, self.name, self.id)


class StackTemplate(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-template"):
    """A template of a stack: as it was given (`text`), and where a transform changed it, `processed` as JSON."""

    region: str
    stack: str
    number: int
    text: str
    processed: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, str(self.number))

    @property
    def effective(self) -> str:
        """The text as transforms left it."""
        return self.processed or self.text


class FormerResource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What an update put another resource in the place of: it is deleted in the end, or comes back in a rollback.

    It is left where it is if it `keeps`, and deleted after a snapshot if it has one `taken`. `no_echo` is that of a
    StackResource.
    """

    type: str
    physical: str
    properties: bytes
    attributes: bytes = b""
    keeps: bool = False
    taken: bool = False
    no_echo: bool = False


class AwaitedResponse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a resource waits for since `at`: an answer to the request `id`, which is of the work `of`.

    `sent`: the request was handed over, and is not made again after a restart.
    """

    id: str
    of: str
    at: float
    sent: bool = False


class StackResource(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-resource"):
    """A resource of a stack. `properties` and `attributes` are sealed, those of the last operation that succeeded;
    after several that failed, such as it may have. `operation` is that of the stack which brought it into `status`.
    `token` is random: names and client tokens are made of it, and stay the same when an interrupted operation is made
    again. `waiting` are the properties (sealed) that an operation under way gives it. `former` is what it replaces;
    `stale` took its place in updates that failed, and is deleted in the end. `retained`: its deletion leaves it where
    it is. `signals` are the unique ids of the signals that it received, with their status. `asked` is what it waits
    for. `received` (sealed) are the answers that came to its URL, by the ids of their requests; of a wait condition's
    handle the signals, by their unique ids. `notes` are what work of many steps remembers. `no_echo`: its attributes
    are not shown, as whoever made it said.
    """

    region: str
    stack: str
    logical: str
    type: str
    status: str
    at: float
    token: str
    operation: str
    physical: str = ""
    reason: str = ""
    properties: bytes = b""
    attributes: bytes = b""
    waiting: bytes = b""
    former: FormerResource | None = None
    stale: tuple[FormerResource, ...] = ()
    retained: bool = False
    signals: dict[str, str] = {}
    order: int = 0
    asked: AwaitedResponse | None = None
    received: bytes = b""
    notes: dict[str, Any] = {}
    no_echo: bool = False

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, self.logical)


class StackEvent(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-event"):
    """An event of a stack: the status of a resource, or of the stack itself (`logical` is its name). `order` counts."""

    region: str
    stack: str
    id: str
    order: int
    at: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    properties: bytes = b""
    token: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, self.id)


class ChangeSet(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="change-set"):
    """A change set: what a stack would become (`version`, with the template `text`), and the changes that takes.

    `valued` are these with the values of properties, sealed. `on_failure` is the OnStackFailure that was given.
    `importing` are the ResourceIdentifiers of the resources that it imports, by their logical ids. `nested`: it
    includes nested stacks, each of which has one whose `parent` (ARN) this is; `root` is that of all of them. `logical`
    is the nested stack's id in the template of the parent.
    """

    region: str
    stack: str
    id: str
    name: str
    change_type: str
    created: float
    status: str
    version: StackVersion
    text: str
    caller: Caller
    processed: str = ""
    execution: str = "AVAILABLE"
    reason: str = ""
    description: str = ""
    role: str = ""
    keeps: str = "ROLLBACK"
    notifications: tuple[str, ...] = ()
    changes: tuple[dict[str, Any], ...] = ()
    valued: bytes = b""
    on_failure: str = ""
    rollback: dict[str, Any] = {}
    importing: dict[str, dict[str, str]] = {}
    nested: bool = False
    parent: str = ""
    root: str = ""
    logical: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, self.id)

    @property
    def arn(self) -> str:
        """The ARN, which is the id of a change set in the API."""
        return f"arn:{PARTITION}:cloudformation:{self.region}:{self.account}:changeSet/{self.name}/{self.id}"


class StackDrift(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-drift"):
    """A drift detection: begun `at`, by `caller`, for the resources `logicals`, all where there are none.

    `drift` is the StackDriftStatus that it found, in `drifted` resources.
    """

    region: str
    stack: str
    id: str
    at: float
    caller: Caller
    logicals: tuple[str, ...] = ()
    status: str = "DETECTION_IN_PROGRESS"
    reason: str = ""
    drift: str = ""
    drifted: int = 0

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, self.id)

    @property
    def under_way(self) -> bool:
        """Whether there is something to be done for it."""
        return self.status == "DETECTION_IN_PROGRESS"


class ResourceDrift(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="resource-drift"):
    """What a check of a resource of a stack for drift told `at` a time, of what had the physical id `physical`.

    `told` (sealed) are `expected` and `actual` properties, and their `differences`; secrets are hidden in it.
    `detection` is that which checked it, if one did.
    """

    region: str
    stack: str
    logical: str
    type: str
    physical: str
    status: str
    at: float
    reason: str = ""
    told: bytes = b""
    detection: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.stack, self.logical)
