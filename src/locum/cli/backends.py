"""The backends of a plane, the services that each carries out, and their look-ups of identities."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from locum.agents.functions.logs import FunctionLogs
from locum.backends import Backend
from locum.backends.absent import AbsentBackend
from locum.backends.directory import Directory, Instances, InstanceView, ProfileView, RoleView
from locum.backends.kept_files import FOLDER, Keeping, KeptFiles, Sealing
from locum.backends.lazy import (
    LazyBackend,
    embedded_deployments,
    embedded_functions,
    embedded_mappings,
    embedded_moto,
    embedded_rules,
    embedded_secrets,
    http_endpoint,
    moto_version,
)
from locum.calls import Backends, Calls, Runtime
from locum.calls.service_roles import Assume
from locum.cli.remote_backends import SCHEME, RemoteEnds, remote_endpoint
from locum.compute.environment import secret_places
from locum.core.clock import Clock, Entropy, MovableClock
from locum.core.errors import ConfigurationError
from locum.core.extras import installed
from locum.credentials import KeyRing
from locum.state import Instance, InstanceProfile, Role, State
from locum.state.arns import entity_by_arn
from locum.wire.models import index

if TYPE_CHECKING:
    from locum.agents.functions.host import FunctionHost
    from locum.compute.functions.surroundings import Tls

OF_MAPPINGS: Final = tuple(
    f"{verb}EventSourceMapping{plural}"
    for verb, plural in (("Create", ""), ("Delete", ""), ("Get", ""), ("List", "s"), ("Update", ""))
)
"""The operations of `agents.functions.event_source_mappings`, which is loaded with the first of them."""
_CONCURRENCY: Final = "ProvisionedConcurrencyConfig"
OF_FUNCTIONS: Final = (
    "Invoke",
    *(f"{verb}{_CONCURRENCY}" for verb in ("Delete", "Get", "Put")),
    f"List{_CONCURRENCY}s",
)
"""Those of `agents.functions.host`."""
OF_RULES: Final = ("DeleteRule", "DisableRule", "EnableRule", "PutRule")
"""Those of `agents.event_schedules`, which is, too."""


OF_DEPLOYMENTS: Final = ("CreateDeployment", "PutLifecycleEventHookExecutionStatus")
"""Those of `agents.functions.deployments`, which is, too."""


NO_BACKEND: Final = "none"
"""In place of an endpoint: what is not Locum's own is not carried out."""

Listening = Callable[[str], AbstractContextManager[asyncio.Event]]


class Hosts(NamedTuple):
    """Makers of the backends beside moto: of functions, and of what invokes them.

    Those of schedules, rotations and deployments are given moto, which has the rules, the secrets and the deployments.
    """

    functions: Callable[[], Backend]
    mappings: Callable[[], Backend]
    schedules: Callable[[Backend], Backend]
    rotations: Callable[[Backend], Backend]
    deployments: Callable[[Backend], Backend]


def make_backends(
    endpoints: Mapping[str, str],
    keys: tuple[str, str],
    clock: Clock,
    view: Callable[[], State],
    remote: RemoteEnds,
    hosts: Hosts,
    others: Mapping[tuple[str, str], Backend] = MappingProxyType({}),
    kept: Keeping | None = None,
    using: Callable[[str], None] | None = None,
) -> Backends:
    """The backends of a plane. `endpoints` maps a service, or `*` for all others, to a URL; the rest is moto's.

    `keys` (access key id, secret) sign requests to endpoints; `view` returns the current state; `remote` is what
    connections to other nodes take; `hosts` make those of Lambda's operations that are not moto's; `others` are
    backends of single operations. moto's data is in memory alone, unless it is `kept`. Raises ConfigurationError for a
    service, an address or keys that cannot be used. `using` is told the service before each
    call of moto's, and may refuse it.
    """
    named = endpoints_of(endpoints, keys, clock, remote)
    default = named.pop("*", None)
    if default is not None:
        return Backends(default, named, others)
    if not installed("moto"):
        return Backends(AbsentBackend(), named, others)
    files = None if kept is None else kept.files
    moto = LazyBackend(lambda: embedded_moto(identities(view), kept), files, using=using)
    hosted = _hosted(hosts, moto, using)
    own = {operation: host for operation, host in hosted.items() if operation[0] not in named}
    return Backends(moto, named, {**own, **others})


def endpoints_of(
    endpoints: Mapping[str, str], keys: tuple[str, str], clock: Clock, remote: RemoteEnds
) -> dict[str, Backend]:
    """The backends at `endpoints`, by service. Raises ConfigurationError where one cannot be used."""
    return {service: _endpoint(service, url, keys, clock, remote) for service, url in endpoints.items()}


def _endpoint(service: str, url: str, keys: tuple[str, str], clock: Clock, remote: RemoteEnds) -> Backend:
    if service != "*" and service not in index().services:
        raise ConfigurationError(f"there is no service {service!r}: a backend is named like s3 or dynamodb, or *")
    if url == NO_BACKEND:
        return AbsentBackend(wanted=False)
    if urlsplit(url).scheme == SCHEME:
        return remote_endpoint(url, remote)
    if not all(keys):
        raise ConfigurationError(
            f"the backend at {url} is given signed requests: set LOCUM_BACKEND_ACCESS_KEY_ID and "
            "LOCUM_BACKEND_SECRET_ACCESS_KEY"
        )
    return http_endpoint(url, *keys, clock)


def kept_files(data: Path, keyring: Callable[[], KeyRing], entropy: Entropy) -> KeptFiles:
    """The files in which the data of moto is kept, in the data directory, sealed with a key ring."""
    sealing = Sealing(
        lambda plain, owner: keyring().seal(FOLDER, plain, entropy, owner),
        lambda sealed, owner: keyring().open(FOLDER, sealed, owner),
    )
    return KeptFiles(data / FOLDER, sealing, moto_version)


