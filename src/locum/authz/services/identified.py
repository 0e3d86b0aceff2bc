"""Resources that actions on tags name by an id of which the form tells the type: Amazon EFS, EMR and CloudHSM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, is_arn_of, own_arn
from locum.core.partial_arn import UNKNOWN_RESOURCE
from locum.state import State

_PREFIXES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "cloudhsmv2": {"cluster-": ("cloudhsm", "cluster/"), "backup-": ("cloudhsm", "backup/")},
    "efs": {"fs-": ("elasticfilesystem", "file-system/"), "fsap-": ("elasticfilesystem", "access-point/")},
    "emr": {
        "j-": ("elasticmapreduce", "cluster/"),
        "e-": ("elasticmapreduce", "editor/"),
        "ex-": ("elasticmapreduce", "notebook-execution/"),
        "es-": ("elasticmapreduce", "studio/"),
    },
}
"""The service and the type, as in ARNs, by botocore's service and the prefix of an id."""


def _identified(state: State, call: Call, values: Values) -> Iterable[str]:
    """A resource by its ARN or id. An id of another form is of a resource of which nothing is known."""
    name = values[0] or ""
    kinds = _PREFIXES[call.service]
    if name.startswith("arn:"):
        whole = name.count("/") == 1 and any(is_arn_of(service, name, kind) for service, kind in kinds.values())
        return (name if whole else UNKNOWN_RESOURCE,)
    found = next((kinds[prefix] for prefix in kinds if name.startswith(prefix) and "/" not in name), None)
    return (UNKNOWN_RESOURCE if found is None else own_arn(call, *found, name),)


FUNCTIONS: Final = Functions(resolvers={"identified": _identified})
