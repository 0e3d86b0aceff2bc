"""Compilation of the catalogue's rules to functions, one per rule: (state, call) -> checks."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from locum.authz.arn_forms import can_be_of
from locum.authz.call import Call, Check, Value
from locum.authz.functions import Planner, Resolver, Values
from locum.authz.paths import Getter, compile_path, scalar
from locum.authz.rules import CheckRule, OperationRule, RulesError, ServiceRules, TypeRule
from locum.authz.services import PLANNERS, RESOLVERS
from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.core.partial_arn import NEW, UNKNOWN, UNKNOWN_RESOURCE, Missing, Name, Part, PartialArn, arn_of, lower_case
from locum.state import State

WILDCARD: Final = "*"
"""The resource of actions without resource-level permissions."""
_MAX_RESOURCES: Final = 10_000
"""The most resources of one rule in a call. The largest batch, S3 DeleteObjects, takes 1,000."""


class Planned(NamedTuple):
    """A compiled operation. `fallback` is its check where none of its rules applies."""

    planners: tuple[Planner, ...]
    permissionless: bool
    fallback: Check


def compile_operation(rules: ServiceRules, name: str, rule: OperationRule) -> Planned:
    """Compile one operation. Raises RulesError where its rules name an unknown type or function."""
    first = rule.checks[0].action if rule.checks else f"{rules.prefix}:{name}"
    planners = tuple(planner for check in rule.checks for planner in _compiled(rules, check, rule.checks))
    planners += tuple(_function(PLANNERS, function, name) for function in rule.derived)
    return Planned(planners, rule.permissionless, Check(first, UNKNOWN_RESOURCE))


def _compiled(rules: ServiceRules, check: CheckRule, every: Sequence[CheckRule]) -> list[Planner]:
    """The planner of a check, and that on the other ARN that the service shows for its resource, if any."""
    planner, other = _compile_check(rules, check, every), rules.also.get(check.kind)
    if other is None or check.by:
        return [planner]
    known = rules.types[other].variables
    bindings = tuple((name, path) for name, path in check.bindings if name in known)
    shown = _compile_check(rules, check._replace(kind=other, bindings=bindings), every)
    return [planner, lambda state, call: [made._replace(again=True) for made in shown(state, call)]]


F = TypeVar("F")


def _function(functions: Mapping[str, F], name: str, where: str) -> F:
    if name not in functions:
        raise RulesError(f"{where}: no function {name!r}")
    return functions[name]


def _compile_check(rules: ServiceRules, rule: CheckRule, every: Sequence[CheckRule]) -> Planner:
    guard = _guard(rule)
    context = tuple((key, compile_path(path)) for key, path in rule.context)
    arns = _wildcard if rule.kind == WILDCARD else _arns(rules, rule, every)
    items = compile_path(rule.each, every=True) if rule.each else None
    action, kind = rule.action, "" if rule.kind == WILDCARD else rule.kind

    def plan(state: State, call: Call) -> list[Check]:
        params = call.params
        return [
            Check(action, arn, kind, keys)
            for item in (_ONCE if items is None else items(params, None))
            if guard is None or guard(params, item)
            for keys in (_keys(context, params, item) if context else _NO_KEYS,)
            for arn in arns(state, call, item)
        ]

    def plan_once(state: State, call: Call) -> list[Check]:
        params = call.params
        if guard is not None and not guard(params, None):
            return []
        return [Check(action, arn, kind) for arn in arns(state, call, None)]

    return plan_once if items is None and not context else plan


_ONCE: Final = (None,)
_NO_KEYS: Final[Mapping[str, Value]] = {}


def _keys(context: tuple[tuple[str, Getter], ...], params: Mapping[str, Any], item: Any) -> Mapping[str, Value]:
    found = ((key, getter(params, item)) for key, getter in context)
    return {key: scalar(values[0]) for key, values in found if values}


Guard = Callable[[Mapping[str, Any], Any], bool]


def _guard(rule: CheckRule) -> Guard | None:
    guards = [_holds(path, wanted=True) for path in rule.present]
    guards += [_holds(path, wanted=False) for path in rule.absent]
    if len(guards) <= 1:
        return guards[0] if guards else None
    return lambda params, item: all(holds(params, item) for holds in guards)


def _holds(path: str, *, wanted: bool) -> Guard:
    """The condition that `path` has a truthy value or, where not `wanted`, none."""
    if path.isidentifier():
        return lambda params, item: bool(params.get(path)) is wanted
    getter = compile_path(path, every=True)
    return lambda params, item: any(getter(params, item)) is wanted


ArnsOf = Callable[[State, Call, Any], Iterable[str]]


def _wildcard(state: State, call: Call, item: Any) -> Iterable[str]:
    return (WILDCARD,)


def _arns(rules: ServiceRules, rule: CheckRule, every: Sequence[CheckRule]) -> ArnsOf:
    kind = rules.types.get(rule.kind)
    if kind is None:
        raise RulesError(f"{rule.action}: no type {rule.kind!r}")
    bindings = dict(rule.bindings)
    unknown = bindings.keys() - {name for variable in kind.variables for name in variable.split("|")}
    if unknown:
        raise RulesError(f"{rule.action}: {kind.name} has no variables {sorted(unknown)}")
    # A resolver (`via`) has region and account from the call.
    wanted = [variable for variable in kind.variables if not (kind.via and variable.startswith("."))]
    getters = tuple(_column(_bound(variable, bindings)) for variable in wanted)
    make = (
        _function(RESOLVERS, kind.via, kind.name) if kind.via else _filler(rules, rule, _siblings(rules, rule, every))
    )
    if rules.caseless:
        make = _in_lower_case(make, f"arn:{PARTITION}:{rules.prefix}:")
    if rules.protocol.startswith("rest") and rules.prefix != "s3":
        make = _without_escapes(make)
    names = compile_path(rule.by, every=True) if rule.by else None
    member = rule.by.partition("|")[0].rpartition(".")[2].removesuffix("[]")

    def arns(state: State, call: Call, item: Any) -> Iterable[str]:
        columns = [getter(call, item) for getter in getters]
        if max(map(len, columns), default=1) == 1:
            return make(state, call, tuple([column[0] for column in columns]))
        return itertools.chain.from_iterable(make(state, call, values) for values in _rows(columns))

    def named(state: State, call: Call, item: Any) -> Iterable[str]:
        found = [Name(member, str(value)) for value in names(call.params, item) if value] if names is not None else []
        values = [(variable[0] == ".", getter(call, item)) for variable, getter in zip(wanted, getters, strict=True)]
        if not found or any(any(column) for of_call, column in values if not of_call):
            yield from arns(state, call, item)
        for name in found:
            for unnamed in make(state, call, tuple(column[0] if of_call else None for of_call, column in values)):
                yield PartialArn(unnamed.parts, name) if isinstance(unnamed, PartialArn) else unnamed

    return arns if names is None else named


def _bound(variable: str, bindings: Mapping[str, str]) -> str:
    """The path of a variable: that to which the check binds one of its alternatives, else the variable itself."""
    return next((bindings[name] for name in variable.split("|") if name in bindings), variable)


def _column(variable: str) -> Callable[[Call, Any], tuple[str | None, ...]]:
    """The function for the values of one variable: all that a call names it by. A single None where there is none."""
    if variable == ".region":
        return lambda call, item: (call.region,)
    if variable == ".account":
        return lambda call, item: (call.caller.account,)
    if variable.isidentifier():
        return _plain_column(variable)
    getter = compile_path(variable, every=True)

    def column(call: Call, item: Any) -> tuple[str | None, ...]:
        found = getter(call.params, item)
        if len(found) == 1:
            value = found[0]
            return (value if isinstance(value, str) else scalar(value),)
        return tuple(map(scalar, found)) or (None,)

    return column


def _plain_column(member: str) -> Callable[[Call, Any], tuple[str | None, ...]]:
    """The function for the value of a top-level member of the input."""

    def column(call: Call, item: Any) -> tuple[str | None, ...]:
        value = call.params.get(member)
        return (value if value is None or isinstance(value, str) else scalar(value),)

    return column


def _rows(columns: list[tuple[str | None, ...]]) -> Iterable[Values]:
    """All combinations. Raises Fault ValidationError where there are more than `_MAX_RESOURCES`."""
    if math.prod(map(len, columns)) > _MAX_RESOURCES:
        raise Fault("ValidationError", "The request names too many resources.", 400)
    return itertools.product(*columns)


def _siblings(rules: ServiceRules, rule: CheckRule, every: Sequence[CheckRule]) -> list[Arn | None]:
    """The forms of the other types of the check's action of which the same members may have the ARN."""
    paths = set(_paths(rules.types[rule.kind], rule))
    others = (check for check in every if check.action == rule.action and check.kind not in (rule.kind, WILDCARD))
    return [
        Arn.find(rules.types[check.kind].text)
        for check in others
        if check.kind in rules.types and paths & set(_paths(rules.types[check.kind], check))
    ]


