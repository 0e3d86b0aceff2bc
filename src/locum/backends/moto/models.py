"""moto's models of a service in one account and region, without creating them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict

from locum.backends.moto import recall
from locum.backends.moto.internals import part_of


def backends_of(service: str) -> Any:
    """moto's models of a service by account and region, as they are: a look-up makes those that are not there."""
    found, part = _backends_of(service)
    recall.here(part)
    return found


@cache
def _backends_of(service: str) -> tuple[Any, str]:
    """The models, and the part of moto that has them. `get_backend` imports the module of the service each time."""
    found = get_backend(service)
    return found, "" if found is None else part_of(found.backend)


def models_of(service: str, account: str, region: str) -> Any:
    """moto's models of a service in an account and a region, or None where nothing was created there.

    They are looked up before the decision, for any accounts and regions in the request, so that this must not create
    them.
    """
    return _existing(_existing(backends_of(service), account), region)


def _existing(backends: Any, key: str) -> Any:
    """The entry for an account or region, without creating it as moto's dictionaries do."""
    return None if backends is None else dict.get(backends, key)


def dictionaries(part: str) -> Iterator[tuple[str, Any]]:
    """The dictionaries in which a part of moto has its models, each with the name of its variable."""
    module = sys.modules.get(f"moto.{part}.models")
    for name, value in [] if module is None else list(vars(module).items()):
        if isinstance(value, BackendDict) and part_of(value.backend) == part:
            yield name, value


def all_models(part: str) -> Iterator[Any]:
    """The models of a part of moto, of all accounts and regions, as far as there are any."""
    for _, backends in dictionaries(part):
        for regions in dict.values(backends):
            yield from dict.values(regions)
