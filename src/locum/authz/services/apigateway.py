"""Amazon API Gateway: the tags of a resource, which is named by its ARN within the path, and patches of resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, KeyReader, Values
from locum.authz.paths import UNKNOWN_VALUE, scalar
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _tags(state: State, call: Call, values: Values) -> Iterable[str]:
    """`/tags/` and the resource's ARN, percent-encoded.

    API Gateway Developer Guide, "Control access to API Gateway resources using tags": `arn:aws:apigateway:*::/tags/*`.
    """
    yield arn_of(f"arn:{PARTITION}:apigateway:{call.region}::/tags/", quote(values[0] or "", safe="") or UNKNOWN)


def _new_tags(state: State, call: Call, values: Values) -> Iterable[str]:
    """The tags of what a call makes in a collection, which is `/restapis/*` where its ARN is not there yet."""
    made = f"arn:{PARTITION}:apigateway:{call.region}::{values[0]}/*"
    yield f"arn:{PARTITION}:apigateway:{call.region}::/tags/{quote(made, safe='*')}"


def _imported(state: State, call: Call, check: Check) -> list[str]:
    """A value in an API's definition, which is not read."""
    return [UNKNOWN_VALUE]


def _imported_endpoint_types(state: State, call: Call, check: Check) -> list[str]:
    """The types in the query: `endpointConfigurationTypes=REGIONAL`. A definition does not have them."""
    given = (call.params.get("parameters") or {}).get("endpointConfigurationTypes")
    return given.split(",") if given else ["EDGE"] if call.operation == "ImportRestApi" else []


def _patched(path: str) -> KeyReader:
    """The reader of the values that a PATCH sets at `path`, or below it where that is a list.

    API Gateway API Reference, "Patch operations": op, path, value; a list's old element is the end of the path.
    """

    def read(state: State, call: Call, check: Check) -> list[str]:
        operations = call.params.get("patchOperations") or ()
        set_here = [each for each in operations if f"{each.get('path', '')}/".startswith(f"{path}/")]
        return [scalar(each["value"]) for each in set_here if each.get("value") is not None]

    return read


_PATCHED: Final[Mapping[str, str]] = {
    "access_log_destination": "/accessLogSettings/destinationArn",
    "access_log_format": "/accessLogSettings/format",
    "api_key_required": "/apiKeyRequired",
    "authorization_type": "/authorizationType",
    "authorizer_uri": "/authorizerUri",
    "disable_execute_api_endpoint": "/disableExecuteApiEndpoint",
    "endpoint_type": "/endpointConfiguration/types",
    "name": "/name",
    "routing_mode": "/routingMode",
    "security_policy": "/securityPolicy",
    "truststore_uri": "/mutualTlsAuthentication/truststoreUri",
    "truststore_version": "/mutualTlsAuthentication/truststoreVersion",
    "type": "/type",
}
"""The paths of the members that condition keys are about."""

FUNCTIONS: Final = Functions(
    resolvers={"apigateway_new_tags": _new_tags, "apigateway_tags": _tags},
    keys={
        "imported": _imported,
        "imported_endpoint_types": _imported_endpoint_types,
        **{f"patched_{name}": _patched(path) for name, path in _PATCHED.items()},
    },
)
