"""Amazon ECS: clusters and what is in them by name or ARN; task definitions, with or without their revision."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, KeyReader, Resolver, Values, own_arn
from locum.authz.paths import UNKNOWN_VALUE
from locum.authz.services import ecs_keys
from locum.core.arn import PARTITION, Arn
from locum.core.partial_arn import NEW, UNKNOWN, PartialArn, arn_of
from locum.state import State

_DEFAULT: Final = "default"
"""Amazon ECS API Reference, `cluster`: "If you do not specify a cluster, the default cluster is assumed"."""
_CLUSTER: Final = re.compile(f"arn:{PARTITION}:ecs:[a-z0-9-]+:[0-9]{{12}}:cluster")


def _cluster(state: State, call: Call, values: Values) -> Iterable[str]:
    """A cluster by name or ARN."""
    yield _cluster_arn(call, values[0])


def _cluster_arn(call: Call, name: str | None) -> str:
    """The ARN of a cluster. What is before its last slash is not part of a name: `cluster/web` is `web`."""
    head, _, short = (name or _DEFAULT).rpartition("/")
    return f"{head}/{short}" if _CLUSTER.fullmatch(head) else own_arn(call, "ecs", "cluster/", short)


def _in_cluster(kind: str) -> Resolver:
    """The resolver of (cluster, name...): a service, task, task set or container instance by names or ARN.

    The old ARNs, `task/ID`, are those of the resource in the given cluster. One that names another cluster than the
    call does is also taken as such: a backend may look in either.
    """

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        cluster, *names = values
        last = names[-1] or ""
        if last.startswith("arn:"):
            if last.count("/") > 1:
                yield last
                if last.split("/")[1] == _cluster_arn(call, cluster).rpartition("/")[2]:
                    return
            names[-1] = last.rpartition("/")[2]
        names = [name and name.rpartition("/")[2] for name in names]
        head = _cluster_arn(call, cluster).replace(":cluster/", f":{kind}/", 1)
        made = NEW if call.operation in ("RunTask", "StartTask", "CreateTaskSet") else UNKNOWN
        yield arn_of(head, *(part for name in names for part in ("/", name or made)))

    return resolve


def _parent(kind: str) -> Resolver:
    """The resolver of the service, daemon or gateway that has what an ARN, `KIND/CLUSTER/NAME/ID`, is of."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        arn = Arn.find(values[0] or "")
        path = [] if arn is None else arn.resource.split("/")[1:-1]
        if arn is None or not path:
            yield own_arn(call, "ecs", f"{kind}/", None)
        else:
            yield str(arn._replace(resource="/".join((kind, *path))))

    return resolve


def _definition(kind: str) -> Resolver:
    """The resolver of a definition by `family`, which is one of its revisions, `family:revision` or ARN."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        name = values[0] or ""
        if name.startswith("arn:"):
            return (name,)
        family, _, revision = name.partition(":")
        head = own_arn(call, "ecs", f"{kind}/")
        made = NEW if call.operation.startswith("Register") else UNKNOWN
        return (arn_of(head, family or UNKNOWN, ":", revision or made),)

    return resolve


def _cluster_key(state: State, call: Call, check: Check) -> list[str]:
    """ecs:cluster: the ARN of the cluster that the call is for."""
    return [_cluster_arn(call, call.params.get("cluster") or call.params.get("clusterArn"))]


def _container_instances(state: State, call: Call, check: Check) -> list[str]:
    """ecs:container-instances: the ARNs of those that a task is placed on."""
    resolve, cluster = _in_cluster("container-instance"), call.params.get("cluster")
    given = call.params.get("containerInstances") or ()
    return [arn for name in given for arn in resolve(state, call, (cluster, str(name)))]


def _arn_key(kind: str, *members: str) -> KeyReader:
    """The reader of ecs:service or ecs:task: the ARN of what one of `members` names in the cluster."""
    resolve = _in_cluster(kind)

    def read(state: State, call: Call, check: Check) -> list[str]:
        name = next((call.params[member] for member in members if call.params.get(member)), None)
        return [] if name is None else [str(arn) for arn in resolve(state, call, (call.params.get("cluster"), name))]

    return read


def _definition_key(state: State, call: Call, check: Check) -> list[str]:
    """ecs:task-definition: the ARN; unknown where a family stands for its latest revision."""
    name = call.params.get("taskDefinition")
    found = [] if not name else _definition("task-definition")(state, call, (name,))
    return [UNKNOWN_VALUE if isinstance(arn, PartialArn) else arn for arn in found]


FUNCTIONS: Final = Functions(
    resolvers={
        "ecs_cluster": _cluster,
        "ecs_container_instance": _in_cluster("container-instance"),
        "ecs_daemon": _in_cluster("daemon"),
        "ecs_daemon_of": _parent("daemon"),
        "ecs_daemon_task_definition": _definition("daemon-task-definition"),
        "ecs_gateway_of": _parent("gateway"),
        "ecs_service": _in_cluster("service"),
        "ecs_service_of": _parent("service"),
        "ecs_task": _in_cluster("task"),
        "ecs_task_definition": _definition("task-definition"),
        "ecs_task_set": _in_cluster("task-set"),
    },
    keys={
        "container_instances": _container_instances,
        "ecs_cluster": _cluster_key,
        "ecs_service": _arn_key("service", "service", "serviceName"),
        "ecs_task": _arn_key("task", "task"),
        "ecs_task_definition": _definition_key,
        **ecs_keys.KEYS,
    },
)