def _paths(kind: TypeRule, rule: CheckRule) -> Iterable[str]:
    bindings = dict(rule.bindings)
    return (path for name in kind.variables if name[0] != "." for path in _bound(name, bindings).split("|"))


def _takes_arns(kind: TypeRule, rule: CheckRule) -> bool:
    """Whether the member of the last variable is one for ARNs: it may have that of a type that no rule lists."""
    last = _bound(kind.variables[-1], dict(rule.bindings)) if kind.variables else ""
    return last.rstrip("[]").lower().endswith(("arn", "arns"))


def _filler(
    rules: ServiceRules, rule: CheckRule, others: list[Arn | None]
) -> Callable[[State, Call, Values], Iterable[str]]:
    """The function that fills in the ARN's variables; those without a value are missing.

    A value that is an ARN of the type itself replaces the text up to and including its variable. One that is of one of
    `others`, the other types that the member may be of, names no resource of this type. That of anything else is the
    resource where the member takes nothing but ARNs, and tells nothing about the resource elsewhere. Nor does an id in
    place of a whole ARN, where the member takes both. An ARN that no resource of the service has tells nothing either.
    """
    kind, missing = rules.types[rule.kind], NEW if rule.new else UNKNOWN
    text, free = kind.text, [index for index, name in enumerate(kind.variables) if not name.startswith(".")]
    pieces = (text % (("\0",) * len(kind.variables))).split("\0")
    whole, like = text == "%s", Arn.find(text)
    any_arn = _takes_arns(kind, rule)
    possible = can_be_of(rules) if whole else None
    asked = [index for index in free if (kind.name, kind.variables[index]) in rules.lookups]

    def fill(state: State, call: Call, values: Values) -> Iterable[str]:
        lacking = missing
        for index in reversed(free):
            value = values[index]
            if value is not None and whole and not any_arn and value[:4] != "arn:":
                return (UNKNOWN_RESOURCE,)
            if value is not None and (value[:4] == "arn:" or whole):
                arn = _checked(value, like, call.service)
                fits = _fits(arn, like)
                if not fits and any(_fits(arn, other) for other in others):
                    return ()
                if possible is not None and not possible(value):
                    return (UNKNOWN_RESOURCE,)
                if fits or (any_arn and index == free[-1]):
                    return (arn_of(value, *_filled(pieces[index + 1 :], values[index + 1 :], missing)),)
                values, lacking = (*values[:index], None, *values[index + 1 :]), UNKNOWN
        if all(values):
            return (text % values,)
        name = next((Name(kind.variables[index], value) for index in asked if (value := values[index])), None)
        return (arn_of(*_filled(pieces, values, lacking), name=name),)

    return fill


