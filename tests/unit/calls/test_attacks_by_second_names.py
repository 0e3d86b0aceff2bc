"""A second name somewhere in the request, of what is denied, beside the first, of what is not: it reaches nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from botocore.awsrequest import AWSRequest

from support.holdings import EVERYTHING, HOLDINGS, MARK, Clients, Held, Holding, filled, named_in, tried
from support.inprocess import InProcess, Key

MEMBERS: Final = (
    "Name",
    "name",
    "Id",
    "id",
    "Bucket",
    "FunctionName",
    "ResourceArn",
    "resourceArn",
    "Key",
    "TableName",
)
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"

Swap = Callable[[str], str]
"""A text with the names of what is denied in place of those of what is not."""
Place = Callable[[AWSRequest, Swap, str], None]
"""Puts the names of what is denied somewhere in a request besides those of `own`, which is not."""


def _text(request: AWSRequest) -> str:
    data = request.data
    return urlencode(data) if isinstance(data, dict) else data.decode() if isinstance(data, bytes) else str(data or "")


def _with_text(request: AWSRequest, text: str, content_type: str = "") -> None:
    request.data = text.encode()
    if content_type:
        request.headers["Content-Type"] = content_type


def in_query(request: AWSRequest, swap: Swap, own: str) -> None:
    """The members of the body, and others, in the query string too."""
    members = json.loads(_text(request)) if _text(request).startswith("{") else {}
    pairs = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
    query = swap(urlencode({**dict.fromkeys(MEMBERS, own), **pairs}))
    request.url += f"{'&' if '?' in request.url else '?'}{query}&x=/{swap(own)}"


def _twice(*, before: bool) -> Place:
    """Each member of the body a second time, `before` the first or after it."""

    def change(request: AWSRequest, swap: Swap, own: str) -> None:
        text = _text(request)
        first, second = (swap(text), text) if before else (text, swap(text))
        if isinstance(request.data, dict):
            _with_text(request, f"{first}&{second}", FORM)
        elif text.startswith("{"):
            _with_text(request, f"{first[:-1]},{second[1:]}" if len(text) > 2 else text)

    return change


def in_other_letters(request: AWSRequest, swap: Swap, own: str) -> None:
    """Each member of the body in other letters too."""
    text = _text(request)
    if isinstance(request.data, dict):
        pairs = {name.lower(): value for name, value in request.data.items() if name not in ("Action", "Version")}
        _with_text(request, f"{text}&{swap(urlencode(pairs))}", FORM)
    elif text.startswith("{"):
        members = json.loads(text)
        others = {name[0].swapcase() + name[1:]: value for name, value in members.items()}
        _with_text(request, json.dumps({**members, **json.loads(swap(json.dumps(others)))}))


def _in_path(between: str) -> Place:
    def change(request: AWSRequest, swap: Swap, own: str) -> None:
        path, mark, query = request.url.partition("?")
        text = quote(own, safe="")
        request.url = path.replace(text, f"{text}{between}{swap(text)}") + mark + query

    return change


PLACES: Final = {
    "in the query": in_query,
    "after it": _twice(before=False),
    "before it": _twice(before=True),
    "in other letters": in_other_letters,
    "behind dots": _in_path("/../"),
    "behind encoded dots": _in_path("%2F..%2F"),
    "behind a parameter": _in_path(";/"),
}


def swapping(own: Held, denied: Held) -> Swap:
    pairs = sorted(((own.names[name], denied.names[name]) for name in own.names), key=lambda pair: -len(pair[0]))
    differing = [(first, second) for first, second in pairs if first != second]

    def swap(text: str) -> str:
        for first, second in differing:
            text = text.replace(first, second).replace(quote(first, safe=""), quote(second, safe=""))
        return text

    return swap


def client_of(plane: InProcess, owner: Key, own: Held, denied: Held, place: str) -> Any:
    """A client of somebody who may do nothing with `denied`, which puts its names into the requests for `own`."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": denied.arn}
    key = plane.user(f"second-{denied.names['name']}", EVERYTHING, statement, of=owner)
    client = plane.client(own.holding.service, key, parameter_validation=False, inject_host_prefix=False)
    swap, name = swapping(own, denied), next(named_in(own.holding.ways[0].params, own), "name")
    client.meta.events.register("before-sign", lambda request, **_: PLACES[place](request, swap, own.names[name]))
    return client


def attacks() -> Iterator[Any]:
    """Each resource with each place. `make test` tries one, of every second resource."""
    for number, holding in enumerate(HOLDINGS):
        for at, place in enumerate(PLACES):
            marks = () if number % 2 == 0 and at == number // 2 % len(PLACES) else pytest.mark.nightly
            yield pytest.param(holding, place, id=f"{holding} {place}", marks=marks)


@pytest.mark.parametrize(("holding", "place"), list(attacks()))
def test_a_second_name_reaches_nothing_that_is_denied(
    plane: InProcess, owner: Key, clients: Clients, holding: Holding, place: str
) -> None:
    denied, own = Held(holding, clients), Held(holding, clients, mark="of-ones-own")
    client, before = client_of(plane, owner, own, denied, place), denied.seen()
    told = [(way.operation, tried(client, way.operation, filled(way.params, own.names))) for way in holding.ways]
    assert [(operation, end) for operation, end in told if MARK in end] == []
    assert denied.seen() == before
