"""The kinds of functions that the module of a service (`locum.authz.services`) has for its rules and for decisions.

A module lists them in its `FUNCTIONS`: what takes more than a line of the rules language. Rules name planners with
`@name`, resolvers with `via name`, and keys with `key NAME @name`; decisions on its resources call the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from locum.authz.call import Call, Check, Value
from locum.authz.paths import scalar
from locum.core.arn import PARTITION
from locum.core.identifiers import ACCOUNT_ID
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.core.resources import ResourceFacts
from locum.policy import CompiledPolicy
from locum.state import State


class Circumstances(Protocol):
    """The input of a condition key: a call, one of its checks, and the facts of the check's resource.

    `account` owns the resource.
    """

    state: State
    call: Call
    check: Check
    facts: ResourceFacts
    account: str


Planner = Callable[[State, Call], Iterable[Check]]
"""The further checks of an operation."""

Values = tuple[str | None, ...]
Resolver = Callable[[State, Call, Values], Iterable[str]]
"""The ARNs for the values of a type's variables (None where the call has none). Without an ARN there is no check."""

KeyReader = Callable[[State, Call, Check], list[str]]
"""The values of a condition key of the service; none where the key is absent."""

Reader = Callable[[Circumstances], Value | None]
TagReader = Callable[[Circumstances], Mapping[str, str]]
OwnFacts = Callable[[State, str], ResourceFacts | None]
EffectiveArn = Callable[[Check], str]
Granted = Callable[[Call, Check, ResourceFacts], CompiledPolicy | None]
"""Permissions that stand beside the resource's policy, as a policy of their own; None where there are none."""
PolicyOf = Callable[[str, str, str], CompiledPolicy | None]

_NONE: Final[Mapping[str, Any]] = {}


class Functions(NamedTuple):
    """The functions of one service.

    `planners`, `resolvers` and `keys` are those that rules name. `readers` are condition keys (lower-case) that calls
    of any service may have, `tags` those that end in a tag key (`aws:requesttag`) or, where the name ends in a colon,
    in another text (`kms:encryptioncontext:`).

    The next four are for ARNs of the service: `facts` returns the facts of a resource that is in the state,
    `effective_arn` the ARN to decide on, where a check names the resource in another way, and `policy` the policy that
    takes part in the decision, for an action, the ARN and the resource's policy as text. `granted` are permissions that
    need no other policy, from whatever account (KMS's grants). `names` are the resource types that are names of other
    resources: a check on one is decided by its own ARN, without the facts of what it names.

    `owner_root_actions` are decided without the resource's policy for the root user of the owning account,
    `caller_only_actions` by the caller's own policies alone, as are all actions where the service is `caller_only`.
    `creating_actions` create their resource, which thus has no facts. In operations `tagged_as_requested` (with the
    prefix), what they create has the tags of the request for aws:ResourceTag. `unshared_actions` are those that a
    resource's policy cannot let callers of other accounts do.
    """

    planners: Mapping[str, Planner] = _NONE
    resolvers: Mapping[str, Resolver] = _NONE
    keys: Mapping[str, KeyReader] = _NONE
    readers: Mapping[str, Reader] = _NONE
    tags: Mapping[str, TagReader] = _NONE
    facts: OwnFacts | None = None
    effective_arn: EffectiveArn | None = None
    policy: PolicyOf | None = None
    granted: Granted | None = None
    names: frozenset[str] = frozenset()
    owner_root_actions: frozenset[str] = frozenset()
    caller_only_actions: frozenset[str] = frozenset()
    caller_only: bool = False
    creating_actions: frozenset[str] = frozenset()
    tagged_as_requested: frozenset[str] = frozenset()
    unshared_actions: frozenset[str] = frozenset()


def account_of(arn: str, default: str) -> str:
    """The account in `arn`, or `default` where there is none (S3, images, AWS managed policies)."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and fields[4] and ACCOUNT_ID.fullmatch(fields[4]) else default


_ARN: Final = re.compile(rf"arn:{PARTITION}:([a-z0-9-]+):[a-z0-9-]+:[0-9]{{12}}:([^\s:/][^\s]*)")


def is_arn_of(service: str, text: str, *beginnings: str) -> bool:
    """Whether `text` is the ARN of something that `service` has in a region and an account.

    The resource begins with one of `beginnings`, where there are any.

    A backend may find a resource by a text that ends like its ARN, which no statement about the resource matches.
    """
    found = _ARN.fullmatch(text)
    return found is not None and found[1] == service and found[2].startswith(beginnings or "")


def as_values(value: object) -> list[str]:
    """The values of a condition key with the value `value`; none where that is None or empty."""
    return [] if value is None or value == "" else [scalar(value)]


def own_arn(call: Call, service: str, *parts: str | None, account: str | None = None) -> str:
    """The ARN of a resource in the call's region and `account` (the caller's by default); parts that are None or empty
    are unknown."""
    owner = call.caller.account if account is None else account
    return arn_of(f"arn:{PARTITION}:{service}:{call.region}:{owner}:", *(part or UNKNOWN for part in parts))
