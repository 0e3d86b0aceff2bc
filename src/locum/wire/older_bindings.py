"""REST operations at the method and path that they had in older releases of botocore.

AWS answers an operation at each path that it ever had; its service model has the latest one. `tools/older_bindings.py`
collects the others. They come after all of the present ones, and only their parsing differs: the parameters are those
of the present model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from locum.core.http import HttpRequest
from locum.wire.codec import Codec, with_binding
from locum.wire.models import Service
from locum.wire.route_rest import RestRouter

_DATA: Final = Path(__file__).parent / "data" / "older_bindings.json"


class Binding(NamedTuple):
    """An older binding. `locations` are, by member, its place in the request and its name there; others are in the
    body."""

    service: str
    operation: str
    method: str
    template: str
    locations: Mapping[str, tuple[str, str]]


def of_older_client(services: Iterable[Service], request: HttpRequest) -> Codec | None:
    """The codec for a request at an older path of an operation of one of `services`; None where there is none."""
    for service in services:
        router = _routers().get(service.name)
        found = None if router is None else router.find(request.method, request.raw_path, request.query_string)
        if found is not None:
            return _codec(service, int(found))
    return None


@cache
def older_bindings() -> tuple[Binding, ...]:
    """All older bindings."""
    return tuple(Binding(*row) for row in json.loads(_DATA.read_bytes()))


@cache
def _routers() -> Mapping[str, RestRouter]:
    """By service, a router to the positions in `older_bindings`."""
    routers: dict[str, RestRouter] = {}
    for position, binding in enumerate(older_bindings()):
        routers.setdefault(binding.service, RestRouter()).add(binding.method, binding.template, str(position))
    return routers


@cache
def _codec(service: Service, position: int) -> Codec | None:
    binding = older_bindings()[position]
    http = {"method": binding.method, "requestUri": binding.template}
    return with_binding(service, binding.operation, http, binding.locations)
