"""The kinds of functions that the module of a service (`locum.authz.services`) has for its rules and for decisions.

A module lists them in its `FUNCTIONS`: what takes more than a line of the rules language. Rules name planners with
`@name`, resolvers with `via name`, and keys with `key NAME @name`; decisions on its resources call the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from locum.authz.call import Call, Check, Value
from locum.authz.paths import scalar
from locum.core.identifiers import ACCOUNT_ID
from locum.core.resources import ResourceFacts
from locum.policy import CompiledPolicy
from locum.state import State


class Circumstances(Protocol):
    """What a condition key is computed from: the call, one of its checks, and what is known of its resource.

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
"""The ARNs that the values of a type's variables (None where the call has none) come to; none: nothing to permit."""

KeyReader = Callable[[State, Call, Check], list[str]]
"""The values of a condition key of the service; none where it is absent."""

Reader = Callable[[Circumstances], Value | None]
TagReader = Callable[[Circumstances], Mapping[str, str]]
OwnFacts = Callable[[State, str], ResourceFacts | None]
Meant = Callable[[Check], str]
PolicyOf = Callable[[str, str, str], CompiledPolicy | None]

_NONE: Final[Mapping[str, Any]] = {}


class Functions(NamedTuple):
    """The functions of one service.

    `readers` are condition keys (lower-case) that a call of any service may carry, `tags` the families of keys that
    end in a tag's key. For ARNs of the service: `facts` tells what the state itself knows of a resource, `meant` which
    ARN is decided on where a check names the resource in another way, and `policy` what policy takes part in a
    decision, of an action, the ARN and the resource's policy as text.

    `by_owner`: actions that the root user of the resource's account may always do. `of_caller`: actions that the
    caller's own policies decide alone. `made`: actions that make their resource, of which so nothing is known.
    """

    planners: Mapping[str, Planner] = _NONE
    resolvers: Mapping[str, Resolver] = _NONE
    keys: Mapping[str, KeyReader] = _NONE
    readers: Mapping[str, Reader] = _NONE
    tags: Mapping[str, TagReader] = _NONE
    facts: OwnFacts | None = None
    meant: Meant | None = None
    policy: PolicyOf | None = None
    by_owner: frozenset[str] = frozenset()
    of_caller: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()


def account_of(arn: str, default: str) -> str:
    """The account in `arn`, or `default` where there is none (S3, images, AWS's managed policies)."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and fields[4] and ACCOUNT_ID.fullmatch(fields[4]) else default


def one(value: object) -> list[str]:
    """The values of a key that has `value`; none where that is None or empty."""
    return [] if value is None or value == "" else [scalar(value)]