def _hosted(hosts: Hosts, moto: LazyBackend, using: Callable[[str], None] | None) -> dict[tuple[str, str], Backend]:
    """The operations that are not moto's alone. What invokes functions comes before them: so it is closed first."""

    def behind(service: str, make: Callable[[], Backend]) -> LazyBackend:
        return LazyBackend(make, ready=lambda: moto.prepare(service), using=using)

    mappings = behind("lambda", hosts.mappings)
    schedules = behind("events", lambda: hosts.schedules(moto))
    found: dict[tuple[str, str], Backend] = {("lambda", operation): mappings for operation in OF_MAPPINGS}
    found |= {("events", operation): schedules for operation in OF_RULES}
    deployments = behind("codedeploy", lambda: hosts.deployments(moto))
    found |= {("codedeploy", operation): deployments for operation in OF_DEPLOYMENTS}
    found["secretsmanager", "RotateSecret"] = behind("secretsmanager", lambda: hosts.rotations(moto))
    functions = behind("lambda", hosts.functions)
    return found | {("lambda", operation): functions for operation in OF_FUNCTIONS}


RESUMED: Final = {
    "codedeploy": OF_DEPLOYMENTS[0],
    "events": OF_RULES[0],
    "lambda": OF_MAPPINGS[0],
    "secretsmanager": "RotateSecret",
}
"""The services that may have something under way when a plane ends, each with an operation of who resumes it."""


def schedule_host(runtime: Runtime, calls: Calls, moto: Backend) -> Backend:
    """Make the backend that puts events for the rules that `moto` has: at their times, and those of CloudTrail."""
    from locum.agents.event_schedules import ScheduleHost
    from locum.agents.trails.event_bus import TrailEvents

    rules = embedded_rules()
    return ScheduleHost(TrailEvents(moto, runtime, calls.make, rules), calls.make, runtime.clock, rules)


def rotation_host(calls: Calls, clock: MovableClock, entropy: Entropy, moto: Backend) -> Backend:
    """Make the backend that rotates the secrets that `moto` has."""
    from locum.agents.functions.rotations import RotationHost

    return RotationHost(moto, embedded_secrets(), calls.make, clock, entropy)


def deployment_host(calls: Calls, clock: MovableClock, entropy: Entropy, moto: Backend) -> Backend:
    """Make the backend that carries out the deployments to Lambda that `moto` has."""
    from locum.agents.functions.deployments import DeploymentHost

    return DeploymentHost(moto, embedded_deployments(), calls.make, clock, entropy)


def mapping_host(calls: Calls, clock: Clock, entropy: Entropy) -> Backend:
    """Make the backend that has the event source mappings of functions in moto, and reads their sources."""
    from locum.agents.functions.event_source_mappings import MappingHost
    from locum.agents.functions.sources import Plane

    plane = Plane(calls.make, calls.wake_ups.listening, clock)
    return MappingHost(plane, embedded_functions(), embedded_mappings(), entropy)


def function_host(
    assume: Assume,
    logs: FunctionLogs,
    clock: MovableClock,
    endpoint: Callable[[], str],
    data: Path,
    gateway: Any,
    ports: Callable[[], Collection[int]],
    tls: Callable[[], Tls | None],
    listening: Listening,
) -> FunctionHost:
    """Make the backend that invokes the functions in moto, from which it hides the directory `data`. Takes a second.

    Functions reach `gateway` (an ASGI application) at the port of `endpoint`, those of the host's `ports`, and `tls`.
    """
    from locum.agents.functions.host import FunctionHost
    from locum.agents.functions.provisioned import ProvisionedConcurrency
    from locum.compute.functions.functions import Functions

    hidden = secret_places(os.environ, Path.home(), data.resolve())
    search_path = os.environ.get("PATH", os.defpath)

    def apps() -> dict[int, Any]:
        return {urlsplit(endpoint()).port or 80: gateway}

    functions = Functions(clock.wall, hidden, apps=apps, ports=ports, tls=tls, search_path=search_path, expiring=clock)
    find = embedded_functions()

    def provisioned(launch: Any) -> ProvisionedConcurrency:
        return ProvisionedConcurrency(find, launch, functions, listening, clock)

    return FunctionHost(find, assume, functions, logs, endpoint, search_path, provisioned)


def identities(view: Callable[[], State]) -> Directory:
    """Look-ups in the state that `view` returns."""

    def role(arn: str) -> RoleView | None:
        found = entity_by_arn(view(), Role, arn)
        return None if found is None else _role(found)

    def profiles(account: str) -> list[ProfileView]:
        state = view()
        roles = state.table(Role, account)
        found = state.table(InstanceProfile, account).values()
        return [ProfileView(p.arn, p.id, p.name, [_role(roles[name]) for name in p.roles]) for p in found]

    def instances(account: str) -> Instances:
        table = view().table(Instance, account)
        return Instances(table, lambda: map(_instance, table.values()))

    return Directory(role, profiles, instances)


def _instance(it: Instance) -> InstanceView:
    return InstanceView(
        it.id,
        it.region,
        it.reservation,
        it.launch_index,
        it.client_token,
        it.instance_type,
        it.state,
        it.launched,
        it.zone,
        it.attributes.get("SubnetId", ""),
        it.private_ip,
        it.mac,
        it.user_data,
        it.tags,
        it.attributes,
    )


def _role(role: Role) -> RoleView:
    return RoleView(role.arn, role.id, role.name)
