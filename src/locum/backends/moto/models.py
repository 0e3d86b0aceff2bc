"""moto's models of a service in one account and region, without creating them."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.backends import get_backend


@cache
def backends_of(service: str) -> Any:
    """moto's models of a service by account and region, as they are: a look-up makes those that are not there.

    `get_backend` imports the module of the service each time.
    """
    return get_backend(service)


def models_of(service: str, account: str, region: str) -> Any:
    """moto's models of a service in an account and a region, or None where nothing was created there.

    They are looked up before the decision, for any accounts and regions in the request, so that this must not create
    them.
    """
    return _existing(_existing(backends_of(service), account), region)


def _existing(backends: Any, key: str) -> Any:
    """The entry for an account or region, without creating it as moto's dictionaries do."""
    return None if backends is None else dict.get(backends, key)
