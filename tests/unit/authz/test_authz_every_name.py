"""A Deny on an ARN holds by every name that the rules of a guarded service have for the resource."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

import pytest

from locum import authz
from locum.authz import catalogue
from locum.authz.rules import CheckRule, TypeRule
from locum.core.errors import Fault
from locum.core.partial_arn import NEW, PartialArn
from support.authority import World, allow, as_user, deny, user
from support.generated_calls import GUARDED, model_of

Params = dict[str, Any]
_PASSED = "iam:PassRole"


class Way(NamedTuple):
    """Parameters that name the resource `arn`. `found` is what a look-up finds, where there is one."""

    operation: str
    params: Params
    arn: str
    found: bool


def _put(params: Params, path: str, value: Any) -> None:
    """Give `params` a value at a path of the rules language."""
    step, _, rest = path.partition(".")
    name = step.rstrip("[]{}=")
    if not rest:
        params[name] = {value: {}} if "{" in step else [value] if step.endswith("[]") else value
        return
    inner = params.get(name)
    if step.endswith("[]"):
        inner = inner if isinstance(inner, list) and inner and isinstance(inner[0], dict) else [{}]
        _put(inner[0], rest, value)
    else:
        inner = inner if isinstance(inner, dict) else {}
        _put(inner, rest, value)
    params[name] = inner


def _members(operation: str) -> Container[str]:
    service, _, name = operation.partition(":")
    model = model_of(service)
    shape = model.operation_model(name).input_shape if name in model.operation_names else None
    return () if shape is None else shape.members


def _beside(operation: str, rule: CheckRule, every: tuple[CheckRule, ...], types: dict[str, TypeRule]) -> Params:
    """Parameters that name what the other checks of an operation are on."""
    params: Params = {}
    for other in every:
        if other.kind in types and other is not rule and not other.action.startswith(_PASSED):
            for number, paths in enumerate(_alternatives(types[other.kind], other, _members(operation))):
                if paths:
                    _put(params, paths[0], f"beside-{number}")
    return params


def _alternatives(kind: TypeRule, rule: CheckRule, members: Container[str]) -> list[list[str]]:
    """For each variable of the call, the members that may have its value."""
    bindings = dict(rule.bindings)
    paths = (
        next((bindings[name] for name in variable.split("|") if name in bindings), variable)
        for variable in kind.variables
        if variable[0] != "."
    )
    whole = ([_whole(rule, path) for path in text.split("|")] for text in paths)
    return [[path for path in paths if path.partition(".")[0].rstrip("[]{}=") in members] for paths in whole]


def _whole(rule: CheckRule, path: str) -> str:
    return f"{rule.each}{path}" if path.startswith(".") else path


def _base(rule: CheckRule) -> Params:
    params: Params = {}
    for path in rule.present:
        _put(params, _whole(rule, path), "given")
    return params


def _resource(operation: str, rule: CheckRule, params: Params) -> str | None:
    """The ARN of the check's resource in a call, in full; None where there is none yet, or no such check."""
    try:
        plan = authz.plan(WORLD.state, WORLD.call(CALLER, operation, params))
    except Fault:
        return None
    found = [check.resource for check in plan.checks if (check.action, check.kind) == (rule.action, rule.kind)]
    missing = found[0].parts if found and isinstance(found[0], PartialArn) else ()
    if not found or NEW in missing or ("*" in found[0] and not missing):
        return None
    return str(found[0]).replace("*", "x")


ANN = user("ann", allow("*"))
CALLER = as_user(ANN)
WORLD = World().having(ANN)


def _ways(service: str) -> Iterator[Way]:
    rules = catalogue.service(service).rules
    for name, operation in sorted(rules.operations.items()):
        for rule in operation.checks:
            if rule.kind == "*" or rule.new or rule.action.startswith(_PASSED) or rule.kind not in rules.types:
                continue
            ways = list(_ways_of(f"{service}:{name}", rule, rules.types[rule.kind]))
            yield from ways
            others = _beside(f"{service}:{name}", rule, operation.checks, rules.types)
            if (
                ways
                and "thing-" in ways[0].arn
                and others.keys().isdisjoint(path.partition(".")[0] for path in rule.absent)
            ):
                yield ways[0]._replace(params={**others, **ways[0].params})


def _ways_of(operation: str, rule: CheckRule, kind: TypeRule) -> Iterator[Way]:
    """Each member beside the first one, the ARN in place of the last name, the other name, and two at once."""
    columns = _alternatives(kind, rule, _members(operation))
    named = _base(rule)
    for number, paths in enumerate(columns):
        if paths:
            _put(named, paths[0], f"thing-{number}")
    arn = _resource(operation, rule, named)
    if arn is None or not arn.startswith("arn:"):
        return
    yield Way(operation, named, arn, False)
    for number, paths in enumerate(columns):
        for path in paths[1:]:
            other = _base(rule)
            for place, given in enumerate(columns):
                if given:
                    _put(other, path if place == number else given[0], f"thing-{place}")
            yield Way(operation, other, arn, False)
            for first, second in ((path, paths[0]), (paths[0], path)):
                both = {**named}
                _put(both, first, f"thing-{number}")
                _put(both, second, "another")
                yield Way(operation, both, arn, False)
    if columns and columns[-1] and not kind.via:
        by_arn = _base(rule)
        _put(by_arn, columns[-1][0], arn.removesuffix(kind.text.rpartition("%s")[2]))
        yield Way(operation, by_arn, arn, False)
    if rule.by:
        yield from _otherwise(operation, rule, named, arn)


def _otherwise(operation: str, rule: CheckRule, named: Params, arn: str) -> Iterator[Way]:
    by_name, both = _base(rule), {**named}
    for params in (by_name, both):
        _put(params, rule.by, "another")
    yield Way(operation, by_name, arn, True)
    yield Way(operation, by_name, arn, False)
    yield Way(operation, both, arn, True)
    yield Way(operation, both, f"{arn}-of-another-name", True)


def _refused(way: Way) -> bool:
    """Whether a caller who is denied the ARN, and nothing else, is refused."""
    ann = user("ann", allow("*"), deny("*", way.arn))
    world = World().having(ann)
    call = world.call(as_user(ann), way.operation, way.params)
    try:
        plan = authz.plan(world.state, call)
    except Fault:
        return True
    partial = [check.resource for check in plan.checks if authz.lookup_of(call, check)]
    found = {one: (way.arn,) for one in partial if isinstance(one, PartialArn)} if way.found else {}
    return not authz.decide(world.state, call, authz.resolved(plan, found), world.known).allowed


@pytest.mark.parametrize("service", GUARDED)
def test_a_deny_on_the_arn_holds_by_every_name(service: str) -> None:
    ways = list(_ways(service))
    open_ways = [(way.operation, way.params, way.arn) for way in ways if not _refused(way)]
    assert ways
    assert open_ways == []
