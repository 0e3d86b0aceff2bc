"""The service catalogue: the permissions that an operation takes, by botocore's service and operation names.

`services/<service>.rules` are written by hand, for the services that have to be exact; `data/general.bin` is made by
`tools/catalogue.py` for all others, one zlib stream per service, in the same language (`locum.authz.rules`).
Hand-written rules take precedence; Locum's own service has no others. A service is read at its first use, an operation
compiled when it is first planned.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.authz.call import PERMISSIONLESS, Call, Check, Plan
from locum.authz.paths import Getter, compile_path
from locum.authz.planning import Planned, compile_operation
from locum.authz.rules import NO_RULES, KeyRule, LookupRule, RulesError, ServiceRules, parse_rules
from locum.authz.service_reference import OWN
from locum.authz.services import KEYS, RULES
from locum.core.partial_arn import UNKNOWN, UNKNOWN_RESOURCE, PartialArn
from locum.core.resources import ResourceFacts
from locum.state import State

_PASSING: Final = "iam:PassRole"
_HEAD: Final = 512
"""Octets of a stream that hold its first line."""

_GENERAL: Final = Path(__file__).parent / "data" / "general.bin"


class KeySource(NamedTuple):
    """A source of a service's condition key: an attribute of the resource, else a path into the input or a function."""

    read: Getter | None
    computed: str
    many: bool
    kinds: frozenset[str]
    operations: frozenset[str]
    attribute: str

    def values(self, state: State, call: Call, check: Check, facts: ResourceFacts) -> list[Any]:
        """The key's values for `check`; none where the key is absent. `facts` are those of the check's resource."""
        if (self.kinds and check.kind not in self.kinds) or (self.operations and call.operation not in self.operations):
            return []
        own = self.attribute and _attribute(self.attribute, check.resource, facts)
        if own:
            return [own]
        if self.computed:
            return KEYS[self.computed](state, call, check)
        return [] if self.read is None else self.read(call.params, None)


def _attribute(name: str, resource: str, facts: ResourceFacts) -> str:
    """An attribute of a resource; empty where it is not known. `.id` and `.arn` are those of its ARN."""
    if not name.startswith("."):
        return facts.attributes.get(name, "")
    known = "" if isinstance(resource, PartialArn) else resource
    return known.rpartition(":")[2].rpartition("/")[2] if name == ".id" else facts.arn or known


