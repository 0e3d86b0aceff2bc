"""The rules language of the catalogue, for the permissions that operations take.

A file holds one service, with one declaration per line; `#` starts a comment.

    prefix s3                       the service's prefix in policies
    protocol rest-xml               its preferred protocol
    caseless                        the service keeps all names in lower case, as they are in ARNs
    type object arn:aws:s3:::{Bucket}/{Key} [via s3_object]
    key s3:prefix Prefix [on bucket,object] [in ListObjects,ListObjectsV2]
    keys sts:TransitiveTagKeys TransitiveTagKeys[]
    lookup security-group GroupName DescribeSecurityGroups GroupNames[] SecurityGroups[].GroupId
    also connection shown-connection

    CopyObject                      one or several operations with the same permissions
      s3:PutObject object ?!VersionId
      s3:GetObject source for CopySource
      iam:PassRole role{RoleArn=Role} ?Role iam:PassedToService='s3.amazonaws.com'

`type` names a resource type and its ARN. The variables in braces are members of the input (`locum.authz.paths`) unless
a check binds them otherwise; `{.region}`, `{.account}` are the call's. Of alternatives, `{Name|Arn}`, all that a call
has are decided on. `via` names a function of `locum.authz.services` that makes the ARN of the same members instead,
where substitution is not enough.
`lookup` tells how the backend finds a resource of a type by another name (`by`): the member that has the name, the
operation, its parameter (`Member`, `Member[]`, or `Filters:name` for a filter; further ones, `,Member=PATH`, are read
from the call), and the path of the missing part, or of the ARN, in its answer. The name may also be a variable of the
type, for ARNs of which another part is missing. A last word names the variable that the answer has where that is not
the first missing one, or a further name; the resource is then looked up again by that.
`also` tells that what is decided on a type is decided on another one as well: on the ARN that a service shows for the
resource, where that is not the one of its documentation (`Check.again`). A variable `_` is never given.
`key` gives the member that a condition key is read from (`keys`: a multivalued one, of all alternatives), for which
resource types and in which operations; of several lines for a key the first that has a value is used. A name after `@`
is a function of `locum.authz.services`. A name in braces before either is an attribute of the resource as the backend
knows it, which is used first (`{vpc}|@ec2_vpc`); `{.id}` is the end of the resource's ARN, `{.arn}` all of it. An
element of a list that lacks the rest of a key's path has the unknown value: the values of some elements are not those
of all.

A check is an action (`=` is the prefix and the operation's own name), a resource (a type, or `*` where the action
has no resource-level permissions) and clauses:

    for PATH        once for each value; `.Member` is then a member of that value
    ?PATH ?!PATH    only where the path has a value, or none
    by PATH         where the path has a value, also the resource that the backend knows by that other name (of
                    alternatives, the first says what it is a name of)
    new             the call creates the resource: a missing part of its ARN is chosen by the service
    key=PATH        a condition key of this check alone

In place of a check: `@name` (a function of `locum.authz.services` that returns checks), or `permissionless` (no
policy is evaluated). A variable without a value is a missing part of the ARN (`locum.core.partial_arn`), unknown unless
the resource is `new`. A `*` in the ARN of a type is that text, as AWS's own denials have it. Operations of which no
check applies take their first action on a resource of which nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_VARIABLE: Final = re.compile(r"\{([^{}]+(?:\{\})?[^{}]*)\}")
_PERMISSIONLESS: Final = "permissionless"


class RulesError(ValueError):
    """An invalid line of the catalogue."""


class TypeRule(NamedTuple):
    """A resource type. `text` is the ARN with %s for each of `variables`."""

    name: str
    text: str
    variables: tuple[str, ...]
    via: str = ""


class KeyRule(NamedTuple):
    """A source of a condition key. `kinds` and `operations` are the resource types and calls with it; empty for all."""

    name: str
    path: str
    many: bool
    kinds: frozenset[str]
    operations: frozenset[str]


class LookupRule(NamedTuple):
    """A lookup of a resource by another name: an operation, its parameters, a path in its answer.

    `variable` is that of the type that the answer has, or a further name (the member of another look-up); the first
    variable without a value where it is empty.
    """

    operation: str
    parameter: str
    path: str
    variable: str = ""


class CheckRule(NamedTuple):
    """One check, as parsed. `bindings` are (variable, path)."""

    action: str
    kind: str
    bindings: tuple[tuple[str, str], ...] = ()
    each: str = ""
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    by: str = ""
    new: bool = False


class OperationRule(NamedTuple):
    """The permissions of one operation. `derived` names functions that return further checks."""

    checks: tuple[CheckRule, ...] = ()
    permissionless: bool = False
    derived: tuple[str, ...] = ()


class ServiceRules(NamedTuple):
    """The rules of one service, as parsed."""

    prefix: str
    protocol: str
    types: dict[str, TypeRule]
    keys: dict[str, tuple[KeyRule, ...]]
    operations: dict[str, OperationRule]
    lookups: dict[tuple[str, str], LookupRule]
    caseless: bool = False
    also: Mapping[str, str] = MappingProxyType({})

    def over(self, other: ServiceRules) -> ServiceRules:
        """These rules, and those of `other` for names that these do not have."""
        return ServiceRules(
            self.prefix or other.prefix,
            self.protocol or other.protocol,
            {**other.types, **self.types},
            {**other.keys, **self.keys},
            {**other.operations, **self.operations},
            {**other.lookups, **self.lookups},
            self.caseless or other.caseless,
            {**other.also, **self.also},
        )


NO_RULES: Final = ServiceRules("", "", {}, {}, {}, {})


def parse_rules(text: str) -> ServiceRules:
    """Parse the rules of one file. Raises RulesError."""
    rules = ServiceRules("", "", {}, {}, {}, {})
    prefix, protocol, caseless = "", "", False
    also: dict[str, str] = {}
    names: tuple[str, ...] = ()
    for line in _lines(text):
        words = line.split()
        if line[0] == " ":
            for name in names:
                rules.operations[name] = _extended(rules.operations[name], words, prefix, name)
        elif words[0] == "prefix":
            prefix = words[1]
        elif words[0] == "protocol":
            protocol = words[1]
        elif words == ["caseless"]:
            caseless = True
        elif words[0] == "type":
            rules.types[words[1]] = _type(words)
        elif words[0] == "lookup":
            _, kind, member, *lookup = words
            rules.lookups[kind, member] = LookupRule(*lookup)
        elif words[0] == "also":
            also[words[1]] = words[2]
        elif words[0] in ("key", "keys"):
            key = _key(words)
            rules.keys[key.name] = (*rules.keys.get(key.name, ()), key)
        else:
            names = tuple(words)
            if rules.operations.keys() & set(names):
                raise RulesError(f"spoken of twice: {sorted(rules.operations.keys() & set(names))}")
            rules.operations.update((name, OperationRule()) for name in names)
    _check_complete(rules)
    return rules._replace(prefix=prefix, protocol=protocol, caseless=caseless, also=also)


def _check_complete(rules: ServiceRules) -> None:
    bare = sorted(name for name, rule in rules.operations.items() if rule == OperationRule())
    if bare:
        raise RulesError(f"named, and nothing is said of them: {bare}")


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        bare = line.split(" #", 1)[0].rstrip()
        if bare and not bare.startswith("#"):
            yield bare


def _type(words: list[str]) -> TypeRule:
    if len(words) not in (3, 5) or (len(words) == 5 and words[3] != "via"):
        raise RulesError(f"not `type NAME ARN [via FUNCTION]`: {' '.join(words)}")
    variables = tuple(_VARIABLE.findall(words[2]))
    text = _VARIABLE.sub("%s", words[2].replace("%", "%%"))
    return TypeRule(words[1], text, variables, words[4] if len(words) == 5 else "")


def _key(words: list[str]) -> KeyRule:
    clauses = dict(zip(words[3::2], words[4::2], strict=False))
    if len(words) != 3 + 2 * len(clauses) or not clauses.keys() <= {"on", "in"}:
        raise RulesError(f"not `key NAME PATH [on TYPES] [in OPERATIONS]`: {' '.join(words)}")
    kinds, operations = (frozenset(filter(None, clauses.get(name, "").split(","))) for name in ("on", "in"))
    return KeyRule(words[1].lower(), words[2], words[0] == "keys", kinds, operations)


def _extended(rule: OperationRule, words: list[str], prefix: str, operation: str) -> OperationRule:
    if words == [_PERMISSIONLESS]:
        return rule._replace(permissionless=True)
    if words[0].startswith("@"):
        return rule._replace(derived=(*rule.derived, words[0][1:]))
    return rule._replace(checks=(*rule.checks, _check(words, prefix, operation)))


def _check(words: list[str], prefix: str, operation: str) -> CheckRule:
    if len(words) < 2:
        raise RulesError(f"not `ACTION RESOURCE [CLAUSE]...`: {' '.join(words)}")
    action = f"{prefix}:{operation}" if words[0] == "=" else words[0]
    kind, _, bound = words[1].partition("{")
    pairs = [pair.partition("=") for pair in bound.removesuffix("}").split(",") if pair]
    each, by, new, present, absent, context = "", "", False, [], [], []
    clauses = iter(words[2:])
    for clause in clauses:
        if clause == "for":
            each = next(clauses, "")
        elif clause == "by":
            by = next(clauses, "")
        elif clause == "new":
            new = True
        elif clause.startswith("?!"):
            absent.append(clause[2:])
        elif clause.startswith("?"):
            present.append(clause[1:])
        elif "=" in clause:
            name, _, path = clause.partition("=")
            context.append((name.lower(), path))
        else:
            raise RulesError(f"not a clause: {clause!r} in {' '.join(words)}")
    bindings = tuple((name, path) for name, _, path in pairs)
    return CheckRule(action, kind, bindings, each, tuple(present), tuple(absent), tuple(context), by, new)
