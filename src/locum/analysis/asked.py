"""What is asked about: an action on a resource, by the names that policies have for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum import authz
from locum.authz import Call, Check, FactsOf, catalogue
from locum.authz import service_reference as reference
from locum.authz.call import STATE_SERVICES, Value
from locum.authz.open_conditions import NOT_GIVEN
from locum.core.arn import Arn
from locum.core.errors import ConfigurationError
from locum.core.identifiers import ACCOUNT_ID
from locum.core.letter_case import folded
from locum.core.partial_arn import UNKNOWN_RESOURCE, PartialArn, with_missing
from locum.core.principal import Caller
from locum.core.resources import UNKNOWN

_VARIABLE: Final = re.compile(r"\$\{\w+\}")
_BY_OWN_POLICY: Final = ("sts:", "kms:")
_CREATING: Final = frozenset({"s3:CreateBucket"})
_POINTS: Final = re.compile(r"(accesspoint|async-request)/")


class Asked(NamedTuple):
    """An action on a resource (an ARN, one with missing parts, or `*`), and what is given of a call for it.

    `service` and `operation` are botocore's names, as far as there is an operation called like the action.
    `entry` is that of the Service Authorization Reference.
    """

    check: Check
    service: str
    operation: str
    given: Mapping[str, Value]
    absent: frozenset[str]
    region: str
    now: float
    entry: Mapping[str, Any]

    def call(self, caller: Caller) -> Call:
        """The call as `caller` would make it; nothing is known of the request but what is given."""
        return Call(self.service, self.operation, {}, caller, self.region, self.now, source_ip="")


def asked(
    action: str, resource: str, given: Iterable[tuple[str, str]], absent: Iterable[str], region: str, now: float
) -> Asked:
    """What is asked about. `given` are condition keys with a value each, several for a key with several.

    Raises ConfigurationError where there is no such action, or resource of it.
    """
    prefix, name, entry = action_of(action)
    keys, lacking = keys_of(given, absent)
    service = service_of(prefix, name)
    check = _check(f"{prefix}:{name}", resource, entry)
    return Asked(check, service, name, keys, lacking, region, now, entry)


def action_of(action: str) -> tuple[str, str, Mapping[str, Any]]:
    """The prefix, the name as AWS spells it, and the entry of an action. Raises ConfigurationError."""
    prefix, _, name = action.lower().partition(":")
    entry = reference.actions(prefix).get(name)
    if entry is None:
        raise ConfigurationError(f"the Service Authorization Reference has no action {action}")
    return prefix, str(entry["name"]), entry


def service_of(prefix: str, operation: str) -> str:
    """Botocore's name of the service with this prefix that has the operation, or else of the first with the prefix."""
    named = catalogue.services_of(prefix)
    having = (name for name in named if catalogue.service(name).planned(operation) is not None)
    return next(having, named[0] if named else prefix)


def keys_of(given: Iterable[tuple[str, str]], absent: Iterable[str]) -> tuple[dict[str, Value], frozenset[str]]:
    """The values of condition keys by lower-case key, and the keys that are absent. Raises ConfigurationError."""
    values: dict[str, list[str]] = {}
    for key, value in given:
        _check_key(folded(key))
        values.setdefault(folded(key), []).append(value)
    lacking = frozenset(map(folded, absent))
    for key in lacking:
        _check_key(key)
        if key in values:
            raise ConfigurationError(f"{key} cannot both have a value and be absent")
    return {key: found[0] if len(found) == 1 else tuple(found) for key, found in values.items()}, lacking


def _check_key(key: str) -> None:
    if ":" not in key:
        raise ConfigurationError(f"{key} is no condition key: they are written like aws:SourceIp")
    if key in NOT_GIVEN:
        raise ConfigurationError(f"{key} follows from the principal and the resource, and cannot be given")


def _check(action: str, resource: str, entry: Mapping[str, Any]) -> Check:
    kinds = [str(kind["name"]) for kind in entry["resourceTypes"]]
    if resource == "*":
        return Check(action, UNKNOWN_RESOURCE if kinds else "*")
    if not kinds:
        raise ConfigurationError(f"{action} has no resource-level permissions: ask for it on '*'")
    arn = Arn.find(resource)
    if arn is None:
        raise ConfigurationError(f"{resource} is no ARN, and not '*'")
    if set("*?") & set(arn.account + arn.service + arn.partition):
        raise ConfigurationError(f"{resource} does not say which service and account it is of")
    if "?" in arn.resource:
        raise ConfigurationError(f"a missing part of {resource} is written as a *")
    if arn.service == "s3" and arn.account and _POINTS.match(arn.resource):
        raise ConfigurationError(f"{resource} is an access point: ask for the bucket behind it")
    text = resource if "*" not in resource else with_missing(resource)
    return Check(action, text, _kind(action.partition(":")[0], kinds, resource))


def _kind(prefix: str, kinds: Iterable[str], resource: str) -> str:
    """The type of `resource` among `kinds`; empty where it has the form of none."""
    types = reference.resource_types(prefix)
    found = []
    for kind in kinds:
        form = str(types.get(kind.lower(), {}).get("arn", ""))
        like = ".*".join(map(re.escape, _VARIABLE.split(form)))
        if form and re.fullmatch(like, resource, re.DOTALL):
            found.append((len(_VARIABLE.sub("", form)), kind))
    return max(found)[1] if found else ""


def owned(asking: Asked, facts: FactsOf) -> str:
    """A note where it is not known whose the resource is, or which policy it has.

    Raises ConfigurationError where there is no such bucket, and where nobody can be told without the resource's policy.
    """
    resource = asking.check.resource
    if isinstance(resource, PartialArn) and resource.nothing_known:
        return "any resource of the caller's account: policies of resources are not looked at"
    service = authz.service_of(resource)
    known = UNKNOWN if service in STATE_SERVICES or not service else facts(resource)
    if service == "s3" and not known.account and asking.check.action not in _CREATING:
        raise ConfigurationError(f"there is no bucket of {resource}: it is not known whose it would be")
    if isinstance(resource, PartialArn) and known.policy is None and service != "s3":
        if asking.check.action.startswith(_BY_OWN_POLICY):
            raise ConfigurationError(f"{resource} is not known in full, and its own policy decides")
        return "what policies of the resources let or deny is not looked at: it is not known which they are"
    if resource == "*" or known.account or ACCOUNT_ID.fullmatch(resource.split(":")[4]) or service == "s3":
        return ""
    return "the ARN has no account: it is taken to be of the caller's"