class LookupSource(NamedTuple):
    """A compiled look-up: an operation, its parameters, and where its answer has the resources.

    `named` makes the parameter of a name, `others` are read from the call. `variable` is as in `LookupRule`.
    """

    operation: str
    named: Callable[[str], dict[str, Any]]
    others: tuple[tuple[str, Getter], ...]
    found: Getter
    variable: str

    def params(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters for `name` in a call with the parameters `given`."""
        values = ((member, read(given, None)) for member, read in self.others)
        return self.named(name) | {member: found[0] for member, found in values if found}


class Service:
    """One service of the catalogue."""

    def __init__(self, name: str, rules: ServiceRules) -> None:
        self.name = name
        self.prefix = rules.prefix or name
        self.protocol = rules.protocol
        self.rules = rules
        self.keys = {key: tuple(map(_source, each)) for key, each in rules.keys.items()}
        self.lookups = {name: _lookup(rule) for name, rule in rules.lookups.items()}
        self._planned: dict[str, Planned | None] = {}

    def planned(self, operation: str) -> Planned | None:
        """The compiled operation; None where the catalogue has no entry for it."""
        try:
            return self._planned[operation]
        except KeyError:
            rule = self.rules.operations.get(operation)
            entry = None if rule is None else compile_operation(self.rules, operation, rule)
            if rule is not None:
                self._planned[operation] = entry
            return entry

    def action(self, operation: str) -> str:
        """The main action of an operation: its first one; where the catalogue has none, that of its name."""
        planned = self.planned(operation)
        return f"{self.prefix}:{operation}" if planned is None else planned.fallback.action


def _source(rule: KeyRule) -> KeySource:
    own, _, rest = rule.path.partition("}|") if rule.path.startswith("{") else ("", "", rule.path)
    computed = rest[1:] if rest.startswith("@") else ""
    if computed and computed not in KEYS:
        raise RulesError(f"{rule.name}: no function {computed!r}")
    read = compile_path(rest, complete=True, every=rule.many) if rest and not computed else None
    return KeySource(read, computed, rule.many, rule.kinds, rule.operations, own.strip("{}"))


def _lookup(rule: LookupRule) -> LookupSource:
    own, *further = rule.parameter.split(",")
    pairs = (text.partition("=") for text in further)
    others = tuple((member, compile_path(path)) for member, _, path in pairs)
    return LookupSource(rule.operation, _parameter(own), others, compile_path(rule.path), rule.variable)


def _parameter(text: str) -> Callable[[str], dict[str, Any]]:
    member, filtered, name = text.partition(":")
    if filtered:
        return lambda value: {member: [{"Name": name, "Values": [value]}]}
    if member.endswith("[]"):
        return lambda value: {member[:-2]: [value]}
    return lambda value: {member: value}


@cache
def _index() -> tuple[int, dict[str, tuple[int, int]]]:
    """The offset of the first stream, and for each service the offset from there and the length of its stream."""
    with _GENERAL.open("rb") as file:
        size = int.from_bytes(file.read(4), "big")
        rows = json.loads(zlib.decompress(file.read(size)))
    return 4 + size, {name: (offset, length) for name, (offset, length) in rows.items()}


def services() -> tuple[str, ...]:
    """The services of the general mapping: AWS's."""
    return tuple(_index()[1])


@cache
def services_of(prefix: str) -> tuple[str, ...]:
    """The services whose actions have this prefix, by botocore's names: the one that is called like it first.

    Of each only the first line is read, which has its prefix.
    """
    start, index = _index()
    line, found = f"prefix {prefix}\n".encode(), []
    with _GENERAL.open("rb") as file:
        for name, (offset, length) in index.items():
            file.seek(start + offset)
            if zlib.decompressobj().decompress(file.read(min(length, _HEAD)), len(line)) == line:
                found.append(name)
    found += [name for name in OWN if name == prefix]
    return tuple(sorted(found, key=lambda name: name != prefix))


def _general(name: str) -> ServiceRules | None:
    start, index = _index()
    if name not in index:
        return None
    offset, length = index[name]
    with _GENERAL.open("rb") as file:
        file.seek(start + offset)
        return parse_rules(zlib.decompress(file.read(length)).decode())


_SERVICES: dict[str, Service] = {}


def service(name: str) -> Service:
    """The catalogue of one service, by botocore's name; empty where there is no such service."""
    try:
        return _SERVICES[name]
    except KeyError:
        rules = _read(name)
        made = Service(name, rules)
        if rules is not NO_RULES:
            _SERVICES[name] = made
        return made


def _read(name: str) -> ServiceRules:
    general = NO_RULES if name in OWN else _general(name)
    if general is None:
        return NO_RULES
    own = RULES / f"{name}.rules"
    return parse_rules(own.read_text("utf-8")).over(general) if own.is_file() else general


def plan(state: State, call: Call) -> Plan:
    """The permissions that `call` takes.

    An operation that the catalogue does not have takes the action of its own name on a resource of which nothing is
    known: a caller who is allowed that action only on some resources is refused, as is one who is denied it on any.
    """
    known = service(call.service)
    planned = known.planned(call.operation)
    if planned is None:
        return Plan((Check(known.action(call.operation), UNKNOWN_RESOURCE),), known=False)
    if planned.permissionless:
        return PERMISSIONLESS
    checks = [check for planner in planned.planners for check in planner(state, call)]
    if len(checks) > 1:
        checks = _associated(_distinct(checks), known)
    return Plan(tuple(checks) or (planned.fallback,))


def action_of(name: str, operation: str, taken: Plan | None = None) -> str:
    """The action that stands for a call of `operation` of the service `name`: that of the first check of its plan.

    Without checks or a plan it is the main action of the operation.
    """
    return taken.checks[0].action if taken is not None and taken.checks else service(name).action(operation)


def _distinct(checks: list[Check]) -> list[Check]:
    """The checks without duplicates: several resource types may give the same ARN."""
    found: dict[tuple[object, ...], Check] = {}
    for check in checks:
        found.setdefault((check.action, check.resource, tuple(check.context.items())), check)
    return list(found.values())


_ASSOCIATED: Final = "iam:associatedresourcearn"


def _associated(checks: list[Check], known: Service) -> list[Check]:
    """The checks, of which those of iam:PassRole have iam:AssociatedResourceArn, the resource that the role is for.

    That is the first resource of the call, where it is known or yet to be created. IAM User Guide, "Available keys for
    IAM": "the ARN of the resource to which this role will be associated at the destination service". A service with a
    rule of its own for the key keeps it.
    """
    first = checks[0].resource
    unknown = isinstance(first, PartialArn) and UNKNOWN in first.parts
    if unknown or not first.startswith("arn:") or checks[0].action == _PASSING or _ASSOCIATED in known.keys:
        return checks
    return [
        check._replace(context={**check.context, _ASSOCIATED: str(first)}) if check.action == _PASSING else check
        for check in checks
    ]
