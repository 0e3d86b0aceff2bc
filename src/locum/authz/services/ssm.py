"""AWS Systems Manager: parameters by name or ARN, with a label or a version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _parameter(state: State, call: Call, values: Values) -> Iterable[str]:
    """A parameter by name or ARN, without its label or version. A leading slash is not repeated in the ARN.

    SSM API Reference, GetParameter: "To query by parameter label, use Name: name:label. To query by parameter version,
    use Name: name:version".
    """
    name = values[0] or ""
    if name.startswith("arn:"):
        return (":".join(name.split(":")[:6]),)
    name = name.partition(":")[0]
    account = call.caller.account
    return (arn_of(f"arn:{PARTITION}:ssm:{call.region}:{account}:parameter/", name.removeprefix("/") or UNKNOWN),)


FUNCTIONS: Final = Functions(resolvers={"ssm_parameter": _parameter})
