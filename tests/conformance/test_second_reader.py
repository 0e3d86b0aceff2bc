"""The rules against a second reader, who wrote what AWS decides on for 300 operations without them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

from locum import authz
from locum.core.partial_arn import NEW, PartialArn
from locum.state import AccessKey
from support.authority import HOME, REGION, World, as_user, user

FOLDER: Final = Path(__file__).parent / "readings"
DRAWN: Final = 300
ANN: Final = user("ann", path="/staff/")
_LINE: Final = re.compile(r"(\w+)\.(\w+) (\{.*\}) => (.*)")


class Reading(NamedTuple):
    """One line: an operation, its parameters, and the permissions that it takes, each (action, resource, service)."""

    operation: str
    params: dict[str, Any]
    wanted: frozenset[tuple[str, str, str]]


def _readings(file: str) -> list[Reading]:
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    return [_reading(line) for line in lines if not line.startswith("#")]


def _reading(line: str) -> Reading:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    service, operation, params, text = found.groups()
    prefix = authz.catalogue.service(service).prefix
    taken = [] if text == "-" else [_permission(item.split(), f"{prefix}:{operation}") for item in text.split("; ")]
    return Reading(f"{service}:{operation}", yaml.safe_load(params), frozenset(taken))


def _permission(words: list[str], own: str) -> tuple[str, str, str]:
    to = words.pop().removeprefix("to=") + ".amazonaws.com" if words[-1].startswith("to=") else ""
    return (words[0] if len(words) > 1 else own), _resource(words[-1]), to


def _resource(text: str) -> str:
    """The ARN that a resource of the file stands for: `ec2:R:A:vpc/vpc-1`, `sns:R:A:*`, `*` or `?`."""
    fields = text.split(":", 4)
    if len(fields) < 4:
        return text
    service, region, account, *rest = fields
    return ":".join(("arn", "aws", service, region.replace("R", REGION), account.replace("A", HOME), *rest))


def _shown(resource: str) -> str:
    """A resource with `?` for what is not known and `+` for what is yet to be chosen."""
    if not isinstance(resource, PartialArn):
        return resource
    return "".join(part if isinstance(part, str) else "+" if part is NEW else "?" for part in resource.parts)


def _taken(reading: Reading) -> frozenset[tuple[str, str, str]]:
    key = AccessKey(account=HOME, id="AKIA1", user="ann", secret=b"", created=1)
    world = World().having(ANN, key)
    plan = authz.plan(world.state, world.call(as_user(ANN), reading.operation, reading.params))
    passed = [str(check.context.get("iam:passedtoservice", "")) for check in plan.checks]
    return frozenset((c.action, _shown(c.resource), to) for c, to in zip(plan.checks, passed, strict=True))


READINGS: Final = _readings("second-reader.txt")


@pytest.mark.parametrize("reading", [*READINGS, *_readings("by-kind.txt")], ids=lambda reading: reading.operation)
def test_the_rules_decide_on_what_the_second_reader_wrote(reading: Reading) -> None:
    assert _taken(reading) == reading.wanted


def test_each_operation_that_was_drawn_is_read_once() -> None:
    assert len({reading.operation for reading in READINGS}) == len(READINGS) == DRAWN


@pytest.mark.parametrize(
    ("operation", "params", "key"),
    [
        ("ecs:CreateService", {"serviceName": "s", "tags": [{"key": "k"}]}, "ecs:createaction"),
        ("elbv2:CreateTargetGroup", {"Name": "t", "Tags": [{"Key": "k"}]}, "elasticloadbalancing:createaction"),
        ("elbv2:CreateLoadBalancer", {"Name": "l", "Tags": [{"Key": "k"}]}, "elasticloadbalancing:createaction"),
    ],
)
def test_a_tagging_action_knows_which_operation_sets_the_tags(operation: str, params: dict[str, Any], key: str) -> None:
    world = World().having(ANN)
    plan = authz.plan(world.state, world.call(as_user(ANN), operation, params))
    assert [check.context.get(key) for check in plan.checks] == [None, operation.partition(":")[2]]
