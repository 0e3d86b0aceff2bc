"""The condition keys that a written policy may have: those that say what a permission is used for.

Keys that describe the caller's surroundings (aws:SourceIp, aws:UserAgent, aws:CurrentTime, aws:RequestedRegion, the
session's own) are left out: they have one value in a test run, and another in production.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.authz import service_reference as reference

Value = str | tuple[str, ...]


class Key(NamedTuple):
    """A condition key, its operator, and `listed`: whether a few different values are listed, not dropped."""

    name: str
    operator: str
    listed: bool


_EQUALS: Final = "StringEquals"
KEYS: Final[Mapping[str, Key]] = {
    key.name.lower(): key
    for key in (
        Key("ec2:CreateAction", _EQUALS, True),
        Key("iam:AWSServiceName", _EQUALS, True),
        Key("iam:PassedToService", _EQUALS, True),
        Key("iam:PermissionsBoundary", "ArnEquals", True),
        Key("iam:PolicyARN", "ArnEquals", True),
        Key("kms:ViaService", _EQUALS, True),
        Key("lambda:Principal", _EQUALS, True),
        Key("organizations:ServicePrincipal", _EQUALS, True),
        Key("s3:prefix", _EQUALS, False),
        Key("s3:x-amz-acl", _EQUALS, False),
        Key("s3:x-amz-server-side-encryption", _EQUALS, False),
        Key("sns:Protocol", _EQUALS, True),
        Key("sts:ExternalId", _EQUALS, False),
    )
}

REQUEST_TAG: Final = "aws:requesttag/"
_TAGGING: Final = re.compile("tag", re.IGNORECASE)


def key_of(name: str) -> Key | None:
    """The key called `name` (lower-case); None where a written policy does not have it."""
    if name.startswith(REQUEST_TAG):
        return Key(f"aws:RequestTag/{name.removeprefix(REQUEST_TAG)}", _EQUALS, listed=False)
    return KEYS.get(name)


def narrowing(action: str, context: Mapping[str, Value], params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The keys of `context`, and their values, that a policy for `action` may have. `params` are those of the call.

    Only keys that the Service Authorization Reference has for the action, with one value.
    """
    supported = supported_keys(action)
    names = [name for name in KEYS if name in supported]
    if REQUEST_TAG in supported and any(_TAGGING.search(member) for member in params):
        names += [name for name in context if name.startswith(REQUEST_TAG)]
    found = ((name, context.get(name)) for name in names)
    return tuple((name, value) for name, value in found if isinstance(value, str))


@lru_cache(maxsize=2048)
def supported_keys(action: str) -> frozenset[str]:
    """The lower-case keys of an action in the Service Authorization Reference, up to `/` where a tag key follows."""
    prefix, _, name = action.lower().partition(":")
    entry = reference.actions(prefix).get(name, {})
    listed = [*entry.get("conditionKeys", ())]
    for kind in entry.get("resourceTypes", ()):
        listed += kind.get("conditionKeys", ())
    return frozenset(key.lower().partition("$")[0] for key in listed)