_ARN_IN_CAPITALS: Final = re.compile(r"(?!arn:)(?i:arn:)")


def _in_lower_case(make: Resolver, beginning: str) -> Resolver:
    """`make`, with the ARNs of a service that keeps all names in lower case (`beginning`) as the service has them."""

    def lowered(state: State, call: Call, values: Values) -> Iterable[str]:
        given = tuple(value.lower() if value and _ARN_IN_CAPITALS.match(value) else value for value in values)
        return [lower_case(arn) if arn.startswith(beginning) else arn for arn in make(state, call, given)]

    return lowered


_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def _without_escapes(make: Resolver) -> Resolver:
    """`make`, for which a name with an escape in it (`%2F`) tells nothing about the resource.

    It is there after the path was decoded, and a backend may decode it once more. No service but S3 has such names.
    """

    def plain(state: State, call: Call, values: Values) -> Iterable[str]:
        escaped = any(value and _ESCAPED.search(value) for value in values)
        return (UNKNOWN_RESOURCE,) if escaped else make(state, call, values)

    return plain


def _filled(pieces: Sequence[str], values: Values, missing: Missing) -> list[Part]:
    """`pieces` of a text, and between them `values`, or `missing` in place of those that are not there."""
    parts: list[Part] = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += (value or missing, piece)
    return parts


_REGION: Final = re.compile(r"[a-z0-9-]*")
_OWNER: Final = re.compile(r"[0-9]{12}|aws|")


def _checked(text: str, like: Arn | None, service: str) -> Arn:
    """The ARN `text`, in place of one that has the form of `like`. Raises Fault where it cannot be that of a resource.

    No policy matches an ARN with the region `*`, without its account or in another partition, which a backend might
    accept all the same.
    """
    arn = Arn.find(text)
    genuine = (
        arn is not None
        and arn.partition == PARTITION
        and _REGION.fullmatch(arn.region)
        and _OWNER.fullmatch(arn.account)
        and (like is None or _of_service(arn, like))
    )
    if arn is None or not genuine:
        raise _no_arn(text, arn, service)
    return arn


def _of_service(arn: Arn, like: Arn) -> bool:
    if like.service == "%s":  # AWS Backup's recovery points are of the services that are backed up
        return True
    return arn.service == like.service and bool(arn.account) == bool(like.account)


def _fits(arn: Arn, like: Arn | None) -> bool:
    """Whether `arn` is that of a resource whose ARNs have the form of `like` (None for any)."""
    return like is None or (_of_service(arn, like) and arn.resource.startswith(like.resource.partition("%s")[0]))


def _no_arn(text: str, arn: Arn | None, service: str) -> Fault:
    """The service's error for an invalid ARN. Those of IAM and STS are recorded answers."""
    if service == "sts":
        return Fault("ValidationError", f"{text} is invalid", 400)
    if service == "iam":
        return Fault("ValidationError" if arn is None else "InvalidInput", f"ARN {text} is not valid.", 400)
    return Fault("ValidationException", f"Invalid ARN: {text[:200]}", 400)
