"""Look-up of moto's handler for a call.

Each moto service lists URL patterns with the host names of AWS. The service is found by its module, never by moto's
dispatcher, so that a client's Host header cannot reach another service, nor `/moto-api`, which resets everything.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import moto.backends as moto_backends
from moto.core.base_backend import BackendDict

from locum.backends.moto import alarms, code_deployments, completions, launch_templates, queues, rotations, volumes
from locum.backends.moto.event_rules import divert_events
from locum.backends.moto.fence import replace_refused
from locum.backends.moto.internals import (
    name_key_policies,
    withdraw_bucket_guard,
    withdraw_key_guard,
)
from locum.backends.moto.log_subscriptions import divert_logs
from locum.backends.moto.permissions import complete
from locum.backends.moto.reliance import check

Handler = Callable[..., tuple[int, dict[str, Any], Any]]

WITHHELD: Final = frozenset(
    {"cloudformation", "iam", "sts", "organizations", "moto_api._internal", "instance_metadata"}
)
"""The modules of moto that are not used, as Locum implements them, and moto's own API."""


def _adjust_ec2() -> None:
    launch_templates.adjust()
    volumes.adjust()


def _adjust_keys() -> None:
    withdraw_key_guard()
    name_key_policies()


def _adjust_buckets() -> None:
    withdraw_bucket_guard()
    completions.adjust_buckets()


_ADJUSTMENTS: Final[Mapping[str, Callable[[], None]]] = {
    "apigateway": completions.adjust_api_gateway,
    "awslambda": complete,
    "cloudwatch": alarms.divert,
    "codedeploy": code_deployments.adjust,
    "ec2": _adjust_ec2,
    "eks": completions.adjust_eks,
    "elasticache": completions.adjust_caches,
    "events": divert_events,
    "kms": _adjust_keys,
    "logs": divert_logs,
    "s3": _adjust_buckets,
    "secretsmanager": rotations.adjust,
    "sqs": queues.adjust,
    "ssm": completions.adjust_parameters,
}
"""The functions that replace parts of modules of moto, to be run when a module is loaded."""

_PARTITIONS: Final = frozenset({"aws", "global"})
"""The pseudo-regions of global services, which ignore the region of a call."""
_CACHE_SIZE: Final = 4096
"""The number of cached results. It is bounded, as clients may sign for any region."""

_HOSTS: Final = (
    "{prefix}.{region}.amazonaws.com",
    "{prefix}.amazonaws.com",
    "{prefix}.{region}.api.aws",
    "{account}.{prefix}.{region}.amazonaws.com",
    "{signing}.{region}.amazonaws.com",
    "a.{prefix}.{region}.api.aws",
)


class Route(NamedTuple):
    """One of a service's URL patterns with its handler."""

    pattern: re.Pattern[str]
    handler: Handler


class Service(NamedTuple):
    """A moto service: its host name and its routes, in moto's order."""

    host: str
    routes: tuple[Route, ...]

    def handler(self, url: str) -> Handler | None:
        """The handler of the first route that matches `url` (without its query)."""
        for route in self.routes:
            if route.pattern.match(url):
                return route.handler
        return None


@cache
def module_of(service: str) -> str | None:
    """The moto module for the botocore service `service`, or None."""
    name = service.replace("-", "")
    module = moto_backends.ALT_SERVICE_NAMES.get(name, name)
    available = module in moto_backends.list_of_moto_modules() and module not in WITHHELD
    return module if available else None


def load(service: str) -> None:
    """Load the moto module for the botocore service `service`, where there is one. Raises as `find`."""
    module = module_of(service)
    if module is not None:
        _urls(module)


def load_part(part: str) -> None:
    """Load a part of moto, adjusted as for a call. Raises as `find`."""
    if find_spec(f"moto.{part}.urls") is not None:
        _urls(part)
    else:
        importlib.import_module(f"moto.{part}.models")


@lru_cache(maxsize=_CACHE_SIZE)
def find(service: str, endpoint_prefix: str, signing_name: str, region: str, account: str) -> Service | None:
    """The moto service for a botocore service, or None where moto has none.

    Raises ConfigurationError where moto does not have the internals that are used (`relied_on`).
    """
    module = module_of(service)
    if module is None:
        return None
    urls = _urls(module)
    hosts = (h.format(prefix=endpoint_prefix, region=region, account=account, signing=signing_name) for h in _HOSTS)
    for host in hosts:
        bases = [base for base in urls.url_bases if re.match(base, f"https://{host}")]
        if bases:
            return Service(host, tuple(_routes(bases, urls.url_paths)))
    return None


@lru_cache(maxsize=_CACHE_SIZE)
def has_region(service: str, account: str, region: str) -> bool:
    """Whether moto has the service in `region`. It would fail in any other."""
    module = module_of(service)
    backends = None if module is None else moto_backends.get_backend(module)
    if not isinstance(backends, BackendDict):
        return True
    regions = backends[account].regions
    return region in regions or not _PARTITIONS.isdisjoint(regions)


@cache
def _urls(module: str) -> Any:
    """moto's URLs of `module`, which is checked and adjusted when it is loaded."""
    check(module)
    urls = importlib.import_module(f"moto.{module}.urls")
    if module in _ADJUSTMENTS:
        _ADJUSTMENTS[module]()
    replace_refused()
    return urls


def _routes(bases: list[str], paths: dict[str, Handler]) -> Iterator[Route]:
    for base in bases:
        for path, handler in paths.items():
            yield Route(re.compile(path.format(base)), handler)
