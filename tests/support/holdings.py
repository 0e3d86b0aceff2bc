"""A resource in each of many services (`holdings.yaml`), made in the embedded backend, and calls that name it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from support.functions import package
from support.inprocess import REGION

ACCOUNT: Final = "930000000000"
"""The account that has the resources in this process: what is left there is in nobody's way."""
MARK: Final = "sealed-7f3a91"
"""What is kept in each resource, so that whoever is shown it has read the resource."""

EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
REFUSED: Final = "refused"
Clients = Callable[[str], Any]
"""The boto3 client of a service."""

_SERVICES: Final = [
    f"{name}.amazonaws.com" for name in ("codebuild", "eks", "firehose", "lambda", "sagemaker", "scheduler", "states")
]
_TRUST: Final = {"Effect": "Allow", "Principal": {"Service": _SERVICES}, "Action": "sts:AssumeRole"}
_TEXTS: Final = {
    "trust": json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]}),
    "machine": json.dumps({"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}),
    "template": json.dumps({"Description": "{mark}", "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
    "region": REGION,
    "mark": MARK,
}
_NUMBERS: Final = itertools.count()


class Way(NamedTuple):
    """A call that names a resource, by boto3's name of the operation."""

    operation: str
    params: Mapping[str, Any]


class Holding(NamedTuple):
    """A kind of resource. `arn` is its ARN or, with a `*`, a pattern that nothing else matches."""

    service: str
    arn: str
    made: tuple[Mapping[str, Any], ...]
    look: Way
    ways: tuple[Way, ...]
    action: str = ""

    def __str__(self) -> str:
        return f"{self.service} {next(iter(self.made[-1])).partition('_')[2]}"


class Held:
    """A resource, made with `clients` of its owner. `names` are the texts that stand for it in parameters."""

    def __init__(self, holding: Holding, clients: Clients, mark: str = MARK, account: str = ACCOUNT) -> None:
        self.holding = holding
        own = {"mark": mark, "name": f"sealedink{next(_NUMBERS)}", "account": account}
        self.names = {"policy": _policy(holding.action), **_TEXTS, **own}
        self._clients = clients
        self.names["arn"] = filled(holding.arn, self.names)
        for step in holding.made:
            (call, params), *_ = step.items()
            service, _, operation = call.rpartition(".")
            answer = _call(clients(service or holding.service), operation, filled(params, self.names))
            for name, path in step.get("found", {}).items():
                self.names[name] = _at(answer, path)
                self.names["arn"] = filled(holding.arn, self.names)

    @property
    def arn(self) -> str:
        return self.names["arn"]

    def seen(self) -> str:
        """What its owner sees of it; the error, where it is not there any more."""
        try:
            client = self._clients(self.holding.service)
            return shown(_call(client, self.holding.look.operation, filled(self.holding.look.params, self.names)))
        except ClientError as error:
            return str(error)


def holdings(file: str) -> tuple[Holding, ...]:
    """All of a file beside this one."""
    rows = yaml.safe_load(Path(__file__).with_name(file).read_text())
    return tuple(
        Holding(
            row["service"],
            row["arn"],
            tuple(row["made"]),
            Way(*next(iter(row["look"].items()))),
            tuple(Way(*next(iter(way.items()))) for way in row["ways"]),
            row.get("action", ""),
        )
        for row in rows
    )


HOLDINGS: Final = holdings("holdings.yaml")
KEPT_POLICIES: Final = holdings("kept_policies.yaml")


def _policy(action: str) -> str:
    """A policy that lets the account have an action on the resource."""
    granted = {"Effect": "Allow", "Principal": {"AWS": "{account}"}, "Action": action, "Resource": "{arn}"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "sealed", **granted}]})


def half(start: int) -> list[Any]:
    """The parameters of a test of all resources, of which `make test` runs every second one and `make nightly` all."""
    often = HOLDINGS[start::2]
    return [pytest.param(one, id=str(one), marks=() if one in often else pytest.mark.nightly) for one in HOLDINGS]


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with texts in place of `{name}` and its like, in keys of maps too."""
    if value == "{package}":
        return package(h="")
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, Mapping):
        return {filled(key, names): filled(inner, names) for key, inner in value.items()}
    return [filled(inner, names) for inner in value] if isinstance(value, list) else value


def shown(answer: Mapping[str, Any]) -> str:
    """An answer as text."""
    told = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return json.dumps(
        told, default=lambda value: str(value.read() if hasattr(value, "read") else value), sort_keys=True
    )


def tried(client: Any, operation: str, params: Mapping[str, Any]) -> str:
    """What came of a call: REFUSED, where Locum decided so, the answer as text, or an error's code.

    Empty where boto3 cannot send it, or cannot read its answer.
    """
    try:
        answer = _call(client, operation, params)
        refused = answer.get("Errors")  # of a batch, by its entries
        return REFUSED if refused and {error.get("Code") for error in refused} == {"AccessDenied"} else shown(answer)
    except ClientError as error:
        told = error.response["Error"]
        denied = "not authorized" in told.get("Message", "") or told["Code"] in {"403", "AccessDenied"}
        return REFUSED if denied else str(told["Code"])
    except (BotoCoreError, ResponseParserError, ValueError, TypeError, KeyError, AttributeError):
        return ""


def reached(held: Held, before: str, told: str, given: Mapping[str, Any]) -> bool:
    """Whether a call with the parameters `given` and the end `told` read or changed what is held.

    It was seen as `before`; for a call that Locum refused nobody looks.
    """
    if told == REFUSED:
        return False
    return (MARK in told and MARK not in json.dumps(given, default=str)) or held.seen() != before


def named_in(params: Mapping[str, Any], held: Held) -> Iterator[str]:
    """The names in the parameters of a way."""
    text = json.dumps(params)
    return (name for name in held.names if name not in {*_TEXTS, "policy", "role"} and f"{{{name}}}" in text)


def _call(client: Any, operation: str, params: Mapping[str, Any]) -> Any:
    return getattr(client, operation)(**params)


def _at(answer: Any, path: str) -> str:
    """The text at a path in an answer: of a list the first, of an id with a path (`/hostedzone/ID`) the id."""
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return str(answer).removeprefix("/hostedzone/")
